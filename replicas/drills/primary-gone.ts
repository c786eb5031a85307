// Drill: the primary is gone for a minute.
import type { Drill } from "./drill.ts";
import { outage } from "./outage.ts";

const FULL = { nodes: 12, seconds: 60 };
const SHORT = { nodes: 4, seconds: 8 };

/** Row 3: reads go on, writes are refused in time, event loops stay free. */
export const primaryGone: Drill = {
  name: "primary-gone",
  about:
    "the primary is gone for 60 s: 0 errors on reads; writes get 503 with Retry-After within 2 s, never a hang; event loops stay free",
  secondsMax: ({ isShort, seconds }) => (isShort ? 120 : 240) + (seconds ?? 0),
  async run(ground) {
    const plan = ground.options.isShort ? SHORT : FULL;
    await outage(ground, {
      mark: "Gone",
      nodes: ground.options.nodes ?? plan.nodes,
      seconds: ground.options.seconds ?? plan.seconds,
      begin: (cluster) => cluster.control("--stop", "primary"),
      end: (cluster) => cluster.control("--start", "primary"),
      maySwallow: false,
    });
  },
};
