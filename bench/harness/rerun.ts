// An earlier result that is run again, and its lines beside the new ones.
import { pairsOf } from "./pairs.ts";
import type { Comparison, Outcome, StoredResult } from "./results.ts";
import type { Scenario } from "./scenario.ts";
import { differences, type Setting } from "./setting.ts";

/** The scenarios of a result, or the named ones of them. Throws one sentence when one cannot be run again. */
export function scenariosOf(
  { result, path }: StoredResult,
  names: readonly string[],
  scenarios: readonly Scenario[],
): Scenario[] {
  if (result.beside?.kind === "compare")
    throw new Error(`${path} compares two versions; repeat it by its command: ${result.setting.command}`);
  const contained = result.results.map(({ scenario }) => scenario);
  const missing = names.find((name) => !contained.includes(name));
  if (missing !== undefined)
    throw new Error(`${path} does not contain ${missing}; it contains ${contained.join(", ")}`);
  const removed = contained.find((name) => !scenarios.some((each) => each.name === name));
  if (removed !== undefined) throw new Error(`${path} contains ${removed}, which is no longer a scenario`);
  return scenarios.filter(({ name }) => (names.length === 0 ? contained : names).includes(name));
}

/** The lines then and now, and the differences of machine, versions and settings. */
export function compareWithEarlier(
  { result, path }: StoredResult,
  setting: Setting,
  outcomes: readonly Outcome[],
): Comparison {
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
