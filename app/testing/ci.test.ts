// `.ci/run` with stand-ins for the programs that it calls: its exit code and its summary.
import { afterAll, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openFolder } from "./shop.ts";

const SCRIPT = join(import.meta.dir, "../../.ci/run");
const folder = openFolder();
afterAll(folder.remove);
const put = (path: string, lines: string) => {
  mkdirSync(dirname(join(folder.path, path)), { recursive: true });
  writeFileSync(join(folder.path, path), `#!/bin/bash\n${lines}\n`);
  chmodSync(join(folder.path, path), 0o755);
};
mkdirSync(join(folder.path, ".ci"));
copyFileSync(SCRIPT, join(folder.path, ".ci", "run"));
// Scripts of the repository that are steps by themselves.
const OWN = /^step \S+ ([\w.-]+\/\S+)/gm;
for (const [, path = ""] of readFileSync(SCRIPT, "utf8").matchAll(OWN)) put(path, "exit 0");
for (const name of ["chromium", "nginx", "openssl", "shellcheck"]) put(`bin/${name}`, "exit 0");
// Runs all package scripts; the words in $FAILING make one fail.
put(
  "bin/npx",
  `[[ -z "\${JUNIT_FILE:-}" ]] || { echo "$REPORT" >"$JUNIT_FILE"; echo "$OUTPUT"; }
[[ -z "\${FAILING:-}" || " $* " != *" $FAILING "* ]]`,
);

function run(report: string, failing = "", output = "") {
  const { exitCode, stdout } = Bun.spawnSync([join(folder.path, ".ci", "run")], {
    env: {
      PATH: `${join(folder.path, "bin")}:/usr/bin:/bin`,
      FAILING: failing,
      REPORT: report,
      OUTPUT: output,
    },
    stderr: "ignore",
  });
  return { code: exitCode, last: stdout.toString().split("== result\n")[1]?.trim().split("\n") };
}

const report = (tests: number, failures: number, skipped: number) =>
  `<testsuites name="a" tests="${tests}" failures="${failures}" skipped="${skipped}" time="1">`;

test("ends with 0 and the counts of the tests when every step is good", () => {
  expect(run(report(20, 0, 0))).toEqual({ code: 0, last: ["20 passed, 0 failed"] });
  expect(run(report(20, 0, 3))).toEqual({ code: 0, last: ["17 passed, 0 failed, 3 skipped"] });
});

test("ends with 1 and names the steps that failed", () => {
  expect(run(report(20, 0, 0), "run lint")).toEqual({
    code: 1,
    last: ["failed: lint", "20 passed, 0 failed"],
  });
  expect(run(report(20, 2, 0), "run test")).toEqual({
    code: 1,
    last: ["failed: test", "18 passed, 2 failed"],
  });
});

test("a run of the tests that fails without a failed test counts one failure, and no test at all is a failure", () => {
  const { code, last } = run(report(20, 0, 0), "run test");
  expect([code, last?.at(-1)]).toEqual([1, "20 passed, 1 failed"]);
  expect(run("")).toEqual({ code: 1, last: ["0 passed, 0 failed"] });
});

test("the end of the output names each failed test, and shows how a run without one ended", () => {
  const failed = `${report(3, 1, 0)}
      <testcase name="says &quot;no&quot;" classname="x" time="0" file="app/a.test.ts" line="7" assertions="1">
        <failure type="AssertionError" message="expect(received).toBe(expected)&#10;Expected: 2">more</failure>
      <testcase name="other" classname="x" time="0" file="app/a.test.ts" line="9" assertions="1" />`;
  expect(run(failed, "run test").last).toEqual([
    'app/a.test.ts:7 says "no"',
    "      expect(received).toBe(expected) Expected: 2",
    "failed: test",
    "2 passed, 1 failed",
  ]);
  expect(run(report(3, 0, 0), "run test", "(pass) a\npanic: b").last).toEqual([
    "no test failed, but the run did; it ended with:",
    "  panic: b",
    "failed: test",
    "3 passed, 1 failed",
  ]);
});
