// The children of a process: the lines they are sent, and the folder left to their watchdog, gone with them also after kill -9.
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../db/until.ts";
import { openScratch } from "../testing/primary.ts";
import { openChildren } from "./children.ts";

const REMOVED_MS_MAX = 10_000;
const scratch = openScratch();
afterAll(scratch.remove);

/** Writes new files into `$1` until it is killed. */
const WRITER = ["sh", "-c", 'n=0; while :; do n=$((n+1)); : > "$1/$n" || exit; done', "sh"];

test("the folder is removed when the children are closed, although one still wrote into it", async () => {
  const folder = join(scratch.path, "closed with a blank");
  mkdirSync(folder);
  const children = openChildren();
  children.removeAtEnd(folder);
  const child = children.start([...WRITER, folder], { env: {}, outPath: "/dev/null" });
  await until("the child writes", () => readdirSync(folder).length > 0);
  await children.close();
  expect([child.isRunning(), existsSync(folder)]).toEqual([false, false]);
});

test("the folder is removed after kill -9 of the process", async () => {
  const folder = join(scratch.path, "killed");
  mkdirSync(folder);
  const program = `
    const { openChildren } = await import(${JSON.stringify(join(import.meta.dir, "children.ts"))});
    const children = openChildren();
    children.removeAtEnd(${JSON.stringify(folder)});
    children.start(${JSON.stringify([...WRITER, folder])}, { env: {}, outPath: "/dev/null" });
    // Now the watchdog has been sent the child; the child itself writes before that.
    setTimeout(() => console.log("started"), 0);
    setInterval(() => {}, 1_000);`;
  const owner = Bun.spawn([process.execPath, "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  await owner.stdout.getReader().read();
  await until("the child writes", () => readdirSync(folder).length > 0);
  owner.kill("SIGKILL");
  await owner.exited;
  await until("the folder is removed", () => !existsSync(folder), REMOVED_MS_MAX);
  expect(existsSync(folder)).toBe(false);
});

test("without a folder the end of the children removes nothing", async () => {
  const folder = join(scratch.path, "kept");
  mkdirSync(folder);
  const children = openChildren();
  children.start([...WRITER, folder], { cwd: folder, env: {}, outPath: "/dev/null" });
  await until("the child writes", () => readdirSync(folder).length > 0);
  await children.close();
  expect(existsSync(folder)).toBe(true);
});

test("a child that takes lines gets them in their order, and one that has ended gets none", async () => {
  const children = openChildren();
  const reader = children.start(["sh", "-c", 'for each in 1 2 3; do read -r line; echo "$line"; done'], {
    env: {},
    takesLines: true,
  });
  for (const line of ["one", "two", "x".repeat(100_000)]) reader.send(line);
  const [output] = reader.output;
  expect(await new Response(output).text()).toBe(`one\ntwo\n${"x".repeat(100_000)}\n`);
  await reader.exited;
  reader.send("too late");
  const deaf = children.start(["sh", "-c", "exec <&-; echo closed; sleep 60"], { env: {}, takesLines: true });
  for await (const _ of deaf.output[0] ?? []) break;
  for (let line = 0; line < 10; line += 1) deaf.send("x".repeat(100_000));
  deaf.signal("SIGKILL");
  expect(await deaf.exited).toBeNull();
  await children.close();
});
