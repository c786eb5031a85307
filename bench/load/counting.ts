// Counts the orders that a generator was acknowledged, over all its runs, the discarded ones too.
import type { Bench } from "../harness/scenario.ts";
import { ohaOf } from "../harness/scenario.ts";
import type { Load, Oha, Run } from "./oha.ts";
import { isOrders } from "./orders.ts";

/** Orders that were answered with 201, and how many others may be stored: without an answer, or with one that leaves it open. */
export type Acknowledged = { created: number; openMax: number };

const OUTCOME_UNKNOWN = "504";

/** The same bench with a generator that counts. */
export function countingBench(bench: Bench): { bench: Bench; acknowledged(): Acknowledged } {
  const oha = ohaOf(bench);
  const counted: Acknowledged = { created: 0, openMax: 0 };
  const note = (load: Load, run: Run): Run => {
    if (!isOrders(load)) return run;
    counted.created += run.statuses["201"] ?? 0;
    const lost = Object.values(run.errors).reduce((sum, count) => sum + count, 0);
    // The end of a run cuts off a request of each connection.
    counted.openMax += load.connections + lost + (run.statuses[OUTCOME_UNKNOWN] ?? 0);
    return run;
  };
  const counting: Oha = {
    ...oha,
    send: async (load) => note(load, await oha.send(load)),
    together: async (loads) => {
      const runs = await oha.together(loads);
      return loads.map((load, at) => note(load, runs[at] as Run));
    },
    measure: (load, around) => oha.measure(load, (send) => around(async () => note(load, await send()))),
  };
  return { bench: { ...bench, oha: counting }, acknowledged: () => ({ ...counted }) };
}
