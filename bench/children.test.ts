// The programs of a bench: a bad end is told, a late one is ended, and nothing outlives the bench.
import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { openChildren } from "./children.ts";

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
