// An earlier result as something to be run again, and the new lines beside its own.
import { pairsOf } from "./pairs.ts";
import type { Beside, Found, Outcome } from "./results.ts";
import type { Scenario } from "./scenario.ts";
import { differences, type Setting } from "./setting.ts";

/** The scenarios of a result, or those of them that are named. Throws a sentence when one cannot be run again. */
export function scenariosOf(
  { result, path }: Found,
  names: readonly string[],
  scenarios: readonly Scenario[],
): Scenario[] {
  if (result.beside?.kind === "compare")
    throw new Error(`${path} compares two versions; repeat it by its command: ${result.setting.command}`);
  const held = result.results.map(({ scenario }) => scenario);
  const missing = names.find((name) => !held.includes(name));
  if (missing !== undefined) throw new Error(`${path} does not hold ${missing}; it holds ${held.join(", ")}`);
  const gone = held.find((name) => !scenarios.some((each) => each.name === name));
  if (gone !== undefined) throw new Error(`${path} holds ${gone}, which is no scenario any more`);
  return scenarios.filter(({ name }) => (names.length === 0 ? held : names).includes(name));
}

/** The lines then and now, and what else is not alike. */
export function besideEarlier(
  { result, path }: Found,
  setting: Setting,
  outcomes: readonly Outcome[],
): Beside {
  return {
    kind: "rerun",
    other: `${path}, ${result.setting.at}`,
    differences: differences(result.setting, setting),
    scenarios: outcomes.map(({ scenario, lines }) => {
      const then = result.results.find((each) => each.scenario === scenario)?.lines ?? [];
      return { scenario, pairs: pairsOf(then, lines, false) };
    }),
  };
}
