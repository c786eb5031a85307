// The store of an import: it removes all shoes that the demo added, and no others.
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { openFile } from "../../db/file.ts";
import { readConfig } from "../config.ts";
import { openFolder, saveAll, shoe } from "../testing/shop.ts";
import { fillDemo } from "./demo/fill.ts";
import { openShoeStore } from "./store.ts";

/** One more than a chunk of the demo and a chunk of a removal. */
const DEMO_SHOES = 1_001;

const folder = openFolder();
afterAll(folder.remove);

test("more demo shoes than one chunk are added and removed, and no others", async () => {
  const store = await openShoeStore(readConfig({ DATA_DIR: folder.path }));
  const db = openFile(join(folder.path, "insole.db"));
  expect(await fillDemo(db, DEMO_SHOES)).toBe(DEMO_SHOES);
  await saveAll(db, [shoe("own")]);
  const count = () => db.read.get("SELECT count(*) FROM shoes");
  expect(count()).toEqual([DEMO_SHOES + 1]);
  expect(await store.removeDemo()).toBe(DEMO_SHOES);
  expect(db.read.all("SELECT shoe_id FROM shoes")).toEqual([["own"]]);
  expect(await store.removeDemo()).toBe(0);
  expect(count()).toEqual([1]);
  await db.close();
  await store.close();
});
