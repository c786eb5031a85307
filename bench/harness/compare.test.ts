// Two versions in turns, and an earlier result that is run again, with real processes on a real commit.
import { afterAll, describe, expect, spyOn, test } from "bun:test";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { catalogueName, catalogueOf } from "../load/catalogue.ts";
import { findOha } from "../load/oha.ts";
import { quickBench } from "../testing/bench.ts";
import { openChildren } from "./children.ts";
import { compareScenario, merged } from "./compare.ts";
import { CATALOGUES, ROOT } from "./paths.ts";
import { readResult } from "./results.ts";
import { type Plan, runOne, runPlan } from "./run.ts";
import type { Bench, Scenario } from "./scenario.ts";
import { commitOf } from "./setting.ts";
import { openTree } from "./tree.ts";

const RUN_MS_MAX = 60_000;
// A copy without its history has no other version.
const hasGit = commitOf("HEAD") !== null;
const children = openChildren();
const folder = mkdtempSync(join(tmpdir(), "insole-compare-"));

afterAll(async () => {
  await children.close();
  rmSync(folder, { recursive: true, force: true });
});

const benchOf = (log: Bench["log"]): Bench => quickBench(children, { rounds: 5, log });

/** Logs in which repository a program is started. */
const where: Scenario = {
  name: "where",
  boot: "",
  load: "",
  measures: "",
  needsOha: false,
  async *run({ children: list, rounds, log }) {
    const child = list.run(["pwd"], { cores: null });
    log(`in ${(await list.expectEnd(child, RUN_MS_MAX)).trim() === ROOT ? "this one" : "another"}`);
    yield [{ what: "rounds", unit: "", values: [rounds, rounds] }];
  },
};

describe.skipIf(!hasGit)("another version", () => {
  test("is unpacked with the packages of this one, starts its own commands, and is removed without them", async () => {
    const own = openChildren();
    const tree = await openTree("HEAD", own, () => {});
    expect(tree.commit).toBe(commitOf("HEAD") ?? "");
    expect(existsSync(join(tree.children.tree, "app", "main.ts"))).toBe(true);
    const isLink = lstatSync(join(tree.children.tree, "node_modules")).isSymbolicLink();
    const [locked, otherLocked] = [ROOT, tree.children.tree].map((each) =>
      readFileSync(join(each, "bun.lock"), "utf8"),
    );
    expect(isLink).toBe(locked === otherLocked);
    const started = tree.children.start(["-e", "console.log(process.cwd())"], { cores: null });
    expect((await own.expectEnd(started, RUN_MS_MAX)).trim()).toBe(tree.children.tree);
    expect(own.takeCommands()).toEqual([
      "BUN_JSC_forceRAMSize=134217728 bun -e 'console.log(process.cwd())'",
    ]);
    await own.close();
    expect(existsSync(tree.children.tree)).toBe(false);
    expect(readdirSync(join(ROOT, "node_modules"))).toContain("typescript");
  });

  test("that does not exist throws a sentence", async () => {
    await expect(openTree("no-such-branch", children, () => {})).rejects.toThrow(
      "no-such-branch is no commit, branch or tag of this repository",
    );
    await expect(openTree("--help", children, () => {})).rejects.toThrow("--help is no commit");
  });

  test("takes turns with this one, the order reversed each round", async () => {
    const logged: string[] = [];
    const tree = await openTree("HEAD", children, () => {});
    const { outcome, pairs } = await compareScenario(
      where,
      benchOf((line) => logged.push(line)),
      tree,
      3,
      runOne,
    );
    expect(logged).toEqual([
      "round 1 of 3, this version: in this one",
      "round 1 of 3, HEAD: in another",
      "round 2 of 3, HEAD: in another",
      "round 2 of 3, this version: in this one",
      "round 3 of 3, this version: in this one",
      "round 3 of 3, HEAD: in another",
    ]);
    expect(outcome).toMatchObject({ scenario: "where", fault: null, commands: ["pwd"] });
    expect(outcome.lines[0]?.values).toEqual([1, 1, 1]);
    expect(pairs).toEqual([
      { what: "rounds", unit: "", first: [1, 1, 1], second: [1, 1, 1], ratios: [1, 1, 1] },
    ]);
  });

  test("that fails ends its scenario, and the fault names the side", async () => {
    const failing: Scenario = {
      ...where,
      async *run({ children: list }) {
        if (list.tree !== ROOT) throw new Error("it does not start");
        yield [{ what: "a", unit: "", values: [1] }];
      },
    };
    const tree = await openTree("HEAD", children, () => {});
    const { outcome } = await compareScenario(
      failing,
      benchOf(() => {}),
      tree,
      3,
      runOne,
    );
    expect(outcome).toMatchObject({ fault: "HEAD: it does not start", lines: [{ what: "a", values: [1] }] });
  });
});

test("another version has its own catalogues, built by its own command, also by two benches at once", async () => {
  const tree = mkdtempSync(join(folder, "tree-"));
  // With a name that no other run of this test has, because all benches keep their catalogues in one folder.
  const migration = `CREATE TABLE x (y); -- ${tree}`;
  const files = {
    "package.json": '{"version":"0.0.7","scripts":{"demo":"A=1 exec bun elsewhere/demo.ts"}}',
    "db/migrations/0001_x.sql": migration,
    "elsewhere/demo.ts": 'await Bun.write(process.env.DATA_DIR + "/made", process.argv.slice(2).join(" "));',
  };
  for (const [path, text] of Object.entries(files)) await Bun.write(join(tree, path), text);
  const expected = join(CATALOGUES, catalogueName(3, [migration], "0.0.7"));
  const other = openChildren();
  const built = [children, other].map((each) =>
    catalogueOf({ children: each.at(tree), log: () => undefined }, 3),
  );
  try {
    expect(await Promise.all(built)).toEqual([expected, expected]);
    expect(readFileSync(join(expected, "made"), "utf8")).toBe("--shoes 3");
  } finally {
    await other.close();
    rmSync(expected, { recursive: true, force: true });
  }
});

test("the rounds of a line become one line with the median of each round", () => {
  const line = (...values: number[]) => [{ what: "a", unit: "ms", values }];
  expect(merged([line(1, 2, 9), line(4)])).toEqual([{ what: "a", unit: "ms", values: [2, 4] }]);
});

describe("a scenario", () => {
  const bench = benchOf(() => {});
  const yielding = (...steps: (number | Error)[]): Scenario => ({
    ...where,
    async *run() {
      for (const step of steps) {
        if (typeof step !== "number") throw step;
        yield [{ what: String(step), unit: "", values: [step] }];
      }
    },
  });
  test("that fails keeps what it measured before", async () => {
    const outcome = await runOne(yielding(1, new Error("not reached: 1/s of 2/s, 3 times"), 2), bench);
    expect(outcome.lines.map(({ what }) => what)).toEqual(["1"]);
    expect(outcome.fault).toBe("not reached: 1/s of 2/s, 3 times");
  });
  test("that fails makes the bench fail, does not stop the others, and is written to the result", async () => {
    const scenarios = [yielding(1, new Error("10 answers 503")), { ...yielding(2), name: "next" }];
    const resultFolder = join(folder, "failed");
    const plan: Plan = {
      scenarios,
      command: "bun run bench",
      at: new Date().toISOString(),
      earlier: null,
      compare: null,
      options: { scenarios: ["where", "next"], isQuick: false, rounds: 1, seed: 1, url: null },
      output: { folder: resultFolder },
    };
    const printed = spyOn(console, "log").mockImplementation(() => {});
    try {
      expect(await runPlan(plan, children)).toBe(false);
      expect(await runPlan({ ...plan, scenarios: scenarios.slice(1), output: null }, children)).toBe(true);
    } finally {
      printed.mockRestore();
    }
    const { results } = readResult(resultFolder).result;
    expect(results.map(({ fault, lines }) => [fault, lines[0]?.median])).toEqual([
      ["10 answers 503", 1],
      [null, 2],
    ]);
  });
  test("that measures nothing, or no number, is invalid", async () => {
    expect((await runOne(yielding(), bench)).fault).toBe("it measured nothing");
    expect((await runOne(yielding(Number.NaN), bench)).fault).toBe('no number for "NaN"');
  });
  test("has its own commands and not those before it", async () => {
    await children.expectEnd(children.run(["true"], { cores: null }), RUN_MS_MAX);
    expect((await runOne(where, bench)).commands).toEqual(["pwd"]);
  });
});

describe.skipIf(process.platform !== "linux")("the command", () => {
  const bench = async (...words: string[]) => {
    const child = Bun.spawn([process.execPath, "bench/command.ts", ...words], {
      cwd: ROOT,
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, progress] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { code: await child.exited, out, progress };
  };
  const first = join(folder, "first");

  test(
    "measures, prints the commands of the result, and runs it again",
    async () => {
      const made = await bench("import", "--quick", "--seed", "4", "--out", first);
      expect([made.code, made.progress]).toEqual([0, expect.stringMatching(/^\d+:\d\d 1\/1 import: /m)]);
      expect(readResult(first).result.options).toEqual({
        scenarios: ["import"],
        isQuick: true,
        rounds: 1,
        seed: 4,
        url: null,
      });
      const printed = await bench("import", "--print", "--rerun", first);
      expect(printed.out).toContain(
        "DATA_DIR=import DEMO=false bun app/import/command.ts 2000.csv --dry-run\n",
      );
      const again = await bench("--rerun", first, "--out", join(folder, "again"));
      expect(again.code).toBe(0);
      expect(again.out).toMatch(/then +now +now \/ then/);
      expect(readResult(join(folder, "again")).result).toMatchObject({
        options: { seed: 4, isQuick: true },
        beside: { kind: "rerun" },
      });
    },
    RUN_MS_MAX,
  );

  test.skipIf(!hasGit)(
    "compares, and removes the other version",
    async () => {
      const json = join(folder, "compared.json");
      const { code, out } = await bench("import", "--quick", "--compare", "HEAD", "--json", json);
      expect(code).toBe(0);
      expect(out).toMatch(/other +this +this \/ other/);
      const { beside } = readResult(json).result;
      expect(beside?.scenarios[0]?.pairs.map(({ ratios }) => ratios.length)).toEqual([2, 2, 2, 2, 2, 2]);
    },
    RUN_MS_MAX,
  );

  test.skipIf(findOha() === null)(
    "ends with 1 when a scenario failed",
    async () => {
      const { code, out } = await bench("reads", "--quick", "--url", "http://127.0.0.1:1");
      expect(code).toBe(1);
      expect(out).toContain("reads");
    },
    RUN_MS_MAX,
  );

  test("prints in one line why it cannot start", async () => {
    const { code, progress } = await bench("--rerun", join(folder, "nowhere"));
    expect([code, progress.split("\n").length]).toEqual([1, 2]);
    expect(progress).toContain("there is no result at");
  });
});
