// Many orders at once: the last pairs, numbers, limits, and what changes between the plan of an order and its commit.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Database, Statement } from "../../db/database.ts";
import { until } from "../../db/until.ts";
import {
  byToken,
  guestOrder,
  openTestGateway,
  order,
  ordersIn,
  pairsOf,
  stockIn,
} from "../testing/orders.ts";
import { ask, PASSWORD, type Person, signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop, shoe } from "../testing/shop.ts";

const MOST = { own: 3, address: 6 };
let held: Promise<unknown>;
let release: () => void;
const { gateway, asked } = openTestGateway(async (request, signal) => {
  if (request.token?.startsWith("held")) await held;
  return byToken({ ...request, token: request.token?.replace("held ", "") ?? null }, signal);
});
/** Done once before the next reservation is committed. */
let beforeCommit: (() => Promise<unknown>) | null;
/** Done once before the next read on the primary. */
let beforeRead: (() => Promise<unknown>) | null;
let shop: ObservedShop;
let file: Database;
beforeAll(async () => {
  const before = (plain: Database): Database => {
    file = plain;
    return {
      ...plain,
      async write(statements: Statement[], id) {
        const first = beforeCommit;
        beforeCommit = null;
        await first?.();
        return plain.write(statements, id);
      },
      async onPrimary(work) {
        const first = beforeRead;
        beforeRead = null;
        await first?.();
        return plain.onPrimary(work);
      },
    };
  };
  const drafts = [
    shoe("few", { sizes: ["41", "42"].map((size) => ({ size, stock: 5 })) }),
    shoe("many", { sizes: [{ size: "", stock: 100_000 }] }),
    shoe("changing", { sizes: [{ size: "41", stock: 100 }] }),
  ];
  shop = await openObservedShop(drafts, false, {
    settings: { OPEN_ORDERS_MAX: String(MOST.own), OPEN_ORDERS_ADDRESS_MAX: String(MOST.address) },
    trustProxy: ["loopback"],
    gateway,
    before,
  });
});
afterAll(() => shop.close());
beforeEach(() => {
  beforeCommit = null;
  beforeRead = null;
  asked.length = 0;
  ({ promise: held, resolve: release } = Promise.withResolvers<void>());
});

let made = 0;
const newEmail = () => `buyer${++made}@shop.example`;
const newAddress = () => ({ headers: { "x-forwarded-for": `203.0.113.${++made % 250}` } });
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const tally = (answers: { status: number }[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};
const sql = (text: string) => file.write([{ sql: text }]);

describe("the last pairs", () => {
  test("are sold once: of 40 buyers of 5 pairs in each of two sizes, 10 get one, and the rest take nothing", async () => {
    const count = ordersIn(shop.db);
    const answers = await Promise.all(
      times(40, (index) =>
        order(
          shop,
          guestOrder("few", {
            email: newEmail(),
            items: [{ productId: "few", size: index % 2 ? "41" : "42", quantity: 1 }],
          }),
        ),
      ),
    );
    expect(tally(answers)).toEqual({ 201: 10, 409: 30 });
    expect([pairsOf(shop.db, "few"), ordersIn(shop.db), asked.length]).toEqual([0, count + 10, 10]);
    for (const { status, body } of answers)
      if (status === 409)
        expect([body.type, body.errors]).toEqual([
          "/problems/out-of-stock",
          [{ pointer: "/items/0/quantity", detail: "0 left" }],
        ]);
  });

  test("of two sizes are taken together or not at all", async () => {
    await sql("UPDATE sizes SET stock = iif(size = '41', 3, 0) WHERE size IN ('41', '42') AND shoe = 1");
    const stock = stockIn(shop.db);
    const both = ["41", "42"].map((size) => ({ productId: "few", size, quantity: 1 }));
    const answers = await Promise.all(
      times(8, () => order(shop, guestOrder("few", { email: newEmail(), items: both }))),
    );
    expect(tally(answers)).toEqual({ 409: 8 });
    expect(answers[0]?.body.errors).toEqual([{ pointer: "/items/1/quantity", detail: "0 left" }]);
    expect(stockIn(shop.db)).toEqual(stock);
  });
});

test("numbers are made where the order is: unique, without a gap, and none is spent on a refusal", async () => {
  const numbers = () => shop.db.read.all<[number]>("SELECT number FROM orders ORDER BY number").flat();
  const before = numbers();
  const answers = await Promise.all(
    times(60, (index) =>
      order(
        shop,
        guestOrder(index % 3 ? "many" : "few", {
          email: newEmail(),
          items: [
            { productId: index % 3 ? "many" : "few", quantity: 1, ...(index % 3 ? {} : { size: "42" }) },
          ],
        }),
      ),
    ),
  );
  expect(tally(answers)).toEqual({ 201: 40, 409: 20 });
  const placed = answers.filter(({ status }) => status === 201).map(({ body }) => Number(body.data.number));
  const first = (before.at(-1) ?? 10_000) + 1;
  expect(placed.sort((a, b) => a - b)).toEqual(times(40, (index) => first + index));
  expect(numbers()).toHaveLength(before.length + 40);
  await expect(sql(`UPDATE orders SET number = ${first} WHERE number = ${first + 1}`)).rejects.toThrow();
});

describe("what changes between the plan and the commit", () => {
  const LINE = { productId: "changing", size: "41", quantity: 2 };
  const place = (given: Record<string, unknown> = {}) =>
    order(shop, guestOrder("changing", { email: newEmail(), items: [LINE], ...given }));
  const price = (cents: number) => () =>
    sql(`UPDATE shoes SET price_cents = ${cents} WHERE shoe_id = 'changing'`);
  const stock = (pairs: number) => () => sql(`UPDATE sizes SET stock = ${pairs} WHERE shoe = 3`);
  beforeEach(async () => {
    await price(5_000)();
    await stock(100)();
  });

  test("another buyer was quicker: 409 with what is left, nothing taken", async () => {
    beforeCommit = stock(1);
    const answer = await place();
    expect([answer.status, answer.body.detail]).toEqual([409, "changing size 41: 1 left"]);
    expect([pairsOf(shop.db, "changing"), asked.length]).toEqual([1, 0]);
  });

  test("the price rose above what was shown: 409 with today's total, nothing taken", async () => {
    beforeCommit = price(6_000);
    const answer = await place({ expectedTotal: 100 });
    expect([answer.status, answer.body.detail]).toEqual([409, "the total is 120.00 today"]);
    expect([pairsOf(shop.db, "changing"), asked.length]).toEqual([100, 0]);
  });

  test("the price rose without an expected total, or fell: the order has the price of its commit", async () => {
    beforeCommit = price(6_000);
    expect((await place()).body.data.totals.total).toBe(120);
    beforeCommit = price(4_000);
    expect((await place({ expectedTotal: 120 })).body.data.totals.total).toBe(80);
    expect(asked.map(({ amountCents }) => amountCents)).toEqual([12_000, 8_000]);
  });

  test("the size went: 400 with its place, nothing taken", async () => {
    const all = stockIn(shop.db);
    const size = shop.db.read.get("SELECT shoe, size, position FROM sizes WHERE shoe = 3");
    beforeCommit = () => sql("DELETE FROM sizes WHERE shoe = 3");
    const answer = await place();
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, "/items/0/size"]);
    await file.write([
      { sql: "INSERT INTO sizes (shoe, size, position, stock) VALUES (?, ?, ?, 100)", args: size ?? [] },
    ]);
    expect([stockIn(shop.db), asked.length]).toEqual([all, 0]);
  });

  test("the order of its cart was cancelled when it was looked for: a new order", async () => {
    const [email, cartId] = [newEmail(), `a-cart-that-comes-back-${made}`];
    const first = await place({ email, cartId, paymentToken: "redirect" });
    beforeCommit = async () => {
      beforeRead = () => sql("UPDATE orders SET status = 'cancelled' WHERE status = 'pending'");
    };
    const second = await place({ email, cartId });
    expect([first.status, second.status, second.body.data.status]).toEqual([201, 201, "confirmed"]);
    expect(second.body.data.id).not.toBe(first.body.data.id);
    expect(pairsOf(shop.db, "changing")).toBe(98);
  });

  test("everything changes each time: 503 after some attempts, nothing taken", async () => {
    let cents = 5_000;
    const change = async () => {
      cents += 100;
      await price(cents)();
      beforeCommit = change;
    };
    beforeCommit = change;
    const answer = await place();
    expect([answer.status, answer.headers.get("retry-after"), asked.length]).toEqual([503, "1", 0]);
    expect(pairsOf(shop.db, "changing")).toBe(100);
  });
});

describe("orders that wait for their payment", () => {
  const OWN = `${MOST.own} orders of this account or e-mail address wait for their payment, which is the most: pay or cancel one`;
  const ADDRESS = `${MOST.address} orders of this client address wait for their payment, which is the most: pay or cancel one`;
  const wait = (email: string, at = newAddress(), paymentToken = "redirect") =>
    order(shop, guestOrder("many", { email, paymentToken }), at);
  const finish = (step: string) =>
    sql(`UPDATE orders SET status = '${step}', payment_status = iif('${step}' = 'cancelled', 'voided', 'authorized'), client = NULL
      WHERE status = 'pending'`);
  beforeEach(() => finish("cancelled"));

  test("are limited for one guest, however the address is written, and not for another", async () => {
    const email = newEmail();
    for (const spelling of [email, email.toUpperCase(), ` ${email} `])
      expect((await wait(spelling)).status).toBe(201);
    const stock = stockIn(shop.db);
    const refused = await wait(email);
    expect([
      refused.status,
      refused.body.type,
      refused.body.detail,
      refused.headers.get("retry-after"),
    ]).toEqual([429, "/problems/too-many-open-orders", OWN, "60"]);
    expect([stockIn(shop.db), asked.length]).toEqual([stock, 3]);
    expect((await wait(newEmail())).status).toBe(201);
  });

  test("are limited for all guests of one client address, and not for another", async () => {
    const at = newAddress();
    for (const _ of times(MOST.address, String)) expect((await wait(newEmail(), at)).status).toBe(201);
    const refused = await wait(newEmail(), at);
    expect([refused.status, refused.body.detail]).toEqual([429, ADDRESS]);
    expect((await wait(newEmail())).status).toBe(201);
  });

  test.each(["confirmed", "cancelled"])("count no more once they are %s", async (step) => {
    const [email, at] = [newEmail(), newAddress()];
    for (const _ of times(MOST.own, String)) expect((await wait(email, at)).status).toBe(201);
    expect((await wait(email, at)).status).toBe(429);
    await finish(step);
    expect((await wait(email, at)).status).toBe(201);
  });

  test("do not include those that were paid at once", async () => {
    const [email, at] = [newEmail(), newAddress()];
    for (const _ of times(MOST.address + 2, String)) expect((await wait(email, at, "ok")).status).toBe(201);
  });

  describe("on an invoice, in one rush of an account", () => {
    let customer: Person;
    beforeAll(async () => {
      customer = await signUp(shop);
    });

    test("never exceed the limit: it is consumed where the order is made", async () => {
      const items = [{ productId: "many", quantity: 1 }];
      const send = () =>
        order(shop, { items, paymentMethod: "invoice" }, { token: customer.token, ...newAddress() });
      const pairs = pairsOf(shop.db, "many");
      expect(tally(await Promise.all(times(20, send)))).toEqual({ 201: MOST.own, 429: 20 - MOST.own });
      expect(pairsOf(shop.db, "many")).toBe(pairs - MOST.own);
    });
  });

  test("do not include those that are being authorised; of a rush those beyond the limit are given up", async () => {
    const [email, at] = [newEmail(), newAddress()];
    for (const _ of times(MOST.own - 1, String)) expect((await wait(email, at)).status).toBe(201);
    const pairs = pairsOf(shop.db, "many");
    const rush = times(5, (index) => wait(email, at, index % 2 ? "held redirect" : "held processing"));
    await until("all are being authorised", () => asked.length === MOST.own - 1 + 5);
    release();
    const answers = await Promise.all(rush);
    expect(tally(answers)).toEqual({ 201: 1, 429: 4 });
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.map(({ body }) => [body.type, body.detail])).toEqual(
      Array(4).fill(["/problems/too-many-open-orders", OWN]),
    );
    const waiting = () => shop.db.read.get("SELECT count(*) FROM orders WHERE status = 'pending'");
    expect([waiting(), pairsOf(shop.db, "many")]).toEqual([[MOST.own], pairs - 1]);
    // Their payments are voided, and no mail is sent.
    const given = shop.db.read.all(
      `SELECT o.status, o.payment_status, r.state, (SELECT group_concat(state) FROM outbox WHERE number = o.number)
       FROM orders AS o JOIN payment_requests AS r ON r.number = o.number AND r.kind = 'void'
       ORDER BY o.number DESC LIMIT 4`,
    );
    expect(given).toEqual(Array(4).fill(["cancelled", "voided", "done", "withdrawn,withdrawn"]));
    expect((await wait(email, at, "ok")).status).toBe(429);
    expect(waiting()).toEqual([MOST.own]);
  });

  test("count for their client address also when their account was removed", async () => {
    const at = newAddress();
    for (const _ of times(MOST.address / MOST.own, String)) {
      const { id, token } = await signUp(shop);
      const items = [{ productId: "many", quantity: 1 }];
      for (const _ of times(MOST.own, String))
        expect((await order(shop, { items, paymentToken: "redirect" }, { token, ...at })).status).toBe(201);
      const removal = await ask(shop, "DELETE", `/api/users/${id}`, { token, body: { password: PASSWORD } });
      expect(removal.status).toBe(204);
    }
    const refused = await wait(newEmail(), at);
    expect([refused.status, refused.body.detail]).toEqual([429, ADDRESS]);
  });

  test("do not stand in the way of the order that a cart already became", async () => {
    const [email, at, cartId] = [newEmail(), newAddress(), `a-cart-in-the-rush-${made}`];
    const send = (given = {}) =>
      order(shop, guestOrder("many", { email, paymentToken: "redirect", ...given }), at);
    const first = await send({ cartId });
    for (const _ of times(MOST.own - 1, String)) await send();
    expect((await send()).status).toBe(429);
    const again = await send({ cartId });
    expect([again.status, again.body.data.id]).toEqual([200, first.body.data.id]);
  });
});
