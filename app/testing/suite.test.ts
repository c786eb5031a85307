// The test command leaves no process behind, however it ends, and no temporary folder where it ends by itself.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../db/until.ts";
import { isAlive } from "../../replicas/testing/primary.ts";
import { type Folder, openFolder } from "./shop.ts";

/** Starts a program, and a program of a program, both of which write their pid as the name of a file and never end. */
const LEAVING = `
import { expect, test } from "bun:test";
test("leaves processes behind", async () => {
  Bun.spawn(["sh", "-c", "touch pid-$$; exec sleep 1000"]);
  Bun.spawn(["sh", "-c", "sh -c 'touch pid-\\$\\$; exec sleep 1000'; true"]);
  while ([...new Bun.Glob("pid-*").scanSync()].length < 2) await Bun.sleep(5);
  await Bun.write("tmpdir", process.env.TMPDIR);
  if (!process.env.ENDS) await Bun.sleep(100_000);
  expect(process.env.ENDS).toBe("well");
}, 200_000);
`;

let folder: Folder;
beforeEach(() => {
  folder = openFolder();
  writeFileSync(join(folder.path, "leaving.test.ts"), LEAVING);
});
afterEach(() => folder.remove());

const left = (): number[] =>
  readdirSync(folder.path).flatMap((name) => (name.startsWith("pid-") ? [Number(name.slice(4))] : []));

const COMMAND = [process.execPath, join(import.meta.dir, "suite.ts")];
const start = (env: Record<string, string> = {}) =>
  Bun.spawn(COMMAND, {
    cwd: folder.path,
    env: { PATH: process.env.PATH ?? "", TMPDIR: tmpdir(), ...env },
    stdout: "ignore",
    stderr: "ignore",
  });

test.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)("ended by %s", async (signal) => {
  const command = start();
  await until("both processes run", () => left().length === 2);
  command.kill(signal);
  expect(await command.exited).not.toBe(0);
  await until("both have ended", () => !left().some(isAlive));
});

test("ended together with the process that started it", async () => {
  const script = `Bun.spawn(${JSON.stringify(COMMAND)}, { stdio: ["ignore", "ignore", "ignore"] }); setInterval(() => {}, 1000);`;
  const starter = Bun.spawn([process.execPath, "-e", script], { cwd: folder.path });
  await until("both processes run", () => left().length === 2);
  starter.kill("SIGKILL");
  await until("both have ended", () => !left().some(isAlive));
  expect(left()).toHaveLength(2);
});

test.each([
  ["well", 0],
  ["badly", 1],
] as const)("when the tests end %s, the exit code is %d", async (how, code) => {
  expect(await start({ ENDS: how }).exited).toBe(code);
  await until("both have ended", () => !left().some(isAlive));
  expect(left()).toHaveLength(2);
  const temporary = readFileSync(join(folder.path, "tmpdir"), "utf8");
  expect([temporary, existsSync(temporary)]).toEqual([expect.stringContaining("insole-tests-"), false]);
});
