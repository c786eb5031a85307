// Reading orders over HTTP: who sees which, lists with their pages and filters, lines and history, and the plans of the queries.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openHandle } from "../../db/read/reader.ts";
import { type Asker, GUEST_EMAIL, openStepShop, type Placed, type StepShop } from "../testing/order-steps.ts";

let shop: StepShop;
/** Of the owner: confirmed, shipped, cancelled and waiting, in this order. */
let own: Placed[];
let others: Placed;
let guests: Placed;

beforeAll(async () => {
  shop = await openStepShop();
  own = [];
  for (const statuses of [[], ["shipped"], ["cancelled"]]) {
    const order = await shop.place("owner");
    await shop.move(order, ...statuses);
    own.push(order);
  }
  others = await shop.place("other");
  guests = await shop.place("guest");
  own.push(await shop.place("owner", { paymentToken: "redirect" }));
});
afterAll(() => shop.close());

const list = (who: Asker, query = "", prefix = "/api") => shop.as(who, "GET", `${prefix}/orders${query}`);
const numbersOf = (answer: Awaited<ReturnType<typeof list>>) =>
  answer.body.data.map(({ number }: { number: string }) => Number(number));
const numbers = (...orders: (Placed | undefined)[]) => orders.map((order) => order?.number);

describe("a list", () => {
  test("has the caller's own, newest first, with the same bytes as each order", async () => {
    const answer = await list("owner");
    expect(answer.status).toBe(200);
    expect(numbersOf(answer)).toEqual(numbers(own[3], own[2], own[1], own[0]));
    expect(answer.body.pagination).toEqual({ page: 1, limit: 20, total: 4, pages: 1, nextCursor: null });
    const one = await shop.as("owner", "GET", `/api/orders/${own[1]?.id}`);
    expect(answer.body.data[2]).toEqual(one.body.data);
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
    expect((await list("owner", "", "/v1")).text).toBe(answer.text);
    for (const text of [shop.people.other.email, GUEST_EMAIL]) expect(answer.text).not.toContain(text);
  });

  test("in pages, by number and by cursor", async () => {
    const second = await list("owner", "?page=2&limit=3");
    expect([numbersOf(second), second.body.pagination]).toEqual([
      numbers(own[0]),
      { page: 2, limit: 3, total: 4, pages: 2, nextCursor: null },
    ]);
    const first = await list("owner", "?limit=1");
    const { nextCursor } = first.body.pagination;
    const next = await list("owner", `?limit=2&cursor=${nextCursor}`);
    expect(numbersOf(next)).toEqual(numbers(own[2], own[1]));
    expect(next.body.pagination.page).toBeNull();
    expect(numbersOf(await list("owner", "?page=9"))).toEqual([]);
  });

  const BAD = [
    "page=0",
    "limit=101",
    "cursor=x",
    "status=paid",
    "status=",
    "number=x",
    "number=0",
    "email=",
    "email=x",
  ];
  test.each([...BAD, "all=perhaps", "userId=a&userId=b"])("?%s is 400", async (query) => {
    const answer = await list("admin", `?${query}`);
    expect([answer.status, answer.body.errors[0].parameter]).toEqual([400, query.split("=")[0]]);
  });
});

describe("filters", () => {
  const owner = () => shop.people.owner.id;
  type Row = [who: Asker, query: () => string, status: number, orders: () => (Placed | undefined)[]];
  const rows: Row[] = [
    ["owner", () => "?status=cancelled", 200, () => [own[2]]],
    ["owner", () => "?userId=me", 200, () => [own[3], own[2], own[1], own[0]]],
    ["owner", () => `?userId=${owner()}&status=pending`, 200, () => [own[3]]],
    ["other", () => `?userId=${owner()}`, 403, () => []],
    ["other", () => `?number=${own[0]?.number}`, 403, () => []],
    ["owner", () => `?number=${own[0]?.number}`, 403, () => []],
    ["other", () => `?email=${shop.people.owner.email}`, 403, () => []],
    ["other", () => "?all=true", 403, () => []],
    ["anonymous", () => "?all=true", 401, () => []],
    ["anonymous", () => "", 401, () => []],
    ["guest", () => "", 401, () => []],
    ["admin", () => "", 200, () => []],
    ["admin", () => "?all=true", 200, () => [own[3], guests, others, own[2], own[1], own[0]]],
    ["admin", () => "?all=true&status=confirmed", 200, () => [guests, others, own[0]]],
    ["admin", () => "?all=true&status=cancelled&limit=1", 200, () => [own[2]]],
    ["admin", () => "?status=cancelled", 200, () => []],
    ["admin", () => `?userId=${owner()}&status=shipped`, 200, () => [own[1]]],
    ["admin", () => "?userId=nobody", 200, () => []],
    ["admin", () => `?email=${GUEST_EMAIL.toUpperCase()}`, 200, () => [guests]],
    ["admin", () => `?email=${shop.people.other.email}`, 200, () => [others]],
    ["admin", () => `?number=${guests.number}`, 200, () => [guests]],
    ["admin", () => `?number=${guests.number}&status=shipped`, 200, () => []],
    ["admin", () => "?number=9", 200, () => []],
    ["key", () => "?all=true&limit=2", 200, () => [own[3], guests]],
    ["key", () => `?number=${guests.number}`, 200, () => [guests]],
    ["key", () => "", 403, () => []],
    ["key", () => "?userId=me", 403, () => []],
  ];
  test.each(rows)("%s asks for row %#", async (who, query, status, orders) => {
    const answer = await list(who, query());
    expect(answer.status).toBe(status);
    if (status === 200) expect(numbersOf(answer)).toEqual(numbers(...orders()));
    else expect(answer.body.data).toBeUndefined();
    if (status === 403 && who !== "key")
      expect(answer.body.errors).toEqual([
        { parameter: query().slice(1).split("=")[0], detail: "may only be used by admins" },
      ]);
  });
});

describe("one order and its parts", () => {
  const PARTS = ["", "/items", "/history"];
  test.each<[Asker, owners: number, guests: number]>([
    ["owner", 200, 404],
    ["other", 404, 404],
    ["guest", 404, 200],
    ["admin", 200, 200],
    ["key", 200, 200],
    ["anonymous", 401, 401],
  ])("%s gets %d of an account's order, %d of a guest's", async (who, ofOwner, ofGuest) => {
    for (const part of PARTS)
      for (const [order, status] of [
        [own[1], ofOwner],
        [guests, ofGuest],
      ] as const) {
        const answer = await shop.as(
          who,
          "GET",
          `/api/orders/${order?.id}${part}`,
          undefined,
          {},
          {
            ...guests,
            accessToken: order?.accessToken ?? "x".repeat(43),
          },
        );
        expect([part, answer.status]).toEqual([part, status]);
        expect(answer.headers.get("cache-control")).toBe("private, no-store");
        if (status !== 200) expect(answer.text).not.toContain("@");
      }
  });

  test("an unknown order has no parts", async () => {
    for (const part of PARTS)
      expect((await shop.as("admin", "GET", `/api/orders/${crypto.randomUUID()}${part}`)).status).toBe(404);
  });

  test("lines and history", async () => {
    const items = await shop.as("owner", "GET", `/api/orders/${own[1]?.id}/items`);
    expect(items.body).toEqual({
      success: true,
      data: [{ productId: "a", productName: "Shoe a", size: "42", quantity: 2, price: 50 }],
      pagination: { page: 1, limit: 1, total: 1, pages: 1, nextCursor: null },
    });
    const history = await shop.as("owner", "GET", `/v1/orders/${own[1]?.id}/history`);
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(history.body.data).toEqual([
      { status: "pending", changedBy: "customer", at },
      { status: "confirmed", changedBy: "gateway", at },
      { status: "shipped", changedBy: "admin", at },
    ]);
    expect(history.body.pagination.total).toBe(3);
  });
});

describe("query plans: one index each, in order, without sorting", () => {
  const rows: [string, RegExp][] = [
    ["?status=shipped", /SEARCH o USING INDEX orders_by_user \(user_id=\? AND rowid<\?\)/],
    ["?userId=someone", /SEARCH o USING INDEX orders_by_user \(user_id=\? AND rowid<\?\)/],
    ["?email=a@shop.example", /SEARCH o USING INDEX orders_by_email \(email_key=\? AND rowid<\?\)/],
    ["?number=10001&status=shipped", /SEARCH o USING INTEGER PRIMARY KEY \(rowid=\?\)/],
    ["?all=true", /SEARCH o USING INTEGER PRIMARY KEY \(rowid<\?\)/],
    ["?all=true&status=cancelled", /SEARCH o USING INDEX orders_by_status \(status=\? AND rowid<\?\)/],
    ["/ID/history", /SEARCH order_history USING PRIMARY KEY \(number=\?\)/],
    ["/ID/items", /SEARCH order_lines USING PRIMARY KEY \(number=\?\)/],
  ];
  test.each(rows)("%s", async (path, mustHave) => {
    shop.ran.length = 0;
    const answer = await list("admin", path.replace("ID", own[0]?.id ?? ""));
    expect(answer.status).toBe(200);
    const handle = openHandle(shop.databasePath, 2_048);
    const asked = shop.ran.filter(({ sql }) => /FROM (orders|order_history)/.test(sql));
    const lines = asked.flatMap(({ sql, args }) => {
      const values = args.map((value) => (typeof value === "number" ? BigInt(value) : value));
      return (handle.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(values) as { detail: string }[]).map(
        ({ detail }) => detail,
      );
    });
    handle.close();
    expect(lines.filter((line) => mustHave.test(line))).not.toEqual([]);
    // The count of all orders ends at its bound.
    const mayScan = path === "?all=true" ? /^SCAN o USING COVERING INDEX/ : /^never$/;
    const wrong = lines.filter(
      (line) => /TEMP B-TREE/.test(line) || (/^SCAN (?!CONSTANT|\(sub)/.test(line) && !mayScan.test(line)),
    );
    expect(wrong).toEqual([]);
  });
});
