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
  `[[ -z "\${JUNIT_FILE:-}" ]] || echo "$REPORT" >"$JUNIT_FILE"
[[ -z "\${FAILING:-}" || " $* " != *" $FAILING "* ]]`,
);

function run(report: string, failing = "") {
  const { exitCode, stdout } = Bun.spawnSync([join(folder.path, ".ci", "run")], {
    env: { PATH: `${join(folder.path, "bin")}:/usr/bin:/bin`, FAILING: failing, REPORT: report },
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
  expect(run(report(20, 0, 0), "run test")).toMatchObject({
    code: 1,
    last: ["failed: test", "20 passed, 1 failed"],
  });
  expect(run("")).toEqual({ code: 1, last: ["0 passed, 0 failed"] });
});
