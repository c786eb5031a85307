// This shop and another version of it in turns: every round runs a scenario on both, in the reversed order of the round before.
import { named, type Pair, pairsOf } from "./pairs.ts";
import type { Outcome } from "./results.ts";
import type { Bench, Line, Scenario } from "./scenario.ts";
import { median, turns } from "./stats.ts";
import type { Tree } from "./tree.ts";

type Side = "here" | "there";

/** What came of a scenario on both sides; `outcome` holds the lines of this version, and the first fault of either. */
export type Compared = { outcome: Outcome; pairs: Pair[] };

/** Runs one round of a scenario on one side. */
export type RunRound = (scenario: Scenario, bench: Bench) => Promise<Outcome>;

/** Runs a scenario in turns, so many rounds; it stops at the first round that fails. */
export async function compareScenario(
  scenario: Scenario,
  bench: Bench,
  { ref, children }: Tree,
  rounds: number,
  runRound: RunRound,
): Promise<Compared> {
  const seen: Record<Side, Line[][]> = { here: [], there: [] };
  const commands = new Set<string>();
  let fault: string | null = null;
  for (let round = 0; round < rounds && fault === null; round += 1)
    for (const side of turns(["here", "there"] as const, round)) {
      const where = `round ${round + 1} of ${rounds}, ${side === "here" ? "here" : ref}`;
      const outcome = await runRound(scenario, {
        ...bench,
        rounds: 1,
        children: side === "here" ? bench.children : children,
        say: (line) => bench.say(`${where}: ${line}`),
      });
      seen[side].push(outcome.lines);
      if (side === "here") for (const command of outcome.commands) commands.add(command);
      if (outcome.fault === null) continue;
      fault = side === "here" ? outcome.fault : `${ref}: ${outcome.fault}`;
      break;
    }
  const [here, there] = [merged(seen.here), merged(seen.there)];
  return {
    outcome: { scenario: scenario.name, lines: here, fault, commands: [...commands] },
    pairs: pairsOf(there, here, true),
  };
}

/** The lines of several rounds as lines with a value per round: the median of what that round saw. */
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
