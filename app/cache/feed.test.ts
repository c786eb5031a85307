// The change feed on a real file that another process writes to.
import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import { openFeed } from "../../db/feed.ts";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { fillOf, textOf } from "../testing/cache.ts";
import { openCache } from "./cache.ts";

const CHANGES_MAX = 1_000;
const root = mkdtempSync(join(tmpdir(), "insole-feed-"));
const FILE_MODULE = JSON.stringify(join(import.meta.dir, "../../db/file.ts"));
let files = 0;
let path = "";
let db: Database;

beforeEach(() => {
  path = join(root, `${++files}.db`);
  migrate(path);
  db = openFile(path);
});
afterEach(() => db.close());
afterAll(() => rmSync(root, { recursive: true }));

const SHOE = `INSERT INTO shoes (shoe_id, slug, price_cents, title, images, origin, content_hash, created_at, updated_at, description)
  VALUES ('a', 'a', 100, 'A', '[]', 'api', '', 1, 1, '')`;
const NOTE = "INSERT INTO changes (kind, shoe_id) VALUES ('session', ?)";

const write = (...statements: string[]) => db.write(statements.map((sql) => ({ sql })));
const notes = (count: number) =>
  db.write(Array.from({ length: count }, (_, index) => ({ sql: NOTE, args: [`n${index}`] })));

/** Writes from another process, and waits for its end. */
async function writeElsewhere(...statements: string[]): Promise<void> {
  const script = `import { openFile } from ${FILE_MODULE};
    const db = openFile(${JSON.stringify(path)});
    await db.write(${JSON.stringify(statements)}.map((sql) => ({ sql })));
    await db.close();`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "ignore", "inherit"] });
  expect(await child.exited).toBe(0);
}

test("a poll returns the changes since the last one, in order and once", async () => {
  await write(SHOE);
  const feed = openFeed(db);
  expect(feed.position()).toBe(2);
  expect(feed.poll()).toEqual({ kind: "changes", changes: [] });
  await write(
    "UPDATE shoes SET likes = 1",
    "UPDATE shoes SET version = 2",
    "INSERT INTO changes (kind) VALUES ('facts')",
  );
  expect(feed.poll()).toEqual({
    kind: "changes",
    changes: [
      { seq: 3, kind: "counters", shoeId: "a" },
      { seq: 4, kind: "facts", shoeId: "a" },
      { seq: 5, kind: "collection", shoeId: "a" },
      { seq: 6, kind: "facts", shoeId: null },
    ],
  });
  expect(feed.position()).toBe(6);
  expect(feed.poll()).toEqual({ kind: "changes", changes: [] });
});

test("a poll returns the first change of a new shop", async () => {
  const feed = openFeed(db);
  expect(feed.position()).toBe(0);
  await notes(1);
  expect(feed.poll()).toMatchObject({ kind: "changes", changes: [{ seq: 1, shoeId: "n0" }] });
});

test("a poll returns the changes of another process, and the cache follows", async () => {
  await write(SHOE);
  const feed = openFeed(db);
  const cache = openCache({ bytesMax: 100_000, now: Date.now, position: feed.position });
  const fill = fillOf("/shoes/a", () => String(db.read.get("SELECT price_cents FROM shoes")), {
    shoeIds: ["a"],
  });
  expect(textOf((await cache.findOrCompute(fill)).entry)).toBe("100");
  await writeElsewhere("UPDATE shoes SET price_cents = 200, version = version + 1");
  const news = feed.poll();
  expect(news).toMatchObject({
    kind: "changes",
    changes: [
      { seq: 3, kind: "facts" },
      { seq: 4, kind: "collection" },
    ],
  });
  if (news.kind === "changes") cache.apply(news.changes);
  expect(textOf((await cache.findOrCompute(fill)).entry)).toBe("200");
});

test("an undone change is not returned, and leaves no gap", async () => {
  const feed = openFeed(db);
  await db.write([{ sql: NOTE, args: ["undone"] }, { sql: "nonsense" }]).catch(() => {});
  await notes(1);
  expect(feed.poll()).toEqual({ kind: "changes", changes: [{ seq: 1, kind: "session", shoeId: "n0" }] });
});

test("more changes than one poll lists are lost, and the next poll goes on", async () => {
  const feed = openFeed(db);
  await notes(CHANGES_MAX);
  expect(feed.poll()).toMatchObject({ kind: "changes", changes: { length: CHANGES_MAX } });
  await notes(CHANGES_MAX + 1);
  expect(feed.poll()).toEqual({ kind: "lost" });
  expect(feed.position()).toBe(2 * CHANGES_MAX + 1);
  await notes(1);
  expect(feed.poll()).toMatchObject({ kind: "changes", changes: [{ seq: 2 * CHANGES_MAX + 2 }] });
});

/** As in a database that was restored or altered by hand. */
const WITHOUT_RULE = "DROP TRIGGER changes_newest_stays";
const losses: [string, string[]][] = [
  ["the changes were pruned", ["DELETE FROM changes WHERE seq <= 4"]],
  ["one of the changes is missing", ["DELETE FROM changes WHERE seq = 5"]],
  ["the newest change is older than the position", [WITHOUT_RULE, "DELETE FROM changes WHERE seq > 1"]],
  ["the feed is empty", [WITHOUT_RULE, "DELETE FROM changes"]],
  ["the generation is another one", ["UPDATE dataset SET generation = 'other'"]],
  [
    "the generation is another one at the same position",
    [WITHOUT_RULE, "DELETE FROM changes WHERE seq > 3", "UPDATE dataset SET generation = 'other'"],
  ],
];
test.each(losses)("lost when %s", async (_name, statements) => {
  await notes(3);
  const feed = openFeed(db);
  await notes(3);
  await writeElsewhere(...statements);
  expect(feed.poll()).toEqual({ kind: "lost" });
  expect(feed.poll()).toEqual({ kind: "changes", changes: [] });
  expect(feed.generation()).toBe(String(db.read.get("SELECT generation FROM dataset")));
  expect(feed.position()).toBe(Number(db.read.get("SELECT coalesce(max(seq), 0) FROM changes")));
});
