// Groups on a real server whose members try to end the transaction, and a group that its client gave up.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Statement } from "../database.ts";
import { expectRefusal, failure, word } from "../testing/contract-parts.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../testing/server.ts";
import { commitOnServer, queryServer } from "./hrana.ts";
import { openPipeline } from "./pipeline.ts";

const LONG_MS = 30_000;
const GIVEN_UP_MS = 200;
const FOREVER = `WITH a (b) AS (SELECT 1 UNION ALL SELECT b + 1 FROM a WHERE b < 100000000000)
SELECT max(b) FROM a`;
const folder = mkdtempSync(join(tmpdir(), "insole-groups-"));
let server: TestServer;
beforeAll(async () => {
  server = await openTestServer(migratedTemplate(folder));
});
afterAll(async () => {
  await server.remove();
  rmSync(folder, { recursive: true });
});

const commit = (members: Statement[][], ms = LONG_MS) =>
  commitOnServer(openPipeline(server, { ms, keptMax: 1 }), members);

async function wordsLike(start: string): Promise<unknown[]> {
  const pipeline = openPipeline(server, { ms: LONG_MS, keptMax: 0 });
  const sql = "SELECT word FROM words WHERE word LIKE ? || '%' ORDER BY word";
  const [rows = []] = await queryServer(pipeline, [{ sql, args: [start] }]);
  return rows.flat();
}

/** Statements of a member, whether the group is known to be undone, and which words stand afterwards. */
test.each([
  ["COMMIT", "uncertain", ["before"]],
  ["END", "uncertain", ["before"]],
  ["COMMIT; BEGIN IMMEDIATE", "uncertain", ["before"]],
  ["ROLLBACK; BEGIN IMMEDIATE", "uncertain", []],
  ["ROLLBACK", "uncertain", []],
  ["INSERT OR ROLLBACK INTO words (word) SELECT word FROM words", "failed", []],
  ["SELECT FROM", "failed", []],
] as const)("a member that says %s: the group is %s, and of it stand %j", async (sql, kind, stand) => {
  const start = `${crypto.randomUUID()} `;
  const bad = sql.split("; ").map((each) => ({ sql: each }));
  const members = [[word(`${start}before`)], [word(`${start}bad`), ...bad], [word(`${start}after`)]];
  expectRefusal(await failure(commit(members)), kind);
  const bads = stand.length > 0 ? ["bad"] : [];
  expect(await wordsLike(start)).toEqual([...bads, ...stand].map((each) => start + each));
});

test("a member cannot reach the savepoints of the members beside it", async () => {
  const guesses = ["RELEASE member", "ROLLBACK TO member", "RELEASE member_0"];
  const members = [[word("beside")], ...guesses.map((sql) => [word(sql), { sql }]), [word("beside too")]];
  const { outcomes } = await commit(members);
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, false, false, true]);
  expect(await wordsLike("")).toContain("beside too");
});

test("a group that is given up while a member runs is undone as a whole, and the lock is free at once", async () => {
  const members = [[word("given up")], [{ sql: FOREVER }], [word("given up, too")]];
  expectRefusal(await failure(commit(members, GIVEN_UP_MS)), "uncertain");
  const { outcomes } = await commit([[word("given a chance")]]);
  expect(outcomes[0]?.ok).toBe(true);
  expect(await wordsLike("given")).toEqual(["given a chance"]);
});
