// Stock under concurrent writes: a change of a shoe's other fields leaves the pairs that others have taken meanwhile.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Database } from "../../../db/database.ts";
import { openFile } from "../../../db/file.ts";
import { migrate } from "../../../db/schema/migrate.ts";
import { plainWrite } from "../../http/write.ts";
import { openFolder, saveAll, shoe } from "../../testing/shop.ts";
import type { Change } from "./draft.ts";
import { changeShoe, openCatalogue, type ShoeWrite } from "./shoes.ts";
import { addStock } from "./stock.ts";

const SHOP = { publicUrl: "", currency: "USD" };
const folder = openFolder();
let db: Database;
beforeAll(async () => {
  const path = join(folder.path, "insole.db");
  migrate(path);
  db = openFile(path);
});
afterAll(async () => {
  await db.close();
  folder.remove();
});

const write = (): ShoeWrite => ({ ...plainWrite(null, Date.now()), view: "shoe", shop: SHOP });

/** The database, where another process takes two pairs of size 9 directly after the first read of a write's plan. */
function sellingAfterPlan(shoeId: string): Database {
  let isSold = false;
  return {
    ...db,
    async onPrimary(work) {
      const read = await db.onPrimary(work);
      if (!isSold) {
        isSold = true;
        await addStock(db, write(), shoeId, { size: "9", delta: -2 });
      }
      return read;
    },
  };
}

test.each<[string, Change]>([
  ["title", { title: "Other" }],
  ["price", { priceCents: 100 }],
  ["labels", { brand: "Other", category: "Other" }],
  ["list", { related: ["x"] }],
])("pairs that are sold between the plan of a new %s and its commit stay sold", async (name, change) => {
  await saveAll(db, [
    shoe(name, {
      sizes: [
        { size: "8", stock: 4 },
        { size: "9", stock: 3 },
      ],
    }),
  ]);
  const catalogue = openCatalogue(sellingAfterPlan(name));
  const answer = await changeShoe(catalogue, write(), name, change);
  await catalogue.close();
  expect(JSON.parse(String(answer.body)).data).toMatchObject({
    stock: 5,
    sizes: [
      { size: "8", stock: 4 },
      { size: "9", stock: 1 },
    ],
  });
  expect(
    db.read.get(
      "SELECT version, stock, (SELECT sum(stock) FROM sizes WHERE shoe = shoes.id) FROM shoes WHERE shoe_id = ?",
      name,
    ),
  ).toEqual([2, 5, 5]);
});

test("pairs that are sold between the plan of the same sizes and its commit are replaced in row and sizes alike", async () => {
  const sizes = [{ size: "9", stock: 3 }];
  await saveAll(db, [shoe("sizes", { sizes })]);
  const catalogue = openCatalogue(sellingAfterPlan("sizes"));
  await changeShoe(catalogue, write(), "sizes", { sizes });
  await catalogue.close();
  const sums =
    "SELECT stock, (SELECT sum(stock) FROM sizes WHERE shoe = shoes.id) FROM shoes WHERE shoe_id = ?";
  expect(db.read.get(sums, "sizes")).toEqual([3, 3]);
});
