// Replicas over several lives of sqld, all through the door: whatever happens, each ends up equal to the primary, row by row.
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { must } from "../../../../db/must.ts";
import { until } from "../../../../db/until.ts";
import { differences, digestOfFile } from "../../../drills/checks/digest.ts";
import {
  openReplicaProcesses,
  type ReplicaProcess,
  type ReplicaProcesses,
} from "../../../testing/replica-processes.ts";
import { openTestReplication, type TestReplication } from "../../../testing/replication.ts";

const SCHEMA = [
  "CREATE TABLE marks (id INTEGER PRIMARY KEY)",
  "CREATE TABLE pages (id INTEGER PRIMARY KEY, content BLOB)",
];
const PAGES = 200;
const FILL = `INSERT INTO pages WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ${PAGES})
  SELECT id, randomblob(3000) FROM n`;
/** More than an answer of sqld holds, so that a new log is much shorter than the old one. */
const ROUNDS = 12;

/** So that replicas can follow on a busy machine. */
const WRITE_PAUSE_MS = 10;

let door: TestReplication;
let replicas: ReplicaProcesses;
let newestMark: number;
let load: { stop(): Promise<void> } | undefined;

async function open(flags: string[] = []): Promise<void> {
  replicas = openReplicaProcesses();
  door = await openTestReplication(flags);
  newestMark = 0;
  await door.write(...SCHEMA);
  await door.write(FILL);
  for (let round = 0; round < ROUNDS; round += 1)
    await door.write("UPDATE pages SET content = randomblob(3000)");
}

afterEach(async () => {
  await load?.stop();
  load = undefined;
  await replicas.close();
  await door.close();
});

/** Writes a mark and a few pages. Returns the mark. */
async function write(): Promise<number> {
  const mark = newestMark + 1;
  const page = 1 + ((mark * 37) % (PAGES - 8));
  const change = `UPDATE pages SET content = randomblob(3000) WHERE id BETWEEN ${page} AND ${page + 8}`;
  // A write whose answer was lost in a kill may have been done.
  await door.write(`INSERT OR IGNORE INTO marks VALUES (${mark})`, change);
  newestMark = mark;
  return mark;
}

/** Writes until `stop` is called, which resolves when the last write is over; what fails is tried anew. */
function writeAlways(): typeof load {
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      await write().catch(() => {});
      await Bun.sleep(WRITE_PAUSE_MS);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await writing;
    },
  };
}

/** Writes once more, and compares every replica with the server's file once each has read that. */
async function expectEqual(...all: ReplicaProcess[]): Promise<void> {
  const last = await write();
  await Promise.all(all.map(({ reaches }) => reaches(last)));
  const primary = await digestOfFile(join(door.server.folder, "data/dbs/default/data"));
  expect(primary.get("pages")?.rows).toBe(PAGES);
  for (const { path } of all) expect(differences(primary, await digestOfFile(path))).toEqual([]);
}

const allHeld = (count: number) =>
  until(`${count} held requests`, () => door.metric("held_requests") === count);
const start = (count: number) => Array.from({ length: count }, () => replicas.start(door.url));

describe("after kill -9 of sqld", () => {
  test("under load, every replica is equal to the primary, also those that are new", async () => {
    await open();
    const old = start(3);
    load = writeAlways();
    await Promise.all(old.map(({ reaches }) => reaches(20)));
    await door.restart();
    const fresh = start(2);
    await Promise.all(fresh.map(({ reaches }) => reaches(newestMark + 20)));
    await load?.stop();
    await expectEqual(...old, ...fresh);
  }, 60_000);

  test("a new replica gets nothing of the life before, though the door was not told of its end", async () => {
    await open();
    const [old] = start(1);
    await must(old, "the replica").reaches(await write());
    // The answers with the whole log are kept, because nothing is written after them.
    const [reader] = start(1);
    await must(reader, "the replica").reaches(newestMark);
    await door.server.stop("SIGKILL");
    await door.server.start();
    const [fresh] = start(1);
    await until("the new replica", () => must(fresh, "the replica").state.syncs > 0);
    await expectEqual(...[old, reader, fresh].map((one) => must(one, "the replica")));
  }, 60_000);

  test("held replicas look anew at once", async () => {
    await open();
    const all = start(3);
    await allHeld(3);
    await door.restart();
    await until("the end of what was held", () => all.every(({ state }) => state.failures.length > 0));
    await expectEqual(...all);
  }, 60_000);
});

describe("a sqld that is frozen", () => {
  test("ends what waits for it, and replicas go on with it afterwards", async () => {
    await open();
    const all = start(2);
    await allHeld(2);
    await door.server.freeze();
    // The driver tries a Hello three times, five seconds and a pause each, and a held request once.
    await until("the end of what waits", () => all.every(({ state }) => state.failures.length > 0), 30_000);
    process.kill(door.server.pid(), "SIGCONT");
    await expectEqual(...all);
  }, 60_000);
});

describe("after a compaction of the log", () => {
  test("a new replica gets a snapshot, and the following frames", async () => {
    await open(["--max-log-size", "1"]);
    const [first] = start(1);
    await must(first, "the replica").reaches(await write());
    expect(door.paths).toContain("/wal_log.ReplicationLog/Snapshot");
    expect(door.metric("snapshots_running")).toBe(0);
    await expectEqual(must(first, "the replica"));
  }, 60_000);

  test("replicas that were there go on, and new ones come between the writes", async () => {
    await open(["--max-log-size", "1"]);
    const all = start(2);
    // Writes without a pause compact the log faster than a replica reads a snapshot of sqld, without a door too.
    for (let round = 0; round < 8; round += 1) {
      for (let times = 0; times < 10; times += 1) await write();
      if (round % 4 === 0) all.push(...start(1));
      await Promise.all(all.map(({ reaches }) => reaches(newestMark)));
    }
    await expectEqual(...all);
  }, 60_000);
});
