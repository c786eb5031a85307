// Bursts in the write queue: a write fails alone, groups stay large, and the change feed keeps up.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { openFeed } from "../../db/feed.ts";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { openCommitter } from "../../db/write/commit.ts";
import { openWriteQueue } from "../../db/write/queue.ts";
import { plainWrite } from "../http/write.ts";
import { openLikes } from "../likes/likes.ts";
import { openFolder, saveAll, shoe } from "../testing/shop.ts";
import { addShoe, openCatalogue, type ShoeWrite } from "./write/shoes.ts";
import { addStock } from "./write/stock.ts";

const SHOP = { publicUrl: "", currency: "USD" };
const BUYERS = 600;
const PAIRS_LEFT = 300;

const folder = openFolder();
const path = join(folder.path, "insole.db");
let db: Database;
beforeAll(async () => {
  migrate(path);
  db = openFile(path);
  await saveAll(db, [
    shoe("hot", { sizes: [{ size: "", stock: PAIRS_LEFT }] }),
    shoe("cold", { sizes: [{ size: "", stock: 0 }] }),
  ]);
});
afterAll(async () => {
  await db.close();
  folder.remove();
});

const write = (): ShoeWrite => ({ ...plainWrite(null, Date.now()), view: "shoe", shop: SHOP });
const settled = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    ({ type }) => type,
  );

test("failures of every second buyer do not split the groups", async () => {
  const { commits } = db.writeQueue();
  const countOf = (table: string) => db.read.get<[number]>(`SELECT count(*) FROM ${table}`)?.[0] ?? 0;
  const before = ["audit", "writes"].map(countOf);
  const outcomes = await Promise.all(
    Array.from({ length: BUYERS }, (_, index) =>
      settled(addStock(db, write(), index % 2 ? "cold" : "hot", { size: "", delta: -1 })),
    ),
  );
  expect(outcomes).toEqual(outcomes.map((_, index) => (index % 2 ? "out-of-stock" : "done")));
  expect(
    db.read.all("SELECT shoe_id, stock FROM shoes WHERE shoe_id IN ('hot', 'cold') ORDER BY id"),
  ).toEqual([
    ["hot", 0],
    ["cold", 0],
  ]);
  // The first buyer is committed at once, the others with the next group.
  expect(db.writeQueue().commits - commits).toBeLessThanOrEqual(3);
  expect(["audit", "writes"].map(countOf)).toEqual(before.map((count) => count + PAIRS_LEFT));
});

test("of concurrent additions of one shoe, one succeeds", async () => {
  const catalogue = openCatalogue(db);
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      settled(addShoe(catalogue, write(), shoe("same", { title: `By ${index}` }))),
    ),
  );
  expect(outcomes.toSorted()).toEqual([...Array.from({ length: 49 }, () => "conflict"), "done"]);
});

test("a burst of likes over many shoes is committed in groups that the feed can deliver", async () => {
  const ids = Array.from({ length: 2_500 }, (_, index) => `many${index}`);
  await saveAll(
    db,
    ids.map((id) => shoe(id)),
    false,
  );
  const feed = openFeed(db);
  const polls: string[] = [];
  const likes = openLikes(db, {
    now: Date.now,
    isOpen: true,
    onCommit: () => void polls.push(feed.poll().kind),
  });
  const { commits } = db.writeQueue();
  const results = await Promise.all(ids.map((id) => likes.like(id, "u")));
  expect(results.every((liked) => liked?.created && liked.likes === 1)).toBe(true);
  expect(new Set(polls)).toEqual(new Set(["changes"]));
  expect(db.writeQueue().commits - commits).toBeLessThanOrEqual(4);
  expect(likes.state()).toEqual({ likes: 2_500, commits: polls.length });
});

test("alternating likes and unlikes are one group, in their order", async () => {
  await saveAll(db, [shoe("liked")], false);
  const likes = openLikes(db, { now: Date.now, isOpen: true, onCommit: () => undefined });
  const { commits } = db.writeQueue();
  const results = await Promise.all([
    likes.like("liked", "u"),
    likes.like("liked", "u"),
    likes.unlike("liked", "u"),
    likes.like("liked", "u"),
    likes.like("liked", "v"),
    likes.like("nothing", "v"),
  ]);
  expect(results.map((liked) => liked?.created ?? null)).toEqual([true, false, false, true, true, null]);
  expect(results.at(-2)?.likes).toBe(2);
  expect(db.writeQueue().commits - commits).toBeLessThanOrEqual(2);
});

test("an uncertain commit of likes is repeated, and its second outcome is returned", async () => {
  const committer = openCommitter(path);
  let tries = 0;
  const queue = openWriteQueue(async (group) => {
    tries += 1;
    if (tries === 1) throw new DatabaseError("uncertain", "the server went away");
    return committer.commit(group);
  });
  const options = { now: Date.now, isOpen: true, onCommit: () => undefined };
  const likes = openLikes({ ...db, write: queue.write }, options);
  const results = await Promise.all([
    likes.like("cold", "u"),
    likes.like("cold", "u"),
    likes.like("cold", "v"),
    likes.unlike("hot", "u"),
  ]);
  committer.close();
  expect(results.map((liked) => [liked?.likes, liked?.created])).toEqual([
    [2, true],
    [2, false],
    [2, true],
    [0, false],
  ]);
  expect(tries).toBe(2);
});

test("likes are refused at once when the queue is full, and the waiting ones after their deadline", async () => {
  const { promise, resolve } = Promise.withResolvers<{ changes: number; rows: never[] }[]>();
  const stalled = { ...db, write: () => promise };
  const options = { now: Date.now, isOpen: true, onCommit: () => undefined, deadlineMs: 30 };
  const likes = openLikes(stalled, options);
  const outcomeOf = (outcome: Promise<unknown>) =>
    outcome.then(
      () => "done",
      ({ kind, message }) => `${kind}: ${message}`,
    );
  const first = outcomeOf(likes.like("hot", "first"));
  await new Promise((turn) => setImmediate(turn));
  const flood = Array.from({ length: 20_001 }, (_, index) => outcomeOf(likes.like("hot", `u${index}`)));
  expect(await flood.pop()).toBe("overloaded: too many likes are waiting");
  expect(new Set(await Promise.all(flood))).toEqual(new Set(["overloaded: the like waited too long"]));
  const none = { changes: 0, rows: [] };
  resolve([none, none, none]);
  expect(await first).toBe("done");
  expect(likes.state()).toEqual({ likes: 0, commits: 1 });
});
