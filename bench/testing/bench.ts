// What tests give a scenario or a load: a quick bench without a generator, and one run of oha.
import type { Children } from "../harness/children.ts";
import { type Bench, shareCores } from "../harness/scenario.ts";
import type { Run } from "../load/oha.ts";

/** A quick bench of one round that is silent, pins nothing and has no oha. */
export const quickBench = (children: Children, more: Partial<Bench> = {}): Bench => ({
  isQuick: true,
  rounds: 1,
  children,
  oha: null,
  cores: shareCores([]),
  url: null,
  seed: 1,
  log: () => {},
  ...more,
});

/** A second of answers with these statuses, one answer a millisecond. */
export function runOf(statuses: Record<string, number>, errors: Record<string, number> = {}): Run {
  const answers = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  return { answers, perSecond: answers, meanMs: 1, p50Ms: 1, p95Ms: 2, p99Ms: 3, statuses, errors };
}
