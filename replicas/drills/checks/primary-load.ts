// What the primary of a cluster has to do: questions and commits so far, and the time its process has worked.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Cluster } from "../cluster.ts";
import { until } from "../drill.ts";
import { request } from "../traffic/client.ts";

/** Counts so far; `atMs` on the clock of `performance.now()`. */
export type PrimaryLoad = { atMs: number; queries: number; commits: number; cpuMs: number };

/** The server writes its counts every few seconds. */
const STATS = "dbs/default/stats.json";
const STATS_MS_MAX = 20_000;
const CPU_FIELD_FIRST = 13;
const MS_PER_TICK = 10;

/** Waits until the server has written its counts anew, and reads them with what else is known at that moment. */
export async function readPrimaryLoad(cluster: Cluster): Promise<PrimaryLoad> {
  const path = join(cluster.data, "primary", STATS);
  const before = readFileSync(path, "utf8");
  const state = { now: before };
  // A server that has nothing to do still answers its supervisor's questions.
  await until("the primary counts its questions", STATS_MS_MAX, () => {
    state.now = readFileSync(path, "utf8");
    return state.now !== before && state.now.endsWith("}");
  });
  const { query_count: queries } = JSON.parse(state.now) as { query_count: number };
  const atMs = performance.now();
  return { atMs, queries, cpuMs: cpuMsOf(cluster.primaryPid()), commits: await commitsOf(cluster) };
}

async function commitsOf({ nodes }: Cluster): Promise<number> {
  let commits = 0;
  for (const { url } of nodes) {
    const { text } = await request(url, { path: "/metrics" });
    commits += Number(/^insole_write_door_commits_total (\d+)/m.exec(text)?.[1] ?? Number.NaN);
  }
  return commits;
}

function cpuMsOf(pid: number | null): number {
  if (pid === null) return Number.NaN;
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in brackets may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const at = CPU_FIELD_FIRST - 2;
  return (Number(fields[at]) + Number(fields[at + 1])) * MS_PER_TICK;
}

/** What was done between two looks: questions a second, commits, and the share of a core. */
export function loadBetween(
  from: PrimaryLoad,
  to: PrimaryLoad,
): { queriesPerSecond: number; commits: number; cores: number } {
  const ms = to.atMs - from.atMs;
  return {
    queriesPerSecond: ((to.queries - from.queries) * 1_000) / ms,
    commits: to.commits - from.commits,
    cores: (to.cpuMs - from.cpuMs) / ms,
  };
}
