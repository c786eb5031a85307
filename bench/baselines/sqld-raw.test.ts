// The server alone: likes and rows written to it directly are there, each once, and lost or doubled ones would be told.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Libsql from "libsql";
import { addCustomersTo, bootSqld, writeRaw } from "../boot/sqld.ts";
import { openChildren } from "../harness/children.ts";
import { type Bench, shareCores } from "../harness/scenario.ts";
import { faultOfLikes, readAcknowledged, readLikes } from "../metrics/exactly-once.ts";
import { costsOf } from "./argon2.ts";
import { pairAt } from "./sqld-raw.ts";

const BOOT_MS_MAX = 60_000;
const SHOES = 1_000;
const CUSTOMERS = { from: 5, count: 10 };
const children = openChildren();
const folder = mkdtempSync(join(tmpdir(), "insole-raw-"));

afterAll(async () => {
  await children.close();
  rmSync(folder, { recursive: true });
});

test(
  "likes written in groups by two writers all stand, once",
  async () => {
    const bench: Bench = {
      isQuick: true,
      rounds: 1,
      children,
      oha: null,
      cores: shareCores([]),
      url: null,
      seed: 1,
      say: () => {},
    };
    const sqld = await bootSqld(bench, SHOES);
    await addCustomersTo(sqld, CUSTOMERS.from + CUSTOMERS.count);
    const ask = { group: 7, shoes: SHOES, customers: CUSTOMERS, seconds: 0.3, first: 0 };
    const { done, perSecond } = await writeRaw(bench, sqld, { ...ask, what: "likes", writers: 2 });
    expect(done).toBeGreaterThan(0);
    expect(perSecond).toBeGreaterThan(0);
    const rows = await writeRaw(bench, sqld, { ...ask, what: "rows", writers: 1 });
    expect(rows.done % 7).toBe(0);
    await children.endAll();
    const acknowledged = new Set(
      Array.from({ length: done }, (_, place) => {
        const { shoeId, userId } = pairAt(place, SHOES, CUSTOMERS);
        return `${shoeId}/likes/${userId}`;
      }),
    );
    const standing = readLikes(sqld.filePath);
    expect(faultOfLikes(standing, acknowledged, 0)).toBeNull();
    expect(standing.rows).toBe(Math.min(done, SHOES * CUSTOMERS.count));
    expect(readLikes(sqld.filePath, (userId) => userId === "bench-5").rows).toBeLessThan(standing.rows);
  },
  BOOT_MS_MAX,
);

test("a series of likes repeats no pair until all have been", () => {
  const pairs = Array.from({ length: 60 }, (_, place) => {
    const { shoeId, userId } = pairAt(place, 6, CUSTOMERS);
    return `${shoeId} ${userId}`;
  });
  expect(new Set(pairs).size).toBe(60);
  expect(pairAt(60, 6, CUSTOMERS)).toEqual(pairAt(0, 6, CUSTOMERS));
});

describe("likes that stand", () => {
  const pairs = new Set(["a/likes/1", "a/likes/2"]);
  const good = { pairs, rows: 2, miscounted: 0 };
  test.each([
    ["all is well", good, pairs, null],
    ["one was cut off", good, new Set(["a/likes/1"]), null],
    ["one is lost", good, new Set([...pairs, "b/likes/1"]), "1 of 3 acknowledged likes are not there"],
    ["one stands twice", { ...good, rows: 3 }, pairs, "3 likes stand for 2 pairs"],
    ["a counter is wrong", { ...good, miscounted: 1 }, pairs, "1 shoes count other likes"],
    ["nobody sent them", good, new Set<string>(), "2 likes stand, and only 0"],
  ])("%s", (_, standing, acknowledged, fault) => {
    const found = faultOfLikes(standing, acknowledged, 1);
    if (fault === null) expect(found).toBeNull();
    else expect(found).toStartWith(fault);
  });

  test("oha's own record: the paths that were answered 201, once each", () => {
    const path = join(folder, "a.answers");
    const handle = new Libsql(path);
    handle.exec("CREATE TABLE oha (url TEXT, status INTEGER)");
    handle.exec(`INSERT INTO oha VALUES ('/api/shoes/a/likes/1', 201), ('/api/shoes/a/likes/1', 201),
      ('/api/shoes/b/likes/1', 503)`);
    handle.close();
    expect([...readAcknowledged(path)]).toEqual(["a/likes/1"]);
  });
});

test("the hash's costs are read out of a hash, and another algorithm is told", () => {
  expect(costsOf("$argon2id$v=19$m=19456,t=2,p=1$salt$hash")).toEqual({ memoryCost: 19_456, timeCost: 2 });
  expect(() => costsOf("$2b$10$abc")).toThrow("does not hash by argon2id");
});
