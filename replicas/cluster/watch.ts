// The figures of a running cluster, read from the health and metrics of each node.
import type { Node } from "./node.ts";

/** The state of one part of the cluster; null where a figure is not known. */
export type Reading = {
  name: string;
  role: string;
  state: string;
  seq: number | null;
  lagMs: number | null;
  requestsPerSecond: number | null;
  /** The share of the catalogue's answers since the last reading that came from memory, 0 to 1. */
  hitShare: number | null;
  memoryMib: number | null;
};

/** Totals of a node's metrics since its start. */
type Totals = { requests: number; answers: number; hits: number };

/** Never rejects: a node that does not answer has no figures. */
type Watch = { read(nodes: readonly Node[]): Promise<Reading[]> };

const FETCH_MS = 900;
/** Requests of operators, which are not counted. */
const OPERATOR_ROUTES = /route="\/?(health|livez|readyz|metrics)/;
const FROM_MEMORY = /kind="(hit|not-modified)"/;

/** Opens a watch, which keeps each node's last totals to compute rates. */
export function openWatch(now: () => number = performance.now.bind(performance)): Watch {
  const last = new Map<string, { atMs: number; totals: Totals }>();
  const readNode = async (node: Node, memoryMib: number | null): Promise<Reading> => {
    const idle = { name: node.name, role: "node", state: node.state(), memoryMib };
    const [health, metrics] =
      node.state() === "ready" || node.state() === "draining"
        ? await Promise.all([fetchText(`${node.url}/health`), fetchText(`${node.url}/metrics`)])
        : [null, null];
    const reported =
      health === null ? null : (JSON.parse(health) as { role?: string; seq?: number; lagMs?: number });
    const before = last.get(node.name);
    const atMs = now();
    const totals = metrics === null ? undefined : totalsOf(metrics);
    if (totals) last.set(node.name, { atMs, totals });
    else last.delete(node.name);
    return {
      ...idle,
      role: reported?.role ?? idle.role,
      seq: reported?.seq ?? null,
      lagMs: reported?.lagMs ?? null,
      ...ratesOf(before, totals, atMs),
    };
  };
  return {
    async read(nodes) {
      const memory = await memoryOf(nodes.map((node) => node.pid()));
      return Promise.all(nodes.map((node) => readNode(node, memory.get(node.pid()) ?? null)));
    },
  };
}

/** Sums the metrics of a node. */
export function totalsOf(metrics: string): Totals {
  const totals: Totals = { requests: 0, answers: 0, hits: 0 };
  for (const line of metrics.split("\n")) {
    const value = Number(line.slice(line.lastIndexOf(" ") + 1));
    if (line.startsWith("insole_http_requests_total{") && !OPERATOR_ROUTES.test(line))
      totals.requests += value;
    if (!line.startsWith("insole_cache_answers_total{")) continue;
    totals.answers += value;
    if (FROM_MEMORY.test(line)) totals.hits += value;
  }
  return totals;
}

function ratesOf(
  before: { atMs: number; totals: Totals } | undefined,
  totals: Totals | undefined,
  atMs: number,
): Pick<Reading, "requestsPerSecond" | "hitShare"> {
  if (!before || !totals || totals.requests < before.totals.requests)
    return { requestsPerSecond: null, hitShare: null };
  const answers = totals.answers - before.totals.answers;
  return {
    requestsPerSecond: ((totals.requests - before.totals.requests) * 1000) / (atMs - before.atMs),
    hitShare: answers === 0 ? null : (totals.hits - before.totals.hits) / answers,
  };
}

async function fetchText(url: string): Promise<string | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) });
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}

/** Resident memory in MiB by process; missing pids, and processes that have ended, are left out. */
export async function memoryOf(
  pids: readonly (number | undefined)[],
): Promise<Map<number | undefined, number>> {
  const running = pids.filter((pid) => pid !== undefined);
  if (running.length === 0) return new Map();
  const ps = Bun.spawn(["ps", "-o", "pid=,rss=", "-p", running.join(",")], { stderr: "ignore" });
  const rows = (await ps.stdout.text()).matchAll(/^\s*(\d+)\s+(\d+)$/gm);
  return new Map([...rows].map(([, pid, kib]) => [Number(pid), Number(kib) / 1024]));
}
