// A flash sale at the write door: what fails, fails alone, and the groups of those who succeed stay large.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/migrate.ts";
import { openFolder, saveAll, shoe } from "../test-shop.ts";
import { addStock } from "./stock.ts";
import type { Writing } from "./write-group.ts";
import { addShoe } from "./writes.ts";

const SHOP = { publicUrl: "", currency: "USD" };
const BUYERS = 600;
const PAIRS_LEFT = 300;

const folder = openFolder();
let db: Database;
beforeAll(async () => {
  const path = join(folder.path, "insole.db");
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

const writing = (): Writing => ({ caller: null, keep: () => [], nowMs: Date.now() });
const settled = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    ({ type }) => type,
  );

test("every second buyer comes too late: their neighbours' groups are not torn apart", async () => {
  const { commits } = db.writeDoor();
  const outcomes = await Promise.all(
    Array.from({ length: BUYERS }, (_, at) =>
      settled(addStock(db, at % 2 ? "cold" : "hot", "", -1, "shoe", SHOP, null, writing())),
    ),
  );
  expect(outcomes).toEqual(outcomes.map((_, at) => (at % 2 ? "out-of-stock" : "done")));
  expect(db.read.all("SELECT shoe_id, stock FROM shoes ORDER BY id")).toEqual([
    ["hot", 0],
    ["cold", 0],
  ]);
  // One buyer goes at once, the others with the next group.
  expect(db.writeDoor().commits - commits).toBeLessThanOrEqual(3);
  expect(db.read.get("SELECT count(*) FROM audit")).toEqual([PAIRS_LEFT]);
  expect(db.read.get("SELECT count(*) FROM writes")).toEqual([PAIRS_LEFT]);
});

test("of many who add one shoe, one does", async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, at) =>
      settled(addShoe(db, shoe("same", { title: `By ${at}` }), "shoe", SHOP, "/x", writing())),
    ),
  );
  expect(outcomes.toSorted()).toEqual([...Array.from({ length: 49 }, () => "conflict"), "done"]);
});
