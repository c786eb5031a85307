// Replicas that get merged commits from a real server: random writes, kills in the middle of a sync, and equal rows afterwards.
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { must } from "../../../../db/must.ts";
import { openHandle } from "../../../../db/read/reader.ts";
import { differences, digestOfFile } from "../../../drills/checks/digest.ts";
import { pick, random } from "../../../drills/traffic/random.ts";
import { openReplicaProcesses, type ReplicaProcesses } from "../../../testing/replica-processes.ts";
import { openTestReplication, type TestReplication } from "../../../testing/replication.ts";

const ROUNDS = 25;
const WRITES_PER_ROUND = 20;
const CACHE_KB = 1_000;
const SCHEMA = [
  "CREATE TABLE marks (id INTEGER PRIMARY KEY)",
  "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, content BLOB)",
  "CREATE INDEX items_by_name ON items (name)",
  "CREATE TABLE pages (id INTEGER PRIMARY KEY, content BLOB)",
];
/** More pages than one answer has frames. */
const MANY_PAGES = 1_300;
const FILL_PAGES = `INSERT OR REPLACE INTO pages
  WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ${MANY_PAGES})
  SELECT id, randomblob(3000) FROM n`;

let door: TestReplication;
let replicas: ReplicaProcesses;

afterEach(async () => {
  await replicas.close();
  await door.close();
});

/** The statements of a write, drawn by its number. */
function statementsOf(number: number): string[] {
  const id = Math.floor(random(number, 1) * 300);
  const bytes = Math.floor(random(number, 2) * 20_000);
  const choices = [
    `INSERT OR REPLACE INTO items VALUES (${id}, 'item ${id}', randomblob(${bytes}))`,
    `UPDATE items SET name = name || 'x', content = zeroblob(${bytes}) WHERE id = ${id}`,
    `DELETE FROM items WHERE id BETWEEN ${id} AND ${id + 5}`,
    `UPDATE pages SET content = randomblob(3000) WHERE id % 97 = ${id % 97}`,
    `CREATE TABLE IF NOT EXISTS later_${id % 7} AS SELECT * FROM items WHERE id % 7 = ${id % 7}`,
    `DROP TABLE IF EXISTS later_${id % 7}`,
  ];
  return [pick(choices, number, 3), pick(choices, number, 4), `INSERT INTO marks VALUES (${number})`];
}

function integrityOf(path: string): unknown {
  const handle = openHandle(path, CACHE_KB);
  try {
    return handle.prepare("PRAGMA integrity_check").raw(true).all();
  } finally {
    handle.close();
  }
}

test("random writes and kills of replicas leave every replica whole and equal", async () => {
  replicas = openReplicaProcesses();
  door = await openTestReplication();
  await door.write(...SCHEMA);
  await door.write(FILL_PAGES);
  const all = [1, 2, 3].map(() => replicas.start(door.url));
  let mark = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let times = 0; times < WRITES_PER_ROUND; times += 1) {
      mark += 1;
      await door.write(...statementsOf(mark));
    }
    if (round % 8 === 5) await door.write(FILL_PAGES);
    await must(all[round % 2], "the replica").restart();
  }
  await Promise.all(all.map(({ reaches }) => reaches(mark)));
  expect(door.metric("merged_commits_total")).toBeGreaterThan(0);
  const primary = await digestOfFile(join(door.server.folder, "data/dbs/default/data"));
  for (const { path } of all) {
    expect(integrityOf(path)).toEqual([["ok"]]);
    expect(differences(primary, await digestOfFile(path))).toEqual([]);
  }
}, 120_000);
