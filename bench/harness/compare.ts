// This version of the shop and another one in turns: every round runs a scenario on both, in reverse order of the last.
import { named, type Pair, pairsOf } from "./pairs.ts";
import type { Outcome } from "./results.ts";
import type { Bench, Line, Scenario } from "./scenario.ts";
import { median, turns } from "./stats.ts";
import type { Tree } from "./tree.ts";

type Side = "this" | "other";

/** A scenario on both sides; `outcome` holds the lines of this version, and the first fault of either. */
type Compared = { outcome: Outcome; pairs: Pair[] };

/** Runs one round of a scenario on one side. */
type RunRound = (scenario: Scenario, bench: Bench) => Promise<Outcome>;

/** Runs this many rounds of a scenario, in turns; stops at the first one that fails. */
export async function compareScenario(
  scenario: Scenario,
  bench: Bench,
  { ref, children }: Tree,
  rounds: number,
  runRound: RunRound,
): Promise<Compared> {
  const lines: Record<Side, Line[][]> = { this: [], other: [] };
  const commands = new Set<string>();
  let fault: string | null = null;
  for (let round = 0; round < rounds && fault === null; round += 1)
    for (const side of turns(["this", "other"] as const, round)) {
      const title = `round ${round + 1} of ${rounds}, ${side === "this" ? "this version" : ref}`;
      const outcome = await runRound(scenario, {
        ...bench,
        rounds: 1,
        children: side === "this" ? bench.children : children,
        log: (line) => bench.log(`${title}: ${line}`),
      });
      lines[side].push(outcome.lines);
      if (side === "this") for (const command of outcome.commands) commands.add(command);
      if (outcome.fault === null) continue;
      fault = side === "this" ? outcome.fault : `${ref}: ${outcome.fault}`;
      break;
    }
  const [own, other] = [merged(lines.this), merged(lines.other)];
  return {
    outcome: { scenario: scenario.name, lines: own, fault, commands: [...commands] },
    pairs: pairsOf(other, own, true),
  };
}

/** The lines of several rounds as lines with a value per round, the median of that round. */
export function merged(rounds: readonly (readonly Line[])[]): Line[] {
  const all = new Map<string, Line>();
  for (const lines of rounds)
    for (const [name, line] of named(lines)) {
      const before = all.get(name)?.values ?? [];
      all.set(name, {
        ...line,
        values: line.values.length === 0 ? before : [...before, median(line.values)],
      });
    }
  return [...all.values()];
}
