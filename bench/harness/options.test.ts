// The arguments, and one clear sentence about a wrong one.
import { describe, expect, test } from "bun:test";
import { readArgs, usageOf } from "./options.ts";
import type { Scenario } from "./scenario.ts";

const scenario = (name: string, more: Partial<Scenario> = {}): Scenario => ({
  name,
  boot: "",
  load: "",
  measures: "speed",
  needsOha: false,
  ...more,
  async *run() {},
});
const SCENARIOS = [scenario("one"), scenario("far", { canUrl: true })];
const read = (text: string) => readArgs(text.split(" ").filter(Boolean), SCENARIOS);

test("arguments are parsed", () => {
  expect(read("")).toEqual({
    kind: "measure",
    names: [],
    isQuick: false,
    seed: null,
    url: null,
    rerun: null,
    compare: null,
    json: null,
    out: null,
  });
  expect(read("one --quick --seed 9 --out a")).toMatchObject({
    names: ["one"],
    isQuick: true,
    seed: 9,
    out: "a",
  });
  expect(read("far --url http://10.0.0.5:3000/")).toMatchObject({ url: "http://10.0.0.5:3000" });
  expect(read("one --print --rerun a")).toEqual({ kind: "print", names: ["one"], rerun: "a" });
  expect(read("--rerun a --json b")).toMatchObject({ rerun: "a", json: "b" });
  expect(read("one --compare HEAD")).toMatchObject({ compare: "HEAD" });
  expect(read("nonsense -h")).toEqual({ kind: "help" });
});

describe("wrong arguments", () => {
  test.each([
    ["--fast", "Unknown option '--fast'"],
    ["two", "there is no scenario two; there are one, far"],
    ["--seed", "argument missing"],
    ["--seed 1.5", "--seed takes a whole number from 0 to 999999999, not 1.5"],
    ["--url ftp://a", "--url takes the address of a running shop, such as http://10.0.0.5:3000, not ftp://a"],
    ["--url http://a?b=c far", "--url takes the address"],
    ["one --url http://a", "one boots its own servers, so it cannot take --url; far can"],
    ["--rerun a --quick", "--rerun and --quick do not go together: the result says whether it was quick"],
    ["--rerun a --seed 2", "--rerun and --seed do not go together"],
    ["--rerun a --url http://a", "--rerun and --url do not go together"],
    ["--rerun a --compare b", "--rerun and --compare do not go together"],
    ["--compare a --url http://a", "--compare and --url do not go together"],
    ["--json a --out b", "--json and --out do not go together"],
    ["--print --quick", "--print and --quick do not go together: nothing is run"],
    ["--print --seed 1", "--print and --seed do not go together"],
    ["--print --url http://a", "--print and --url do not go together"],
    ["--print --json a", "--print and --json do not go together"],
    ["--print --out a", "--print and --out do not go together"],
    ["--print --compare a", "--print and --compare do not go together"],
  ])("%s: %s", (text, sentence) => {
    expect(() => read(text)).toThrow(sentence);
    expect(() => read(text)).not.toThrow(/\n/);
  });
});

test("the usage names every option and every scenario", () => {
  const usage = usageOf(SCENARIOS);
  for (const name of [
    "--quick",
    "--seed",
    "--url",
    "--rerun",
    "--compare",
    "--print",
    "--out",
    "--json",
    "one",
    "far",
  ])
    expect(usage).toContain(`  ${name}`);
  expect(usage.split("\n").every((line) => line.length <= 120)).toBe(true);
});
