// Prices over HTTP: every route that writes a shoe stores the price and the list price to the cent.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type AdminShop, openAdminShop } from "../../testing/writes.ts";

// The first three are a little below their cents as binary numbers: 19.99 * 100 is 1998.9999999999998.
const AMOUNTS: [number | string, number][] = [
  [19.99, 1_999],
  [1.15, 115],
  [0.29, 29],
  [24.99, 2_499],
  ["8.2", 820],
  ["19.99", 1_999],
  [1_000_000, 100_000_000],
];

let shop: AdminShop;
beforeAll(async () => {
  shop = await openAdminShop([]);
});
afterAll(() => shop.close());

const centsOf = (shoeId: string) =>
  shop.db.read.get("SELECT price_cents, list_price_cents FROM shoes WHERE shoe_id = ?", shoeId);
const shown = async (shoeId: string) => {
  const { price, priceCents, listPrice } = (await shop.send("GET", `/api/shoes/${shoeId}`)).body.data;
  return { price, priceCents, listPrice };
};

describe.each(AMOUNTS)("%p", (amount, cents) => {
  const money = { price: amount, listPrice: amount };
  const wanted = { price: cents / 100, priceCents: cents, listPrice: cents / 100 };
  const idFor = (use: string) => `${use}-${cents}-${typeof amount}`;

  test("is stored and shown exactly by POST of a shoe and of a product", async () => {
    const shoe = await shop.send("POST", "/api/shoes", { shoe_id: idFor("s"), title: "S", ...money });
    expect([shoe.status, shoe.body.data]).toEqual([201, expect.objectContaining(wanted)]);
    const product = await shop.send("POST", "/api/products", { shoe_id: idFor("p"), name: "P", ...money });
    expect([product.status, product.body.data.price]).toEqual([201, cents / 100]);
    for (const id of [idFor("s"), idFor("p")]) {
      expect(centsOf(id)).toEqual([cents, cents]);
      expect(await shown(id)).toEqual(wanted);
    }
  });

  test("is stored and shown exactly by PUT of a shoe and of a product", async () => {
    for (const [use, prefix] of [
      ["r", "/api/shoes/"],
      ["u", "/api/shoes/update/"],
      ["c", "/api/products/"],
    ] as const) {
      const id = idFor(use);
      const six = { shoe_id: id, title: "T", images: [], price: 7, href: null, related_products: [] };
      expect((await shop.send("POST", "/api/shoes", six)).status).toBe(201);
      const body = prefix === "/api/products/" ? money : { ...six, ...money };
      expect((await shop.send("PUT", prefix + id, body)).status).toBeWithin(200, 205);
      expect([prefix, centsOf(id)]).toEqual([prefix, [cents, cents]]);
      expect(await shown(id)).toEqual(wanted);
    }
  });
});

test("a list finds shoes by bounds that are their prices, and calls a list price one cent above a sale", async () => {
  for (const [shoe_id, price, listPrice] of [
    ["below", 19.99, 20],
    ["above", 20.5, 20.51],
    ["same", 30, 30],
  ])
    expect(
      (await shop.send("POST", "/api/shoes", { shoe_id, title: "E", category: "Edges", price, listPrice }))
        .status,
    ).toBe(201);
  const ids = async (query: string) =>
    (await shop.send("GET", `/api/shoes?category=edges&sort=price_asc&${query}`)).body.data.map(
      ({ id }: { id: string }) => id,
    );
  for (const [query, wanted] of [
    ["minPrice=19.99&maxPrice=19.99", ["below"]],
    ["minPrice=20&maxPrice=20.5", ["above"]],
    ["minPrice=20.51", ["same"]],
    ["maxPrice=20.49", ["below"]],
    ["maxPrice=19.98", []],
    ["onSale=true", ["below", "above"]],
  ] as const)
    expect([query, await ids(query)]).toEqual([query, [...wanted]]);
});
