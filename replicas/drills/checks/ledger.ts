// What clients were told about their writes, to be held against what is there in the end.

/** What a client knows of one write: it was done, it was not done, or it may have been. */
export type Outcome = "acknowledged" | "refused" | "unknown";

/** How often an effect may be found: at least what was acknowledged, at most that and what is unknown. */
export type Bounds = { least: number; most: number };

export type Ledger = {
  /**
   * Notes how one try of a write ended. `effect` is what can be counted in the end (a title, a shoe's stock), `write` one write
   * with that effect; several tries of one write are one write.
   */
  note(effect: string, write: string, fate: Outcome): void;
  counts(): Record<Outcome, number>;
  bounds(): Map<string, Bounds>;
  /** Holds the effects found against the bounds. */
  check(found: ReadonlyMap<string, number>): Finding;
};

/** How many effects are missing and how many too many there are, with a few of each in words. */
export type Finding = { lost: number; extra: number; examples: string[] };

const EXAMPLES_MAX = 5;

/** Opens an empty ledger. */
export function openLedger(): Ledger {
  const effects = new Map<string, Map<string, Outcome>>();

  const bounds = (): Map<string, Bounds> =>
    new Map(
      [...effects].map(([effect, writes]) => {
        const fates = [...writes.values()];
        const least = fates.filter((fate) => fate === "acknowledged").length;
        return [effect, { least, most: least + fates.filter((fate) => fate === "unknown").length }];
      }),
    );

  return {
    note(effect, write, fate) {
      const writes = effects.get(effect) ?? new Map<string, Outcome>();
      effects.set(effect, writes);
      writes.set(write, stronger(writes.get(write), fate));
    },
    counts() {
      const counts: Record<Outcome, number> = { acknowledged: 0, refused: 0, unknown: 0 };
      for (const writes of effects.values()) for (const fate of writes.values()) counts[fate] += 1;
      return counts;
    },
    bounds,
    check: (found) => compare(bounds(), found),
  };
}

const STRENGTH: Outcome[] = ["refused", "unknown", "acknowledged"];

/** One try that was refused says nothing about another of the same write. */
const stronger = (before: Outcome | undefined, now: Outcome): Outcome =>
  before !== undefined && STRENGTH.indexOf(before) > STRENGTH.indexOf(now) ? before : now;

/** Also an effect that nobody asked for is one too many. */
function compare(wanted: ReadonlyMap<string, Bounds>, found: ReadonlyMap<string, number>): Finding {
  let [lost, extra] = [0, 0];
  const examples: string[] = [];
  for (const effect of new Set([...wanted.keys(), ...found.keys()])) {
    const { least, most } = wanted.get(effect) ?? { least: 0, most: 0 };
    const there = found.get(effect) ?? 0;
    lost += Math.max(0, least - there);
    extra += Math.max(0, there - most);
    if (examples.length < EXAMPLES_MAX && (there < least || there > most))
      examples.push(`${effect}: there ${there}, acknowledged ${least}, at most ${most}`);
  }
  return { lost, extra, examples };
}
