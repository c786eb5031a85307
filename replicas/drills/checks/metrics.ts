// The metrics of a node or of the door: single samples of their text.

/** The sum of a metric over its samples with this label; throws when it has no sample at all. */
export function sumOfMetric(text: string, name: string, label = ""): number {
  const samples = text
    .split("\n")
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  if (samples.length === 0) throw new Error(`there is no metric ${name}`);
  return samples
    .filter((line) => line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** Reads the metrics of a node or of the door; throws on any status but 200. */
export async function readMetrics(base: string): Promise<string> {
  const response = await fetch(`${base}/metrics`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${base}/metrics answers ${response.status}`);
  return text;
}
