// Drill: the primary stands still for half a minute, and then goes on as if nothing had been.
import type { Drill } from "./drill.ts";
import { outage } from "./outage.ts";

const FULL = { nodes: 12, seconds: 30 };
const SHORT = { nodes: 4, seconds: 6 };

/** Row 5: as if it were gone, and nothing is written twice when it goes on. */
export const primaryFrozen: Drill = {
  name: "primary-frozen",
  about:
    "the primary is frozen (SIGSTOP) for 30 s, then continued: reads, refusals and event loops as with none; nothing is written twice",
  secondsMax: ({ isShort, seconds }) => (isShort ? 120 : 240) + (seconds ?? 0),
  async run(ground) {
    const plan = ground.options.isShort ? SHORT : FULL;
    await outage(ground, {
      mark: "Frozen",
      nodes: ground.options.nodes ?? plan.nodes,
      seconds: ground.options.seconds ?? plan.seconds,
      // The supervisor would end one that stands still; here it has to go on.
      begin: (cluster) => cluster.control("--pause", "primary"),
      end: (cluster) => cluster.control("--resume", "primary"),
      // What was on its way when it stopped may be done when it goes on.
      maySwallow: true,
    });
  },
};
