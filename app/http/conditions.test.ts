// If-Match and If-None-Match on every route that takes them: a refused write is 412 and changes nothing.
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

test.each(["If-Match", "If-None-Match"])(
  "the rows are all operations whose description names %s",
  async (header) => {
    type Operation = { operationId: string; parameters?: { name: string }[] };
    const { paths } = (await shop.send("GET", "/docs/json")).body as {
      paths: Record<string, Record<string, Operation>>;
    };
    const taking = Object.values(paths)
      .flatMap((methods) => Object.values(methods))
      .filter(({ parameters = [] }) => parameters.some(({ name }) => name === header));
    expect(taking.map(({ operationId }) => operationId).toSorted()).toEqual(
      ROWS.map(({ operationId }) => operationId).toSorted(),
    );
  },
);

describe.each(ROWS)("$method $path", ({ operationId, method, path, body, done }) => {
  const write = (tag: string, header = "if-match") => shop.send(method, path, body, { [header]: tag });
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

  test("is refused with 412 for the version in If-None-Match, and changes nothing", async () => {
    const present = (await read()).headers.get("etag") ?? "";
    const version = /^"v(\d+)\./.exec(present)?.[1];
    const product = (await shop.send("GET", `/api/products/${operationId}`)).headers.get("etag") ?? "";
    const before = stored();
    for (const tags of [
      "*",
      " * ",
      present,
      product,
      `W/${present}`,
      present.replace('.i"', '.g"'),
      `"v${version}"`,
      `"v${version}.shoe.other.i"`,
      `"x", ${present}`,
      `${present},"v999"`,
      ` ,W/"v1", "x" ,${present} , `,
    ]) {
      const refused = await write(tags, "if-none-match");
      expect([tags, refused.status, refused.body?.type, refused.body?.detail]).toEqual([
        tags,
        412,
        "/problems/precondition-failed",
        "the item exists with a version that If-None-Match names",
      ]);
    }
    // Both conditions must hold.
    const both = await shop.send(method, path, body, { "if-match": present, "if-none-match": present });
    expect([both.status, stored()]).toEqual([412, before]);
  });

  test("is 404, not 412, where there is no shoe", async () => {
    const absent = path.replace(`/${operationId}`, "/absent");
    for (const headers of [{ "if-none-match": "*" }, { "if-none-match": '"v1"' }, { "if-match": "*" }]) {
      const answer = await shop.send(method, absent, body, headers);
      expect([headers, answer.status]).toEqual([headers, 404]);
    }
  });

  test("is done for the present version", async () => {
    const before = stored();
    const present = (await read()).headers.get("etag") ?? "";
    const answer = await shop.send(method, path, body, {
      "if-match": `W/${present}`,
      "if-none-match": '"v0", "v999", "other", *x, v1',
    });
    expect(answer.status).toBe(done);
    expect(stored()).not.toEqual(before);
  });
});

test.each([
  ["If-Match", 412],
  ["If-None-Match", 200],
])("at most 20 tags may be given in %s", async (header, done) => {
  const write = (count: number) => {
    const tags = Array.from({ length: count }, (_, index) => `"v${1_000 + index}"`).join(", ");
    return shop.send("PUT", "/api/products/changeProduct", { price: 9 }, { [header]: tags });
  };
  expect((await write(20)).status).toBe(done);
  const refused = await write(21);
  expect([refused.status, refused.body.detail]).toEqual([400, `${header} must have at most 20 tags`]);
});

// What is no entity tag of ours names no version: If-Match refuses the write, If-None-Match allows it.
test.each([
  "",
  ",",
  "v2",
  "2",
  '"2"',
  '"v"',
  '"v-2"',
  '"v 2"',
  '"V2"',
  '"v2x"',
  '"v02e0"',
  '"v0x2"',
  '"v2"x',
  'x"v2"',
  'w/"v2"',
  'W/ "v2"',
  'W/W/"v2"',
  "'v2'",
  '"v2',
  'v2"',
  '""v2""',
  '"v2.shoe',
  '"v2";"v3"',
  '"v2" "v3"',
  '"*"',
  "**",
  "W/*",
  '"v9007199254740993"',
  '"v99999999999999999999"',
  '"v\u00b2"',
  "null",
])("%j names no version", async (tags) => {
  const write = (header: string) =>
    shop.send("PUT", "/api/products/changeProduct", { price: 9 }, { [header]: tags });
  expect((await write("If-Match")).status).toBe(412);
  expect((await write("If-None-Match")).status).toBe(200);
});
