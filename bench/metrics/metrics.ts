// The counters that a shop publishes under `/metrics`.

/** The sum of a metric over the samples with this label; 0 where there are none. */
export function sumOfMetric(text: string, name: string, label = ""): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    const isIt = line.startsWith(`${name} `) || line.startsWith(`${name}{`);
    if (isIt && line.includes(label)) sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}

/** Reads the metrics of a shop; throws on any status but 200. */
export async function readMetrics(base: string): Promise<string> {
  const response = await fetch(`${base}/metrics`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${base}/metrics answers ${response.status}`);
  return text;
}

/** Catalogue answers since the shop started: those from memory, and all. */
export type CacheAnswers = { fromMemory: number; all: number };

const FROM_MEMORY = ["hit", "not-modified"];
const COMPUTED = ["miss", "missing"];

/** Counts the catalogue answers in a text of metrics. */
export function parseCacheAnswers(text: string): CacheAnswers {
  const sum = (kinds: readonly string[]) =>
    kinds.reduce(
      (total, kind) => total + sumOfMetric(text, "insole_cache_answers_total", `kind="${kind}"`),
      0,
    );
  return { fromMemory: sum(FROM_MEMORY), all: sum([...FROM_MEMORY, ...COMPUTED]) };
}

/** The share of answers between two readings that came from a cache, from 0 to 1. */
export const shareBetween = (before: CacheAnswers, after: CacheAnswers): number =>
  (after.fromMemory - before.fromMemory) / (after.all - before.all);

/** The share of catalogue answers from memory between two texts of metrics. */
export const memoryShare = (before: string, after: string): number =>
  shareBetween(parseCacheAnswers(before), parseCacheAnswers(after));
