// The output of a bench: the table, the page with its charts, the JSON, and how an earlier result is found.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Load, openOha, RateNotReached } from "../load/oha.ts";
import { openChildren } from "./children.ts";
import { pageOf } from "./markdown.ts";
import { pairCells, pairsOf } from "./pairs.ts";
import { ROOT } from "./paths.ts";
import { howText, tableOf } from "./report.ts";
import { compareWithEarlier, scenariosOf } from "./rerun.ts";
import {
  commandsText,
  findResults,
  type Options,
  type Outcome,
  type Result,
  readResult,
  resultOf,
} from "./results.ts";
import { write } from "./run.ts";
import { type Line, missingNumber, orNotReached, type Scenario, shareCores, verdictOf } from "./scenario.ts";
import { differences, readSetting, type Setting } from "./setting.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-report-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scenario = (name: string): Scenario => ({
  name,
  boot: "a | shop",
  load: "oha",
  measures: "time",
  needsOha: false,
  async *run() {},
});
const SCENARIOS = [scenario("one"), scenario("two")];
const OPTIONS: Options = { scenarios: ["one", "two"], isQuick: false, rounds: 5, seed: 7, url: null };
const setting = (at = "2026-01-02T03:04:05.000Z"): Setting =>
  readSetting(at, "oha 1.16.0", shareCores([0, 1]), "bun run bench", 7);
const slow: Line = {
  what: "a thing <b>",
  unit: "ms",
  values: [1, 2, 30],
  target: { atMost: 1 },
  note: "a reason",
  how: {
    connections: 32,
    rate: 10_000,
    encoding: "gzip",
    bytes: 1_562,
    layers: { "edge hit": 0.905, "memory hit": 0.095, primary: 0 },
  },
  point: { chart: "Time", series: "s", x: "here" },
};
const unknown: Line = {
  what: "  another",
  unit: "/s",
  values: [],
  target: { atLeast: 5 },
  notReached: "not reached: 3/s of 5/s, 3 times",
};
const outcomes: Outcome[] = [
  {
    scenario: "one",
    fault: null,
    lines: [slow, unknown, { ...slow, what: "fine", target: { atMost: 2 } }],
    commands: ["bun app/main.ts", "oha x"],
  },
  {
    scenario: "two",
    fault: "10 answers 503",
    lines: [{ what: "kept", unit: "", values: [1] }],
    commands: [],
  },
];
const result = (at?: string, options = OPTIONS): Result =>
  resultOf(setting(at), options, outcomes, SCENARIOS);

describe("the table", () => {
  test("each line has its target, its values and its verdict", () => {
    const table = tableOf(outcomes, false);
    expect(table).toMatch(/a thing <b> +at most 1 ms +2 ms \(1 to 30\) +missed/);
    expect(table).toMatch(/another +at least 5 \/s +not reached/);
    expect(table).toMatch(/two +invalid/);
    expect(table).toContain("kept");
    expect(table).toContain("two: 10 answers 503");
    expect(table).toContain("one, a thing <b>: a reason");
    expect(table).toContain("one, another: not reached: 3/s of 5/s, 3 times");
  });
  test("a quick run is not judged", () => {
    expect(tableOf([{ scenario: "one", fault: null, lines: [slow], commands: [] }], true)).not.toMatch(
      /met|missed/,
    );
    expect(JSON.stringify(result(undefined, { ...OPTIONS, isQuick: true }))).not.toMatch(/"(met|missed)"/);
  });
  test("the load and the layers that answered, without those that did not", () => {
    expect(howText(slow.how)).toBe(
      "32 connections, 10,000/s, gzip, 1,562 bytes, edge hit 90.5 % + memory hit 9.5 %",
    );
    expect(howText({ connections: 1, rate: null, encoding: "identity" })).toBe(
      "1 connection, as fast as it goes, identity",
    );
  });
});

describe("a rate that was not reached", () => {
  test("throws after three runs that were all too slow", async () => {
    const children = openChildren();
    try {
      const slowOha = join(folder, "oha");
      const saw = {
        summary: { total: 1, average: 0.1 },
        latencyPercentiles: {},
        statusCodeDistribution: { "200": 3 },
        errorDistribution: {},
      };
      writeFileSync(slowOha, `#!/bin/sh\necho '${JSON.stringify(saw)}'\n`, { mode: 0o755 });
      const logged: string[] = [];
      const oha = await openOha(slowOha, children, { mustKeepRate: true, log: (text) => logged.push(text) });
      const load: Load = {
        target: { url: "http://127.0.0.1:1" },
        connections: 1,
        seconds: 1,
        rate: 5,
        encoding: "gzip",
        cores: null,
      };
      const measuring = oha.measure(load, async (send) => ({ run: await send() }));
      const thrown = await measuring.catch((reason: unknown) => reason);
      expect(thrown).toBeInstanceOf(RateNotReached);
      expect((thrown as Error).message).toBe("not reached: 3/s of 5/s, 3 times");
      expect(logged).toHaveLength(2);
    } finally {
      await children.close();
    }
  });
  test("is a line without numbers, which is no fault", () => {
    expect(missingNumber([unknown])).toBeNull();
    expect(missingNumber([unknown, { what: "b", unit: "", values: [] }])).toBe('no number for "b"');
  });
  const { values: _, ...line } = unknown;
  test("is printed, and the scenario goes on; any other fault ends it", async () => {
    const failing = (thrown: Error) => orNotReached(line, () => Promise.reject(thrown));
    const [missed] = await failing(new RateNotReached("not reached: 1/s of 2/s, 3 times"));
    expect(missed).toMatchObject({
      what: "  another",
      values: [],
      notReached: "not reached: 1/s of 2/s, 3 times",
    });
    expect(missed && verdictOf(missed)).toBe("not reached");
    await expect(failing(new Error("10 answers 503"))).rejects.toThrow("10 answers 503");
    expect(await orNotReached(line, async () => [slow])).toEqual([slow]);
  });
});

describe("the page", () => {
  const { text, charts } = pageOf(result());
  test("begins with the setting", () => {
    for (const part of [
      "# Measured 2026-01-02 03:04 UTC",
      "| seed | 7 ",
      `bun ${Bun.version}, oha 1.16.0`,
      "oha on core 1",
    ])
      expect(text).toContain(part);
  });
  test("lists every line that was missed with its note, every one that was not reached, and every fault", () => {
    const missed = text.slice(text.indexOf("## Missed"), text.indexOf("## one"));
    expect(missed).toContain("- **one**, a thing &lt;b>: 2 ms (1 to 30) instead of at most 1 ms. a reason");
    expect(missed).toContain("- **one**, another. not reached: 3/s of 5/s, 3 times");
    expect(missed).toContain("- **two** failed: 10 answers 503");
    expect(missed).not.toContain("fine");
  });
  test("has a table for each scenario, its charts and its commands", () => {
    expect(text).toContain(
      "| a thing &lt;b> | at most 1 ms | 2 ms (1 to 30) | missed | 32 connections, 10,000/s, gzip",
    );
    expect(text).toContain("| kept |");
    expect(text).toContain("- Boots: a \\| shop");
    expect(charts.map(({ name }) => name)).toEqual(["one-time"]);
    expect(text).toContain("![Time](one-time.svg)");
    expect(text).toContain("~~~~\nbun app/main.ts\noha x\n~~~~");
  });
  test("has an empty list when nothing was missed", () => {
    const good: Outcome = {
      scenario: "one",
      fault: null,
      lines: [{ ...slow, target: { atMost: 2 } }],
      commands: [],
    };
    expect(pageOf(resultOf(setting(), OPTIONS, [good], SCENARIOS)).text).toContain("## Missed\n\nNothing.");
  });
});

describe("results", () => {
  test("a folder holds the page, the charts and everything as JSON, which reads back", async () => {
    const resultFolder = join(folder, "a");
    await write({ folder: resultFolder }, result());
    expect(readdirSync(resultFolder).sort()).toEqual(["one-time.svg", "report.md", "result.json"]);
    const { result: read, path } = readResult(resultFolder);
    expect(path).toBe(join(resultFolder, "result.json"));
    expect(read.options).toEqual(OPTIONS);
    expect(read.results[0]?.lines[0]).toMatchObject({
      values: [1, 2, 30],
      median: 2,
      verdict: "missed",
      what: "a thing <b>",
    });
    expect(read.results[0]?.lines[1]).toMatchObject({ values: [], median: null, verdict: "not reached" });
    expect(read.results[1]).toMatchObject({ fault: "10 answers 503", lines: [{ what: "kept", median: 1 }] });
  });
  test("--json writes only the JSON", async () => {
    const path = join(folder, "deep", "b.json");
    await write({ json: path }, result());
    expect(readdirSync(join(folder, "deep"))).toEqual(["b.json"]);
    expect(readResult(path).result.setting.seed).toBe(7);
  });
  test("a file that is no result throws a sentence, and is skipped in a search", async () => {
    const stored = join(folder, "stored");
    for (const [name, text] of Object.entries({ torn: "{", other: '{"setting":1}' })) {
      mkdirSync(join(stored, name), { recursive: true });
      writeFileSync(join(stored, name, "result.json"), text);
    }
    expect(() => readResult(join(stored, "torn"))).toThrow("is not JSON");
    expect(() => readResult(join(stored, "other"))).toThrow("is not a result of this bench");
    expect(() => readResult(join(stored, "none"))).toThrow("there is no result at");
    await write({ folder: join(stored, "old") }, result("2026-01-01T00:00:00.000Z"));
    await write({ folder: join(stored, "published", "new") }, result("2026-02-01T00:00:00.000Z"));
    expect(
      findResults(stored).map(
        ({
          result: {
            setting: { at },
          },
        }) => at.slice(0, 7),
      ),
    ).toEqual(["2026-02", "2026-01"]);
    expect(findResults(join(folder, "nowhere"))).toEqual([]);
  });
  test("the commands are those of the newest result that contains the scenario", () => {
    const [first, second] = [result("2026-02-01T00:00:00.000Z"), result("2026-01-01T00:00:00.000Z")];
    const newest = { ...first, results: first.results.filter(({ scenario: name }) => name === "two") };
    const found = [
      { result: newest, path: "new" },
      { result: second, path: "old" },
    ];
    expect(commandsText(["one"], found)).toBe(
      `# one: old, 2026-01-01T00:00:00.000Z, commit ${second.setting.commit}\nbun app/main.ts\noha x`,
    );
    expect(() => commandsText(["two"], found)).toThrow("no result contains two");
    expect(() => commandsText(["two"], found.slice(0, 1))).toThrow("new does not contain two");
  });
});

describe("run again", () => {
  const earlier = { result: result(), path: "old" };
  test("runs the same scenarios, or the named ones of them", () => {
    expect(scenariosOf(earlier, [], SCENARIOS)).toEqual(SCENARIOS);
    expect(scenariosOf(earlier, ["two"], SCENARIOS).map(({ name }) => name)).toEqual(["two"]);
    expect(() => scenariosOf(earlier, ["three"], SCENARIOS)).toThrow(
      "old does not contain three; it contains one, two",
    );
    expect(() => scenariosOf(earlier, [], SCENARIOS.slice(1))).toThrow(
      "contains one, which is no longer a scenario",
    );
    const comparison = {
      ...earlier.result,
      beside: { kind: "compare" as const, other: "", differences: [], scenarios: [] },
    };
    expect(() => scenariosOf({ ...earlier, result: comparison }, [], SCENARIOS)).toThrow(
      "compares two versions",
    );
  });
  test("only differences are listed", () => {
    const then = { ...setting(), machine: "another", commit: "abc", load: "9", command: "x" };
    const found = differences(then, { ...then, machine: "this", commit: "def", load: "0", command: "y" });
    expect(found).toEqual(["machine: another, now this", "commit: abc, now def"]);
  });
  test("each line is paired with its earlier values", () => {
    const now: Outcome[] = [{ ...outcomes[0]!, lines: [{ ...slow, values: [4, 4, 4] }] }];
    const beside = compareWithEarlier(earlier, setting(), now);
    expect(beside.scenarios[0]?.pairs.map(pairCells)).toEqual([
      ["a thing <b>", "2 ms (1 to 30)", "4 ms (4 to 4)", "2"],
      ["another", "-", "-", "-"],
      ["fine", "2 ms (1 to 30)", "-", "-"],
    ]);
    const page = pageOf({ ...result(), beside }).text;
    expect(page).toContain("| a thing &lt;b> | 2 ms (1 to 30) | 4 ms (4 to 4) | 2 |");
  });
});

test("lines are paired by name without measured lengths, the second with the second", () => {
  const line = (what: string, ...values: number[]): Line => ({ what, unit: "us", values });
  const pairs = pairsOf(
    [line("cost (562 bytes)", 10, 10), line(" p99", 1), line(" p99", 2)],
    [line("cost (1,600 bytes)", 5, 20), line("p99", 3), line("p99", 4)],
    true,
  );
  expect(pairs.map(({ first, second }) => [first, second])).toEqual([
    [
      [10, 10],
      [5, 20],
    ],
    [[1], [3]],
    [[2], [4]],
  ]);
  expect(pairs[0] && pairCells(pairs[0])[3]).toBe("1.25 (0.5 to 2)");
  expect(pairs[1] && pairCells(pairs[1])[3]).toBe("3");
});

test("only published results belong to the repository", () => {
  expect(readFileSync(join(ROOT, ".gitignore"), "utf8")).toContain(
    "bench/results/*\n!bench/results/published/\n",
  );
});
