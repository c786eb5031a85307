// Likes that are lost, doubled, miscounted or never sent are found.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Libsql from "libsql";
import { faultOfLikes, readAcknowledged } from "./exactly-once.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-raw-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("stored likes", () => {
  const pairs = new Set(["a/likes/1", "a/likes/2"]);
  const good = { pairs, rows: 2, miscounted: 0 };
  test.each([
    ["all are stored", good, pairs, null],
    ["one was aborted", good, new Set(["a/likes/1"]), null],
    ["one is lost", good, new Set([...pairs, "b/likes/1"]), "1 of 3 acknowledged likes are not stored"],
    ["one is stored twice", { ...good, rows: 3 }, pairs, "3 likes are stored for 2 pairs"],
    ["a counter is wrong", { ...good, miscounted: 1 }, pairs, "1 shoes have a counter that differs"],
    ["a client sent none of them", good, new Set<string>(), "2 likes are stored, but only 0"],
  ])("%s", (_, stored, acknowledged, fault) => {
    const found = faultOfLikes(stored, acknowledged, 1);
    if (fault === null) expect(found).toBeNull();
    else expect(found).toStartWith(fault);
  });

  test("oha's own record: the paths that were answered with 201, each once", () => {
    const path = join(folder, "a.answers");
    const handle = new Libsql(path);
    handle.exec("CREATE TABLE oha (url TEXT, status INTEGER)");
    handle.exec(`INSERT INTO oha VALUES ('/api/shoes/a/likes/1', 201), ('/api/shoes/a/likes/1', 201),
      ('/api/shoes/b/likes/1', 503)`);
    handle.close();
    expect([...readAcknowledged(path)]).toEqual(["a/likes/1"]);
  });
});
