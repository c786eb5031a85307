// Counts of what a process did, by kind and outcome, as its metrics show them.

/** How often something of a kind ended so. */
export type OutcomeCount = { kind: string; outcome: string; count: number };

export type Outcomes = {
  add(kind: string, outcome: string): void;
  /** All counts since the start. */
  all(): OutcomeCount[];
};

/** Opens the counts of a process; all are 0. */
export function openOutcomes(): Outcomes {
  const counts = new Map<string, OutcomeCount>();
  return {
    add(kind, outcome) {
      const key = `${kind} ${outcome}`;
      const found = counts.get(key) ?? { kind, outcome, count: 0 };
      found.count += 1;
      counts.set(key, found);
    },
    all: () => [...counts.values()],
  };
}
