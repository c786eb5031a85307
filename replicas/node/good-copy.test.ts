// The last good copy of a replica: when it is made and renewed, and that it is never one of another dataset.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../db/must.ts";
import { migratedTemplate } from "../../db/testing/server.ts";
import { until } from "../../db/until.ts";
import { datasetOfFile } from "../dataset.ts";
import { goodCopyAtMs, goodCopyOf, makeGoodCopy, openCopySchedule } from "./good-copy.ts";

const HOUR_MS = 3_600_000;
const QUICK = { copyEveryMs: HOUR_MS, checkEveryMs: 1, firstCheckMs: 1 };
const root = mkdtempSync(join(tmpdir(), "insole-good-copy-"));
const template = migratedTemplate(root);
const ours = must(datasetOfFile(template), "the dataset of the template");
let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(root, "each-")), "replica.db");
  copyFileSync(template, path);
});
afterAll(() => rmSync(root, { recursive: true }));

/** Opens a schedule that checks all the time; `checks` counts how often. */
function openQuick(dataset: () => string | null) {
  const seen = { checks: 0, lines: [] as string[] };
  const schedule = openCopySchedule(
    path,
    () => {
      seen.checks += 1;
      return dataset();
    },
    (_level, message, facts) => seen.lines.push(`${message}: ${facts?.why}`),
    QUICK,
  );
  return { schedule, seen };
}

test("a copy is made where there is none, and renewed when it is an hour old", async () => {
  const { schedule, seen } = openQuick(() => ours);
  await until("the first copy", () => existsSync(goodCopyOf(path)));
  expect(datasetOfFile(goodCopyOf(path))).toBe(ours);
  const firstAtMs = goodCopyAtMs(path);
  const { checks } = seen;
  await until("more checks", () => seen.checks > checks + 5);
  expect(goodCopyAtMs(path)).toBe(firstAtMs);
  const anHourAgo = new Date(Date.now() - HOUR_MS);
  utimesSync(goodCopyOf(path), anHourAgo, anHourAgo);
  await until("a new copy", () => goodCopyAtMs(path) >= firstAtMs);
  schedule.stop();
  expect(seen.lines).toEqual([]);
});

test("no copy is made while the replica is not known to be good", async () => {
  const { schedule, seen } = openQuick(() => null);
  await until("some checks", () => seen.checks > 5);
  schedule.stop();
  expect(existsSync(goodCopyOf(path))).toBe(false);
});

test("a copy of another dataset is refused, logged, and tried again; the copy before stays", async () => {
  copyFileSync(template, goodCopyOf(path));
  await expect(makeGoodCopy(path, "another")).rejects.toThrow("the replica holds another dataset");
  utimesSync(goodCopyOf(path), new Date(0), new Date(0));
  const { schedule, seen } = openQuick(() => "another");
  await until("two attempts", () => seen.lines.length > 1);
  schedule.stop();
  expect(seen.lines[0]).toBe(
    "the last good copy could not be renewed: Error: the replica holds another dataset",
  );
  expect(datasetOfFile(goodCopyOf(path))).toBe(ours);
  expect(existsSync(`${goodCopyOf(path)}.new`)).toBe(false);
});

test("a schedule that is stopped during a copy makes no further one", async () => {
  const { schedule, seen } = openQuick(() => ours);
  await until("the first check", () => seen.checks > 0);
  schedule.stop();
  await until("the end of the copy", () => existsSync(goodCopyOf(path)));
  const { checks } = seen;
  // A second schedule shows that a check would have come by now.
  const other = openQuick(() => null);
  await until("checks of another schedule", () => other.seen.checks > 20);
  other.schedule.stop();
  expect(seen.checks).toBe(checks);
});
