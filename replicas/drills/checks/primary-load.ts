// How much a cluster's primary works: its queries, the nodes' commits, and the CPU time of its process.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../../db/until.ts";
import type { Cluster } from "../cluster.ts";
import { readMetrics, sumOfMetric } from "./metrics.ts";

/** Counts so far; `atMs` on the clock of `performance.now()`. */
type PrimaryCounts = { atMs: number; queries: number; commits: number; cpuMs: number };

/** Queries a second, commits, and the share of a core, between two readings. */
export type PrimaryLoad = { queriesPerSecond: number; commits: number; cores: number };

/** sqld writes its counts there every few seconds. */
const STATS = "dbs/default/stats.json";
const STATS_MS_MAX = 20_000;
/** Of `/proc/<pid>/stat`, counted from the field behind the name: utime and stime. */
const CPU_FIELDS = [11, 12];
const MS_PER_TICK = 10;

/** Waits until sqld has written its counts anew, and reads them with the rest. */
export async function readPrimaryCounts(cluster: Cluster): Promise<PrimaryCounts> {
  const path = join(cluster.data, "primary", STATS);
  const before = readFileSync(path, "utf8");
  let stats = before;
  // An idle server counts too: its supervisor probes it.
  await until(
    "sqld writes its counts",
    () => {
      stats = readFileSync(path, "utf8");
      return stats !== before && stats.endsWith("}");
    },
    STATS_MS_MAX,
  );
  const { query_count: queries } = JSON.parse(stats) as { query_count: number };
  const atMs = performance.now();
  return { atMs, queries, cpuMs: cpuMsOf(cluster.primaryPid()), commits: await commitsOf(cluster) };
}

async function commitsOf({ nodes }: Cluster): Promise<number> {
  let commits = 0;
  for (const { url } of nodes)
    commits += sumOfMetric(await readMetrics(url), "insole_write_door_commits_total");
  return commits;
}

function cpuMsOf(pid: number | null): number {
  if (pid === null) return Number.NaN;
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in brackets may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return CPU_FIELDS.reduce((sum, field) => sum + Number(fields[field]), 0) * MS_PER_TICK;
}

export function loadBetween(from: PrimaryCounts, to: PrimaryCounts): PrimaryLoad {
  const ms = to.atMs - from.atMs;
  return {
    queriesPerSecond: ((to.queries - from.queries) * 1_000) / ms,
    commits: to.commits - from.commits,
    cores: (to.cpuMs - from.cpuMs) / ms,
  };
}
