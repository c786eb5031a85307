// A ledger of what clients know about their writes, to be compared with what the primary holds in the end.

/** What a client knows about a write: it was done, it was not done, or it may have been done. */
export type Outcome = "acknowledged" | "refused" | "unknown";

/** How often an effect may be found: from what was acknowledged up to that and what is unknown. */
type Bounds = { min: number; max: number };

export type Ledger = {
  /**
   * Notes the outcome of one try of a write. `effect` is what can be counted in the end, such as a title or a shoe's stock;
   * `write` names one write with that effect. Several tries of one write count as one.
   */
  note(effect: string, write: string, outcome: Outcome): void;
  counts(): Record<Outcome, number>;
  /** Compares the effects found with the ledger. */
  check(found: ReadonlyMap<string, number>): Finding;
};

/** How many effects are missing, how many there are too many, and a few examples of either. */
export type Finding = { lost: number; extra: number; examples: string[] };

const EXAMPLES_MAX = 5;
/** From weak to strong: a refused try says nothing about another try of the same write. */
const STRENGTH: Outcome[] = ["refused", "unknown", "acknowledged"];

/** Opens an empty ledger. */
export function openLedger(): Ledger {
  const effects = new Map<string, Map<string, Outcome>>();
  return {
    note(effect, write, outcome) {
      const writes = effects.get(effect) ?? new Map<string, Outcome>();
      effects.set(effect, writes);
      writes.set(write, stronger(writes.get(write), outcome));
    },
    counts() {
      const counts: Record<Outcome, number> = { acknowledged: 0, refused: 0, unknown: 0 };
      for (const writes of effects.values()) for (const outcome of writes.values()) counts[outcome] += 1;
      return counts;
    },
    check: (found) =>
      compare(new Map([...effects].map(([effect, writes]) => [effect, boundsOf(writes)])), found),
  };
}

const stronger = (before: Outcome | undefined, now: Outcome): Outcome =>
  before !== undefined && STRENGTH.indexOf(before) > STRENGTH.indexOf(now) ? before : now;

function boundsOf(writes: ReadonlyMap<string, Outcome>): Bounds {
  const outcomes = [...writes.values()];
  const min = outcomes.filter((outcome) => outcome === "acknowledged").length;
  return { min, max: min + outcomes.filter((outcome) => outcome === "unknown").length };
}

/** An effect that no client requested counts as one too many. */
function compare(expected: ReadonlyMap<string, Bounds>, found: ReadonlyMap<string, number>): Finding {
  let [lost, extra] = [0, 0];
  const examples: string[] = [];
  for (const effect of new Set([...expected.keys(), ...found.keys()])) {
    const { min, max } = expected.get(effect) ?? { min: 0, max: 0 };
    const times = found.get(effect) ?? 0;
    lost += Math.max(0, min - times);
    extra += Math.max(0, times - max);
    if (examples.length < EXAMPLES_MAX && (times < min || times > max))
      examples.push(`${effect}: found ${times}, acknowledged ${min}, at most ${max}`);
  }
  return { lost, extra, examples };
}
