// An idle cluster: its CPU and its memory.
import { bootCluster, type Cluster, endCluster } from "../boot/cluster.ts";
import { eachRound } from "../harness/rounds.ts";
import type { Bench, Line, Scenario } from "../harness/scenario.ts";
import { cpuUs, MICROSECONDS, memoryOf, type Process, shareMib, treeOf } from "../metrics/proc.ts";

const CORE_PERCENT_MAX = 8;
/** 1.5 GB. */
const MEMORY_MIB_MAX = 1_430;
const FULL = { shoes: 1_000, nodes: 12, seconds: 10, settleSeconds: 10 };
const QUICK = { shoes: 1_000, nodes: 2, seconds: 1, settleSeconds: 1 };

export const clusterIdle: Scenario = {
  name: "cluster-idle",
  boot: "a cluster of twelve nodes with its edge, 1,000 shoes",
  load: "nothing",
  measures:
    "CPU of the nodes and of the primary (sqld and its door) in 10 s, and memory; NGINX and the supervising command separately",
  needsOha: false,
  async *run(bench) {
    const { shoes, nodes, seconds, settleSeconds } = settingsOf(bench);
    const cluster = await bootCluster(bench, { nodes, shoes });
    // The idle time itself is measured, here and below.
    await Bun.sleep(settleSeconds * 1_000);
    const shares = await eachRound(bench, `${seconds} s idle`, () => idle(cluster, seconds));
    const parts = partsOf(cluster);
    yield linesOf(nodes, shares, parts);
    await endCluster(bench, cluster);
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

/** The processes of a cluster by role. */
type Parts = Record<"nodes" | "sqld" | "door" | "edge" | "command", number[]>;

/** The CPU of each role, in percent of a core. */
type Shares = Record<keyof Parts, number>;

const NAMES = ["nodes", "sqld", "door", "edge", "command"] as const;

const partsOf = (cluster: Cluster): Parts => groupByRole(treeOf(cluster.child.pid), cluster);

/** Groups processes by role; those of no other role supervise them. */
export function groupByRole(
  processes: readonly Pick<Process, "pid" | "name">[],
  { nodes, primary }: Pick<Cluster, "nodes" | "primary">,
): Parts {
  const parts: Parts = { nodes: [], sqld: [], door: [], edge: [], command: [] };
  for (const { pid, name } of processes) {
    if (nodes.some((node) => node.pid === pid)) parts.nodes.push(pid);
    else if (pid === primary.pid) parts.sqld.push(pid);
    else if (pid === primary.door) parts.door.push(pid);
    else if (name.startsWith("nginx")) parts.edge.push(pid);
    else parts.command.push(pid);
  }
  return parts;
}

async function idle(cluster: Cluster, seconds: number): Promise<Shares> {
  const before = readCpu(partsOf(cluster));
  const startedAt = performance.now();
  await Bun.sleep(seconds * 1_000);
  const tookUs = ((performance.now() - startedAt) / 1_000) * MICROSECONDS;
  const parts = partsOf(cluster);
  const after = readCpu(parts);
  const percent = (name: keyof Parts): number => {
    // A process that has ended, such as the loader of NGINX, is left out; a new one counts in full.
    const us = parts[name].reduce((sum, pid) => sum + (after.get(pid) ?? 0) - (before.get(pid) ?? 0), 0);
    return (100 * us) / tookUs;
  };
  return {
    nodes: percent("nodes"),
    sqld: percent("sqld"),
    door: percent("door"),
    edge: percent("edge"),
    command: percent("command"),
  };
}

const readCpu = (parts: Parts): Map<number, number> =>
  new Map(NAMES.flatMap((name) => parts[name]).map((pid) => [pid, cpuUs(pid)]));

function linesOf(nodes: number, shares: readonly Shares[], parts: Parts): Line[] {
  const measured = [...parts.nodes, ...parts.sqld, ...parts.door, ...parts.edge];
  const sum = (pids: readonly number[], of: (pid: number) => number) =>
    pids.reduce((total, pid) => total + of(pid), 0);
  const core = (what: string, of: (each: Shares) => number): Line => ({
    what,
    unit: "%",
    values: shares.map(of),
  });
  const memory = (what: string, mib: number): Line => ({ what, unit: "MiB", values: [mib] });
  return [
    {
      ...core(`idle, ${nodes} nodes and primary: of a core`, (each) => each.nodes + each.sqld + each.door),
      target: { atMost: CORE_PERCENT_MAX },
    },
    core("  the nodes", (each) => each.nodes),
    core("  sqld", (each) => each.sqld),
    core("  its door", (each) => each.door),
    core("  beside: NGINX", (each) => each.edge),
    core("  beside: the command that watches over them", (each) => each.command),
    {
      ...memory(
        "memory of nodes, primary and NGINX (what several share counted once)",
        sum(measured, shareMib),
      ),
      target: { atMost: MEMORY_MIB_MAX },
    },
    memory(
      "  resident, shared pages counted for each",
      sum(measured, (pid) => memoryOf(pid).nowMib),
    ),
    memory("  a node on average", sum(parts.nodes, shareMib) / parts.nodes.length),
    memory("  the door", sum(parts.door, shareMib)),
    memory("  beside: the command that watches over them", sum(parts.command, shareMib)),
  ];
}
