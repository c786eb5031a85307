// Which layer of a cluster answered: the edge, a node from its memory, or a node from its replica.
import type { Part } from "../boot/cluster.ts";
import { type Bench, type How, ohaOf } from "../harness/scenario.ts";
import { median } from "../harness/stats.ts";
import type { Load, Run } from "../load/oha.ts";
import { readMetrics } from "./metrics.ts";

/** Catalogue answers of all nodes since they started. */
type NodeAnswers = { fromMemory: number; all: number };

/** Shares of all answers, from 0 to 1, which add up to 1. */
export type Layers = { edge: number; memory: number; computed: number };

/** Requests of monitoring, which are no answers to clients. */
const MONITORING = /route="[^"]*(health|livez|readyz|metrics)/;
/** The route label of responses from memory. A 304 that a node had to compute has the label of its route. */
const FROM_MEMORY = 'route="cached"';

/** Adds up the counters of all nodes; throws when one does not answer. */
export async function readNodes(nodes: readonly Part[]): Promise<NodeAnswers> {
  const each = await Promise.all(nodes.map(async ({ url }) => parseAnswers(await readMetrics(url))));
  return each.reduce(
    (sum, { fromMemory, all }) => ({ fromMemory: sum.fromMemory + fromMemory, all: sum.all + all }),
    { fromMemory: 0, all: 0 },
  );
}

/** The answers in the metrics of one node. */
export function parseAnswers(metrics: string): NodeAnswers {
  const sum: NodeAnswers = { fromMemory: 0, all: 0 };
  for (const line of metrics.split("\n")) {
    if (!line.startsWith("insole_http_requests_total{") || MONITORING.test(line)) continue;
    const count = Number(line.slice(line.lastIndexOf(" ") + 1));
    sum.all += count;
    if (line.includes(FROM_MEMORY)) sum.fromMemory += count;
  }
  return sum;
}

/** The answers of the nodes between two readings. */
export const between = (before: NodeAnswers, after: NodeAnswers): NodeAnswers => ({
  fromMemory: after.fromMemory - before.fromMemory,
  all: after.all - before.all,
});

/** The share of each layer in this many answers; those that reached no node came from the edge. */
export function layersOf(answers: number, { fromMemory, all }: NodeAnswers): Layers {
  const edge = Math.max(0, 1 - all / answers);
  const [memory, computed] = [fromMemory / answers, (all - fromMemory) / answers];
  // At the end of a run a node may have answered a request that oha aborted.
  const sum = edge + memory + computed;
  return { edge: edge / sum, memory: memory / sum, computed: computed / sum };
}

/** A run, and the shares of the layers that answered. */
export type LayeredRun = { run: Run; layers: Layers };

/** Sends a load to a cluster, and reads its nodes before and after; a run below its rate is repeated. */
export const runWithLayers = (bench: Bench, nodes: readonly Part[], load: Load): Promise<LayeredRun> =>
  ohaOf(bench).measure(load, async (send) => {
    const before = await readNodes(nodes);
    const run = await send();
    return { run, layers: layersOf(run.answers, between(before, await readNodes(nodes))) };
  });

/** The load of several rounds, and the median share of each layer. */
export function howOfRounds({ connections, rate, encoding }: Load, rounds: readonly Layers[]): How {
  const medianOf = (of: (layers: Layers) => number) => median(rounds.map(of));
  const layers = {
    "edge hit": medianOf(({ edge }) => edge),
    "memory hit": medianOf(({ memory }) => memory),
    replica: medianOf(({ computed }) => computed),
  };
  return { connections, rate, encoding, layers };
}
