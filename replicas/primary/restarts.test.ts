// What a supervisor does with an sqld that ends again and again, and with its log: growing pauses, and a bounded file.
import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../db/must.ts";
import { freePort } from "../../db/ports.ts";
import { until } from "../../db/until.ts";
import { MADE_UP_DOOR, openScratch } from "../testing/primary.ts";
import { type Children, openChildren } from "./children.ts";
import { initDataset } from "./dataset.ts";
import { openPrimary, type Primary } from "./supervisor.ts";

const LOG_BYTES_MAX = 8 * 1024 * 1024;
const scratch = openScratch();
afterAll(scratch.remove);

let folders = { data: "", keys: "" };
let children: Children;
let primary: Primary | undefined;
beforeEach(() => {
  const folder = mkdtempSync(join(scratch.path, "each-"));
  folders = { data: join(folder, "data"), keys: join(folder, "keys") };
  initDataset(folders);
  children = openChildren();
});
afterEach(async () => {
  await primary?.stop();
  primary = undefined;
  await children.close();
});

test("an sqld that ends right after its start is started again after pauses that double up to a maximum", async () => {
  const PAUSES_MS = [50, 100, 200, 400, 400];
  const endedAtMs: number[] = [];
  const opened = openPrimary({
    ...folders,
    listen: `127.0.0.1:${freePort()}`,
    children,
    doorProgram: MADE_UP_DOOR,
    say: (line) => /^sqld \w.* is restarted$/.test(line) && endedAtMs.push(performance.now()),
    timings: { backoffMinMs: 50, backoffMaxMs: 400 },
  });
  primary = opened;
  for (const pauseMs of [0, ...PAUSES_MS]) {
    const ended = endedAtMs.length;
    await until("sqld is started", () => opened.pid() !== undefined);
    // The check of the dataset comes on top. A timer may round to the millisecond below.
    expect(performance.now() - (endedAtMs.at(-1) ?? 0)).toBeGreaterThan(pauseMs - 1);
    opened.kill();
    await until("its end is noticed", () => endedAtMs.length > ended);
  }
});

test("an sqld whose port was taken meanwhile gets another", async () => {
  const opened = openPrimary({
    ...folders,
    listen: `127.0.0.1:${freePort()}`,
    children,
    say() {},
    doorProgram: MADE_UP_DOOR,
    timings: { backoffMinMs: 300 },
  });
  primary = opened;
  await opened.ready;
  const before = must(opened.life(), "a life").url;
  opened.kill();
  await until("sqld has ended", () => opened.pid() === undefined);
  const taker = Bun.serve({
    hostname: "127.0.0.1",
    port: Number(new URL(before).port),
    fetch: () => new Response(),
  });
  await until("sqld can write again", () => opened.state() === "up");
  expect(must(opened.life(), "a life").url).not.toBe(before);
  await taker.stop(true);
});

test("a log of more than 8 MiB is set aside, and replaces the one before", async () => {
  const log = join(folders.data, "sqld.log");
  writeFileSync(`${log}.1`, "an older log");
  writeFileSync(log, "the log before\n");
  truncateSync(log, LOG_BYTES_MAX + 1);
  primary = openPrimary({
    ...folders,
    listen: `127.0.0.1:${freePort()}`,
    children,
    say() {},
    doorProgram: MADE_UP_DOOR,
  });
  await primary.ready;
  await primary.stop();
  expect(statSync(`${log}.1`).size).toBe(LOG_BYTES_MAX + 1);
  expect(readFileSync(log, "utf8")).toContain("shutdown gracefully");
  expect(statSync(log).size).toBeLessThan(LOG_BYTES_MAX);
  expect([statSync(log).mode & 0o077, existsSync(`${log}.2`)]).toEqual([0, false]);
});
