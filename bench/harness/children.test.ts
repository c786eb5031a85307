// Child processes: a failure throws, a late one is killed, and none outlives the bench.
import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
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

test("success returns stdout; of our environment the child gets only PATH", async () => {
  const child = children.run(["sh", "-c", 'echo "$A-$USER-"'], { env: { A: "given" }, cores: null });
  expect(await children.expectEnd(child, LONG_MS)).toBe("given--\n");
});

test("a failure throws the exit code and the last output", async () => {
  const child = children.run(["sh", "-c", "echo why >&2; exit 3"], { cores: null });
  await expect(children.expectEnd(child, LONG_MS)).rejects.toThrow(/exit code 3: sh -c.*\nwhy/s);
});

test("a child that takes too long is killed", async () => {
  const child = children.run(["sleep", "60"], { cores: null });
  await expect(children.expectEnd(child, 1)).rejects.toThrow("not done after 0 s: sleep 60");
  await child.process.exited;
  expect(isAlive(child.pid)).toBe(false);
});

test("closing ends every child, removes the folder and refuses to start others", async () => {
  const ending = openChildren();
  const pids = [1, 2].map(() => ending.run(["sleep", "60"], { cores: null }).pid);
  expect(pids.every(isAlive)).toBe(true);
  await ending.close();
  expect(pids.some(isAlive)).toBe(false);
  expect(existsSync(ending.folder)).toBe(false);
  expect(() => ending.run(["true"], { cores: null })).toThrow("the bench is ending");
});

test("the shop is started in another repository, and scripts under bench/ in this one", async () => {
  const tree = children.makeFolder("tree");
  const other = children.at(tree);
  expect([children.tree, other.tree, other.folder]).toEqual([ROOT, tree, children.folder]);
  const own = other.start(["bench/command.ts", "-h"], { cores: null });
  expect(await other.expectEnd(own, LONG_MS)).toStartWith("usage: bun run bench");
  const theirs = other.start(["-p", "process.cwd()"], { cores: null });
  expect(await other.expectEnd(theirs, LONG_MS)).toBe(`${tree}\n`);
});

test("a command of the shop is the file that the package script in its repository names", async () => {
  const tree = children.makeFolder("tree");
  await Bun.write(join(tree, "package.json"), '{"scripts":{"start":"A=1 exec bun old/main.ts"}}');
  await Bun.write(join(tree, "old", "main.ts"), "console.log(import.meta.path, process.argv[2]);");
  const other = children.at(tree);
  const child = other.startCommand("start", ["--yes"], { cores: null });
  expect(await other.expectEnd(child, LONG_MS)).toBe(`${join(tree, "old", "main.ts")} --yes\n`);
  expect(() => other.startCommand("demo", [], { cores: null })).toThrow('no package script "demo"');
});

test("commands are taken once and without repetitions, without those of the harness", async () => {
  children.takeCommands();
  for (const isHarness of [undefined, undefined, true] as const) {
    const options = { env: { A: "b" }, cores: null, ...(isHarness ? { isHarness } : {}) };
    await children.expectEnd(children.run(isHarness ? ["pwd"] : ["true"], options), LONG_MS);
  }
  expect(children.takeCommands()).toEqual(["A=b true"]);
  expect(children.takeCommands()).toEqual([]);
});

test("a published command calls a new folder by its name, without its random ending", async () => {
  const folder = children.makeFolder("some-data");
  const child = children.run(["ls", folder, join(folder, "..")], { env: { A: folder }, cores: null });
  expect(child.published).toBe("A=some-data ls some-data .");
  expect(await children.expectEnd(child, LONG_MS)).toContain("some-data");
});
