// The test command leaves no process behind, however it ends, and no temporary folder where it ends by itself.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../db/until.ts";
import { isAlive } from "../../replicas/testing/primary.ts";
import { type Folder, openFolder } from "./shop.ts";

/** Starts a program, and a program of a program; both write their pid as the ending of a file's name, and never end. */
const LEAVING = `
import { expect, test } from "bun:test";
test("leaves processes behind", async () => {
  Bun.spawn(["sh", "-c", "touch NAME-$$; exec sleep 1000"]);
  Bun.spawn(["sh", "-c", "sh -c 'touch NAME-\\$\\$; exec sleep 1000'; true"]);
  while ([...new Bun.Glob("NAME-*").scanSync()].length < 2) await Bun.sleep(5);
  await Bun.write("tmpdir", process.env.TMPDIR);
  if (!process.env.ENDS) await Bun.sleep(100_000);
  expect(process.env.ENDS).toBe("well");
}, 200_000);
`;
/** Bun starts workers for several files. */
const NAMES = ["first", "second"];
const LEFT = 2 * NAMES.length;

let folder: Folder;
beforeEach(() => {
  folder = openFolder();
  for (const name of NAMES)
    writeFileSync(join(folder.path, `${name}.test.ts`), LEAVING.replaceAll("NAME", name));
});
afterEach(() => folder.remove());

const left = (): number[] =>
  readdirSync(folder.path)
    .flatMap((name) => /^(?:first|second)-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number);

const here = (name: string) => join(import.meta.dir, name);
const COMMAND = [process.execPath, here("suite.ts"), "--preload", here("setup.ts")];
const start = (env: Record<string, string> = {}) =>
  Bun.spawn(COMMAND, {
    cwd: folder.path,
    env: { PATH: process.env.PATH ?? "", TMPDIR: tmpdir(), ...env },
    stdout: "ignore",
    stderr: "ignore",
  });

test.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)("ended by %s", async (signal) => {
  const command = start();
  await until("all processes run", () => left().length === LEFT);
  command.kill(signal);
  expect(await command.exited).not.toBe(0);
  await until("all have ended", () => !left().some(isAlive));
});

test("ended when `bun test` is killed", async () => {
  const command = start();
  await until("all processes run", () => left().length === LEFT);
  const { stdout } = Bun.spawnSync(["ps", "-o", "pid=,args=", "--ppid", String(command.pid)]);
  const tests = stdout
    .toString()
    .split("\n")
    .find((line) => line.includes(" test "));
  process.kill(Number.parseInt(tests ?? "", 10), "SIGKILL");
  expect(await command.exited).toBe(1);
  await until("all have ended", () => !left().some(isAlive));
});

test("ended together with the process that started it", async () => {
  const script = `Bun.spawn(${JSON.stringify(COMMAND)}, { stdio: ["ignore", "ignore", "ignore"] }); setInterval(() => {}, 1000);`;
  const starter = Bun.spawn([process.execPath, "-e", script], { cwd: folder.path });
  await until("all processes run", () => left().length === LEFT);
  starter.kill("SIGKILL");
  await until("all have ended", () => !left().some(isAlive));
  expect(left()).toHaveLength(LEFT);
});

test.each([
  ["well", 0],
  ["badly", 1],
] as const)("when the tests end %s, the exit code is %d", async (how, code) => {
  expect(await start({ ENDS: how }).exited).toBe(code);
  await until("all have ended", () => !left().some(isAlive));
  expect(left()).toHaveLength(LEFT);
  const temporary = readFileSync(join(folder.path, "tmpdir"), "utf8");
  expect([temporary, existsSync(temporary)]).toEqual([expect.stringContaining("insole-tests-"), false]);
});
