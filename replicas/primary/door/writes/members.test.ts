// A bad member beside good ones of other nodes: what each is told, and what stands afterwards.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WireMember } from "../../../../db/server/door-protocol.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../../../../db/testing/server.ts";
import { cpuMsIn, member, openTestWrites, type TestWrites } from "../../../testing/writes.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-members-"));
let server: TestServer;
let door: TestWrites;
beforeAll(async () => {
  server = await openTestServer(migratedTemplate(folder));
});
afterAll(async () => {
  await server.remove();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  door = await openTestWrites(server);
});

let run = 0;

/**
 * Commits a bad member between good ones of other nodes, all in one group: while a first member is under way they wait. Expects
 * that the good ones are done, and returns the outcome of the bad one.
 */
async function besideGood(bad: (word: string) => WireMember, waitMs?: number) {
  run += 1;
  const word = `${run}.bad`;
  const words = ["first", "before", "after"].map((each) => `${run}.${each}`);
  const [first, before, after] = words.map((each) => member(each)) as [WireMember, WireMember, WireMember];
  const all = [first, before, bad(word), after];
  const [one, two, outcome, three] = await door.commitEach(all, waitMs);
  expect([one, two, three].map((each) => each?.ok)).toEqual([true, true, true]);
  const isDone = outcome?.ok ? [word] : [];
  expect(await door.wordsLike(`${run}.`)).toEqual([...words, ...isDone].sort());
  // No transaction stands open: the next one is done at once.
  expect((await door.commit([member(`${run}.next`)])).outcomes[0]?.ok).toBe(true);
  return outcome;
}

describe("is refused before its group is made:", () => {
  test.each([
    "COMMIT",
    "END",
    "/* SELECT */ COMMIT",
    "ROLLBACK",
    "ROLLBACK TO member",
    "RELEASE member",
    "SAVEPOINT member",
    "INSERT OR ROLLBACK INTO words (word) SELECT word FROM words",
    "SELECT 1; COMMIT",
    "ATTACH 'x' AS y",
    "PRAGMA synchronous = OFF",
    "PRAGMA foreign_keys = OFF",
    "CREATE TEMP TABLE a (b)",
    "VACUUM INTO 'x'",
    "EXPLAIN SELECT 1",
    "",
    "SELECT readfile('/etc/hostname')",
    "SELECT \"readfile\"('/etc/hostname')",
    "SELECT [readfile]('/etc/hostname')",
    "SELECT * FROM fsdir('/etc')",
    "SELECT * FROM pragma_table_info('words')",
    "SELECT load_extension('x')",
  ])("%j", async (sql) => {
    const commitsBefore = door.metric("commits_total");
    expect(await besideGood((word) => member(word, sql))).toMatchObject({ ok: false, kind: "failed" });
    // The first member, both others together, and the last.
    expect(door.metric("commits_total") - commitsBefore).toBe(3);
    expect(door.metric("refused_statements_total")).toBe(1);
  });
});

describe("fails alone:", () => {
  test.each([
    ["a rule it breaks", "INSERT INTO words (word) SELECT word FROM words LIMIT 1", "unique"],
    ["a table that is not there", "SELECT * FROM nowhere", "unknown"],
    ["a text that sqld cannot read", "SELECT FROM WHERE", "failed"],
    [
      "a savepoint that it does not know",
      "INSERT INTO words (word) SELECT 'a' FROM words, nowhere",
      "unknown",
    ],
    [
      "a conflict that ends the statement",
      "INSERT OR FAIL INTO words (word) SELECT word FROM words",
      "unique",
    ],
  ] as const)("%s", async (_, sql, kind) => {
    expect(await besideGood((word) => member(word, sql))).toMatchObject({ ok: false, kind });
  });

  test("an answer that is too large", async () => {
    const rows = "SELECT printf('%1000000c', 'x') FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]')";
    const outcome = await besideGood((word) => member(word, rows));
    expect(outcome).toMatchObject({ ok: false, kind: "failed", message: "Response is too large" });
  });

  test("a value that is too large", async () => {
    const gigabyte = "SELECT length(replace(printf('%1000000c', 'x'), ' ', printf('%1000c', 'y')))";
    expect(await besideGood((word) => member(word, gigabyte))).toMatchObject({ ok: false });
  });

  test("a statement that runs for minutes: sqld stops it, and the good members are done before", async () => {
    const forever =
      "WITH a (b) AS (SELECT 1 UNION ALL SELECT b + 1 FROM a WHERE b < 100000000000) SELECT max(b) FROM a";
    const settled: string[] = [];
    const words = ["long.first", "long.before", "long.bad", "long.after", "long.last"];
    const outcomes = await Promise.all(
      words.map(async (word) => {
        const { outcomes } = await door.commit([member(word, ...(word === "long.bad" ? [forever] : []))]);
        settled.push(word);
        return outcomes[0]?.ok;
      }),
    );
    expect(outcomes).toEqual([true, true, false, true, true]);
    expect(settled.at(-1)).toBe("long.bad");
    expect(await door.wordsLike("long.")).toEqual(words.filter((word) => word !== "long.bad").sort());
    // It was tried in its group, and twice alone.
    expect(door.metric("commits_total")).toBe(4);
    expect(await cpuMsIn(server, 200)).toBeLessThan(100);
  });
});
