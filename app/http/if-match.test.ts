// If-Match on every route that takes it: a write to an old version is refused with 412 and changes nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { shoe } from "../testing/shop.ts";
import { type AdminShop, openAdminShop } from "../testing/writes.ts";

type Row = { operationId: string; method: string; path: string; body?: unknown; done: number };

const whole = (id: string) => ({
  shoe_id: id,
  title: "Whole",
  images: [],
  price: 9,
  href: null,
  related_products: [],
});
// Each row writes to a shoe of its own, whose id is its operation's.
const ROWS: Row[] = [
  {
    operationId: "updateShoe",
    method: "PUT",
    path: "/api/shoes/update/updateShoe",
    body: whole("updateShoe"),
    done: 204,
  },
  {
    operationId: "replaceShoe",
    method: "PUT",
    path: "/api/shoes/replaceShoe",
    body: whole("replaceShoe"),
    done: 204,
  },
  { operationId: "removeShoe", method: "DELETE", path: "/api/shoes/removeShoe", done: 204 },
  {
    operationId: "setStock",
    method: "PUT",
    path: "/api/shoes/setStock/stock",
    body: { sizes: [{ size: "9", stock: 8 }] },
    done: 200,
  },
  {
    operationId: "addStock",
    method: "POST",
    path: "/api/shoes/addStock/stock",
    body: { size: "9", delta: -1 },
    done: 200,
  },
  {
    operationId: "changeProduct",
    method: "PUT",
    path: "/api/products/changeProduct",
    body: { price: 9 },
    done: 200,
  },
  { operationId: "removeProduct", method: "DELETE", path: "/api/products/removeProduct", done: 204 },
];

let shop: AdminShop;
beforeAll(async () => {
  const sizes = [{ size: "9", stock: 3 }];
  shop = await openAdminShop(ROWS.map(({ operationId }) => shoe(operationId, { sizes })));
});
afterAll(() => shop.close());

test("the rows are all operations whose description names the header", async () => {
  type Operation = { operationId: string; parameters?: { name: string }[] };
  const { paths } = (await shop.send("GET", "/docs/json")).body as {
    paths: Record<string, Record<string, Operation>>;
  };
  const taking = Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .filter(({ parameters = [] }) => parameters.some(({ name }) => name === "If-Match"));
  expect(taking.map(({ operationId }) => operationId).toSorted()).toEqual(
    ROWS.map(({ operationId }) => operationId).toSorted(),
  );
});

describe.each(ROWS)("$method $path", ({ operationId, method, path, body, done }) => {
  const write = (tag: string) => shop.send(method, path, body, { "if-match": tag });
  const read = () => shop.send("GET", `/api/shoes/${operationId}`);
  const stored = () =>
    shop.db.read.all(
      `SELECT version, price_cents, title, stock, (SELECT json_group_array(stock) FROM sizes WHERE shoe = shoes.id),
       (SELECT count(*) FROM audit WHERE subject = shoe_id) FROM shoes WHERE shoe_id = ?`,
      operationId,
    );

  test("is refused with 412 for an old version, and changes nothing", async () => {
    const old = (await read()).headers.get("etag") ?? "";
    expect((await shop.send("PUT", `/api/products/${operationId}`, { name: "Newer" })).status).toBe(200);
    const before = stored();
    expect(before).toHaveLength(1);
    for (const tag of [old, '"v1"', '"v999"', '"another server\'s"']) {
      const refused = await write(tag);
      expect([tag, refused.status, refused.body.type]).toEqual([tag, 412, "/problems/precondition-failed"]);
    }
    expect(stored()).toEqual(before);
  });

  test("is done for the present version", async () => {
    const before = stored();
    const present = (await read()).headers.get("etag") ?? "";
    expect((await write(present)).status).toBe(done);
    expect(stored()).not.toEqual(before);
  });
});

test("at most 20 tags may be given", async () => {
  const write = (count: number) => {
    const tags = Array.from({ length: count }, (_, index) => `"v${1_000 + index}"`).join(", ");
    return shop.send("PUT", "/api/products/changeProduct", { price: 9 }, { "if-match": tags });
  };
  expect((await write(20)).status).toBe(412);
  const refused = await write(21);
  expect([refused.status, refused.body.detail]).toEqual([400, "If-Match must have at most 20 tags"]);
});
