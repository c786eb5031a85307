// Where nodes found the reads that came with a version.
import type { Cluster } from "../cluster.ts";
import { readMetrics, sumOfMetric } from "./metrics.ts";

const SOURCES = ["here", "waited", "primary", "behind"] as const;
const NAME = "insole_versioned_reads_total";

/** By source, of all nodes since they started; `here`: the replica had the version at once. */
export type VersionedReads = Record<(typeof SOURCES)[number], number>;

export async function readVersionedReads({ nodes }: Cluster): Promise<VersionedReads> {
  const reads: VersionedReads = { here: 0, waited: 0, primary: 0, behind: 0 };
  for (const { url } of nodes) {
    const text = await readMetrics(url);
    for (const source of SOURCES) reads[source] += sumOfMetric(text, NAME, `source="${source}"`);
  }
  return reads;
}

/** The share of each source in the reads between two readings, from 0 to 1. */
export function sharesBetween(before: VersionedReads, after: VersionedReads): VersionedReads {
  const counts = SOURCES.map((source) => after[source] - before[source]);
  const all = counts.reduce((sum, count) => sum + count, 0);
  const shares = SOURCES.map((source, at) => [source, (counts[at] ?? 0) / Math.max(1, all)]);
  return Object.fromEntries(shares) as VersionedReads;
}
