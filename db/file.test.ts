// The database on a file: the contract suite, and the promises of a file alone.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseError } from "./errors.ts";
import { openFile } from "./file.ts";
import { openHandle } from "./read/reader.ts";
import { migrate } from "./schema/migrate.ts";
import { databaseContract } from "./testing/contract.ts";
import { expectRefusal, failure } from "./testing/contract-parts.ts";
import { until } from "./until.ts";

const CACHE_KB = 1_000;
const KILLS = 4;
const PAGES_MAX = 2 ** 32 - 2;
/** SQLite's number for `synchronous = FULL`. */
const FULL = 2;
const root = mkdtempSync(join(tmpdir(), "insole-file-"));
let files = 0;

afterAll(() => rmSync(root, { recursive: true }));

function freshPath(): string {
  const path = join(root, `${++files}.db`);
  migrate(path);
  return path;
}

databaseContract("a file", async () => {
  const db = openFile(freshPath());
  // Of the writing handle: its file may grow to its present size, or to the most that SQLite allows.
  const breakWrites = (areBroken: boolean) => {
    const pages = { sql: `PRAGMA max_page_count = ${areBroken ? 1 : PAGES_MAX}` };
    return until("the bound is set", async () => (await failure(db.write([pages]))) === "it was done");
  };
  return { db, hasCopy: true, caughtUp: async () => {}, breakWrites, remove: async () => {} };
});

const word = (text: string) => ({ sql: "INSERT INTO words (word) VALUES (?)", args: [text] });

test("the serving thread runs on during commits", async () => {
  const db = openFile(freshPath());
  await db.write([word("the thread has started")]);
  let turns = 0;
  let isWriting = true;
  const turn = () => {
    turns += 1;
    if (isWriting) setImmediate(turn);
  };
  const before = db.writeQueue().commits;
  const writes = Promise.all(Array.from({ length: 5_000 }, (_, index) => db.write([word(`${index}`)])));
  setImmediate(turn);
  await writes;
  isWriting = false;
  expect(turns).toBeGreaterThan(db.writeQueue().commits - before);
  await db.close();
});

test("a write waits until its deadline and no longer", async () => {
  let nowMs = 0;
  const path = freshPath();
  const db = openFile(path, CACHE_KB, { deadlineMs: 2, now: () => nowMs });
  const lock = openHandle(path, CACHE_KB);
  const settled: string[] = [];
  const write = async (name: string) => {
    const outcome = await failure(db.write([word(name)]));
    settled.push(`${name}: ${outcome instanceof DatabaseError ? outcome.kind : outcome}`);
  };
  lock.exec("BEGIN IMMEDIATE");
  const writes = ["sent", "late"].map(write);
  nowMs = 1;
  writes.push(write("in time"));
  nowMs = 2;
  await until("one is settled", () => settled.length > 0);
  expect(settled).toEqual(["late: overloaded"]);
  lock.exec("COMMIT");
  lock.close();
  await Promise.all(writes);
  expect(settled.slice(1)).toEqual(["sent: it was done", "in time: it was done"]);
  await db.close();
});

test("a commit of another handle is seen by the next read", async () => {
  const path = freshPath();
  const db = openFile(path);
  const other = openFile(path);
  expect(db.read.get("SELECT count(*) FROM words")).toEqual([0]);
  await other.write([word("from elsewhere")]);
  expect(db.read.get("SELECT word FROM words")).toEqual(["from elsewhere"]);
  await Promise.all([db.write([word("a")]), other.write([word("b")])]);
  expect(other.read.get("SELECT count(*) FROM words")).toEqual([3]);
  await Promise.all([other.close(), db.close()]);
});

test("a read leaves no snapshot open: the log can be checkpointed", async () => {
  const path = freshPath();
  const db = openFile(path);
  await db.write([word("a"), word("b"), word("c")]);
  db.read.get("SELECT word FROM words");
  await db.scan([{ sql: "SELECT word FROM words" }]);
  const other = openHandle(path, CACHE_KB);
  const [busy] = other.prepare("PRAGMA wal_checkpoint(TRUNCATE)").raw(true).get([]) as [number];
  expect(busy).toBe(0);
  other.close();
  await db.close();
});

test("closing moves the whole log into the file", async () => {
  const path = freshPath();
  const db = openFile(path);
  await db.write([word("kept")]);
  await db.close();
  expect(statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
  const again = openFile(path);
  expect(again.read.get("SELECT word FROM words")).toEqual(["kept"]);
  await again.close();
});

test("a thread that cannot open the file rejects calls until it can", async () => {
  const folder = join(root, "moved");
  const path = join(folder, "insole.db");
  mkdirSync(folder);
  migrate(path);
  const [db, other] = [openFile(path), openFile(path)];
  await other.write([word("done")], "done");
  expect(db.read.get("SELECT word FROM words")).toEqual(["done"]);
  renameSync(folder, `${folder}-away`);
  // A query can be repeated. Of the writes none was done.
  expectRefusal(await failure(db.scan([{ sql: "SELECT 1" }])), "busy");
  expectRefusal(await failure(db.write([word("a")])), "unwritable");
  expectRefusal(await failure(db.write([word("a")], "not done")), "unwritable");
  expect(db.writeQueue().outage).toMatchObject({ reason: "file-missing", writes: 2 });
  renameSync(`${folder}-away`, folder);
  await db.write([word("a")]);
  expect(db.writeQueue()).toMatchObject({ outage: null, failures: { "file-missing": 2 } });
  expect(await db.scan([{ sql: "SELECT word FROM words ORDER BY word" }])).toEqual([[["a"], ["done"]]]);
  await Promise.all([db.close(), other.close()]);
});

describe("an acknowledged write", () => {
  // Each write is a word and a trigram of it, so that half a write would show.
  const child = (path: string, round: number) => `
    import { openFile } from ${JSON.stringify(join(import.meta.dir, "file.ts"))};
    const db = openFile(${JSON.stringify(path)});
    const writer = async (writer) => {
      for (let number = 0; ; number += 1) {
        const name = "${round}." + writer + "." + number;
        await db.write([
          { sql: "INSERT INTO words (word) VALUES (?)", args: [name] },
          { sql: "INSERT INTO word_trigrams (trigram, word) VALUES ('x', ?)", args: [name] },
        ]);
        process.stdout.write(name + "\\n");
      }
    };
    for (let index = 0; index < 16; index += 1) writer(index);`;

  test("is on disk before it is acknowledged, so that it survives power loss", async () => {
    const db = openFile(freshPath());
    const [synchronous, journal] = await db.write([
      { sql: "PRAGMA synchronous" },
      { sql: "PRAGMA journal_mode" },
    ]);
    expect([synchronous?.rows, journal?.rows]).toEqual([[[FULL]], [["wal"]]]);
    await db.close();
  });

  test("survives kill -9", async () => {
    const path = freshPath();
    const acknowledged: string[] = [];
    for (let round = 0; round < KILLS; round += 1) {
      const writing = Bun.spawn([process.execPath, "-e", child(path, round)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      const decoder = new TextDecoder();
      for await (const chunk of writing.stdout) {
        output += decoder.decode(chunk, { stream: true });
        if (output.length > 2_000 * (round + 1)) writing.kill("SIGKILL");
      }
      await writing.exited;
      expect(writing.signalCode).toBe("SIGKILL");
      acknowledged.push(...output.split("\n").slice(0, -1));
    }
    const handle = openHandle(path, CACHE_KB);
    const query = (sql: string) => handle.prepare(sql).raw(true).all([]) as string[][];
    const stored = new Set(query("SELECT word FROM words").flat());
    expect(acknowledged.length).toBeGreaterThan(KILLS * 100);
    expect(acknowledged.filter((name) => !stored.has(name))).toEqual([]);
    expect(query("SELECT word FROM words EXCEPT SELECT word FROM word_trigrams")).toEqual([]);
    expect(query("SELECT word FROM word_trigrams EXCEPT SELECT word FROM words")).toEqual([]);
    expect(query("PRAGMA integrity_check")).toEqual([["ok"]]);
    handle.close();
  });
});
