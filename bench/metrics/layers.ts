// Which part of a cluster answered: the edge, a node from its memory, or a node that had to ask its replica.
import type { Part } from "../boot/cluster.ts";
import { type Bench, type How, ohaOf } from "../harness/scenario.ts";
import { median } from "../harness/stats.ts";
import type { Load, Run } from "../load/oha.ts";
import { readMetrics } from "./metrics.ts";

/** Catalogue answers of all nodes since they started. */
export type NodeAnswers = { fromMemory: number; all: number };

/** Shares of what clients asked for, from 0 to 1; together 1. */
export type Layers = { edge: number; memory: number; computed: number };

/** Asked by those who watch, not by customers. */
const WATCHERS = /route="[^"]*(health|livez|readyz|metrics)/;
/** The route that a node gives to finished bytes. A 304 that had to be computed first has its real one. */
const FROM_MEMORY = 'route="cached"';

/** Reads the counters of all nodes; throws when one does not answer. */
export async function readNodes(nodes: readonly Part[]): Promise<NodeAnswers> {
  const each = await Promise.all(nodes.map(async ({ url }) => parseAnswers(await readMetrics(url))));
  return each.reduce(
    (sum, { fromMemory, all }) => ({ fromMemory: sum.fromMemory + fromMemory, all: sum.all + all }),
    { fromMemory: 0, all: 0 },
  );
}

/** The same out of one node's metrics. */
export function parseAnswers(metrics: string): NodeAnswers {
  const sum: NodeAnswers = { fromMemory: 0, all: 0 };
  for (const line of metrics.split("\n")) {
    if (!line.startsWith("insole_http_requests_total{") || WATCHERS.test(line)) continue;
    const count = Number(line.slice(line.lastIndexOf(" ") + 1));
    sum.all += count;
    if (line.includes(FROM_MEMORY)) sum.fromMemory += count;
  }
  return sum;
}

/** What the nodes did between two readings. */
export const between = (before: NodeAnswers, after: NodeAnswers): NodeAnswers => ({
  fromMemory: after.fromMemory - before.fromMemory,
  all: after.all - before.all,
});

/** The share of each layer in so many answers; what did not reach a node the edge had. */
export function layersOf(answers: number, { fromMemory, all }: NodeAnswers): Layers {
  const edge = Math.max(0, 1 - all / answers);
  const [memory, computed] = [fromMemory / answers, (all - fromMemory) / answers];
  // What the end of a run cut off is no answer, but a node may have given it.
  const sum = edge + memory + computed;
  return { edge: edge / sum, memory: memory / sum, computed: computed / sum };
}

/** What one load saw, and who answered it. */
export type Told = { run: Run; layers: Layers };

/** Sends a load to a cluster and reads its nodes around it; a run that fell behind its rate is repeated (`Oha.measure`). */
export const sendAndTell = (bench: Bench, nodes: readonly Part[], load: Load): Promise<Told> =>
  ohaOf(bench).measure(load, async (send) => {
    const before = await readNodes(nodes);
    const run = await send();
    return { run, layers: layersOf(run.answers, between(before, await readNodes(nodes))) };
  });

/** How a line of several rounds was asked, and the middle share of each layer. */
export function howOfRounds({ connections, rate, encoding }: Load, rounds: readonly Layers[]): How {
  const middle = (of: (layers: Layers) => number) => median(rounds.map(of));
  const layers = {
    "edge hit": middle(({ edge }) => edge),
    "memory hit": middle(({ memory }) => memory),
    replica: middle(({ computed }) => computed),
  };
  return { connections, rate, encoding, layers };
}
