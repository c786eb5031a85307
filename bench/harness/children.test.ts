// The programs of a bench: a bad end is told, a late one is ended, and nothing outlives the bench.
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { openChildren } from "./children.ts";
import { ROOT } from "./paths.ts";

const children = openChildren();
const LONG_MS = 60_000;

afterAll(() => children.close());

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("a good end returns what was printed, with nothing of our environment but the path", async () => {
  const child = children.run(["sh", "-c", 'echo "$A-$USER-"'], { env: { A: "given" }, cores: null });
  expect(await children.expectEnd(child, LONG_MS)).toBe("given--\n");
});

test("a bad end is told with its code and its last words", async () => {
  const child = children.run(["sh", "-c", "echo why >&2; exit 3"], { cores: null });
  await expect(children.expectEnd(child, LONG_MS)).rejects.toThrow(/exit code 3: sh -c.*\nwhy/s);
});

test("what takes too long is ended", async () => {
  const child = children.run(["sleep", "60"], { cores: null });
  await expect(children.expectEnd(child, 1)).rejects.toThrow("not done after 0 s: sleep 60");
  await child.process.exited;
  expect(isAlive(child.pid)).toBe(false);
});

test("everything is ended at the end, the folder goes, and nothing is started any more", async () => {
  const ending = openChildren();
  const pids = [1, 2].map(() => ending.run(["sleep", "60"], { cores: null }).pid);
  expect(pids.every(isAlive)).toBe(true);
  await ending.close();
  expect(pids.some(isAlive)).toBe(false);
  expect(existsSync(ending.folder)).toBe(false);
  expect(() => ending.run(["true"], { cores: null })).toThrow("the bench is ending");
});

test("in another repository the shop is started there, and what lies under bench/ here", async () => {
  const tree = mkdtempSync(join(children.folder, "tree-"));
  const there = children.at(tree);
  expect([children.tree, there.tree, there.folder]).toEqual([ROOT, tree, children.folder]);
  const ours = there.start(["bench/command.ts", "-h"], { cores: null });
  expect(await there.expectEnd(ours, LONG_MS)).toStartWith("usage: bun run bench");
  const theirs = there.start(["-p", "process.cwd()"], { cores: null });
  expect(await there.expectEnd(theirs, LONG_MS)).toBe(`${tree}\n`);
});

test("a command of the shop is the file that the package script of its repository names", async () => {
  const tree = mkdtempSync(join(children.folder, "tree-"));
  await Bun.write(join(tree, "package.json"), '{"scripts":{"start":"A=1 exec bun old/main.ts"}}');
  await Bun.write(join(tree, "old", "main.ts"), "console.log(import.meta.path, process.argv[2]);");
  const there = children.at(tree);
  const child = there.startCommand("start", ["--yes"], { cores: null });
  expect(await there.expectEnd(child, LONG_MS)).toBe(`${join(tree, "old", "main.ts")} --yes\n`);
  expect(() => there.startCommand("demo", [], { cores: null })).toThrow('no package script "demo"');
});

test("commands are told once and without repetitions, those of the bench itself not at all", async () => {
  children.takeCommands();
  for (const isOurs of [undefined, undefined, true] as const) {
    const options = { env: { A: "b" }, cores: null, ...(isOurs ? { isOurs } : {}) };
    await children.expectEnd(children.run(isOurs ? ["pwd"] : ["true"], options), LONG_MS);
  }
  expect(children.takeCommands()).toEqual(["A=b true"]);
  expect(children.takeCommands()).toEqual([]);
});
