// Placing over HTTP: who may order, what an order holds, and what its tables say.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { addKey } from "../accounts/keys.ts";
import { makeAdminOf } from "../testing/accounts.ts";
import {
  askFor,
  GUEST,
  guestOrder,
  openTestGateway,
  order,
  ordersIn,
  pairsOf,
  paymentOf,
  stockIn,
} from "../testing/orders.ts";
import { forge, type Person, signIn, signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop, shoe } from "../testing/shop.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const SETTINGS = {
  OPEN_ORDERS_MAX: "0",
  OPEN_ORDERS_ADDRESS_MAX: "0",
  SHIPPING:
    '[{"method":"post","name":"Post","countries":["DE","AT"],"price":4.9,"freeFrom":200},{"method":"pickup","name":"Pick-up","price":0}]',
  TAX_RATES: '{"DE":19}',
};
const ADDRESS = { street: "Way 1", city: "Köln", country: "DE" };
const { gateway, asked } = openTestGateway(async ({ orderId }) => paymentOf("authorized", orderId));
let shop: ObservedShop;
let customer: Person;
let admin: Person;
beforeAll(async () => {
  const drafts = [
    shoe("plain", { title: "Plain", priceCents: 9_999, sizes: [{ size: "", stock: 500 }] }),
    shoe("sized", { title: "Sized", sizes: ["41", "XL"].map((size) => ({ size, stock: 500 })) }),
  ];
  shop = await openObservedShop(drafts, false, { now: () => NOW, settings: SETTINGS, gateway });
  customer = await signUp(shop, "Ada Lovelace");
  admin = await signIn(shop, await makeAdminOf(shop.db, await signUp(shop)));
});
afterAll(() => shop.close());

const rows = (sql: string, id: string) => shop.db.read.all(sql, id);
const ITEMS = { items: [{ productId: "plain", quantity: 1 }] };

describe("an order", () => {
  test("of a customer: its lines, totals and address as stored, and its payment", async () => {
    const before = pairsOf(shop.db, "sized");
    const { status, headers, body } = await order(
      shop,
      {
        items: [
          { productId: "sized", size: "xl", quantity: 1 },
          { productId: "plain", quantity: 1 },
          { productId: "sized", size: "XL", quantity: 2 },
        ],
        shippingAddress: { ...ADDRESS, street2: "", zip: " 50667 " },
        userId: "me",
      },
      { token: customer.token },
    );
    expect(status).toBe(201);
    const { id, number } = body.data;
    expect(headers.get("location")).toBe(`/api/orders/${id}`);
    expect(headers.get("cache-control")).toBe("private, no-store");
    expect(headers.get("insole-version")).toMatch(/^[\w-]+\.\d+\./);
    expect(body).toEqual({
      success: true,
      data: {
        id,
        number,
        userId: customer.id,
        email: customer.email,
        status: "confirmed",
        items: [
          { productId: "sized", productName: "Sized", size: "XL", quantity: 3, price: 50 },
          { productId: "plain", productName: "Plain", size: "", quantity: 1, price: 99.99 },
        ],
        totals: { items: 249.99, shipping: 0, tax: 39.91, total: 249.99 },
        totalAmount: 249.99,
        currency: "USD",
        shippingAddress: {
          ...ADDRESS,
          name: "Ada Lovelace",
          street2: null,
          state: null,
          zip: "50667",
          phone: null,
        },
        shippingMethod: "post",
        paymentMethod: "card",
        payment: { status: "authorized", reference: `test-${id}` },
        createdAt: "2026-03-01T12:00:00.000Z",
        updatedAt: "2026-03-01T12:00:00.000Z",
      },
    });
    expect(pairsOf(shop.db, "sized")).toBe(before - 3);
    expect(asked.at(-1)).toEqual({
      orderId: id,
      amountCents: 24_999,
      currency: "USD",
      token: null,
      returnUrl: `/orders/${id}`,
    });
    expect(
      (await askFor(shop, "GET", `/v1/orders/${id}`, undefined, { token: customer.token })).body,
    ).toEqual(body);
  });

  test("writes one history, one receipt and one alert, which wait for the payment", async () => {
    const { id } = (await order(shop, guestOrder("plain"))).body.data;
    const ofOrder = "number = (SELECT number FROM orders WHERE id = ?)";
    expect(rows(`SELECT position, status, changed_by FROM order_history WHERE ${ofOrder}`, id)).toEqual([
      [1, "pending", "customer"],
      [2, "confirmed", "gateway"],
    ]);
    expect(rows(`SELECT kind, recipient, state FROM outbox WHERE ${ofOrder} ORDER BY seq`, id)).toEqual([
      ["receipt", GUEST, "due"],
      ["alert", null, "due"],
    ]);
    const [[data]] = rows(`SELECT data FROM outbox WHERE kind = 'alert' AND ${ofOrder}`, id) as [[string]];
    expect(JSON.parse(data)).toMatchObject({
      id,
      items: [{ productName: "Plain" }],
      totals: { total: 99.99 },
    });
    expect(data).not.toContain("accessToken");
  });

  test("of a guest comes with the token that opens it, and nothing else does", async () => {
    const { status, body } = await order(shop, guestOrder("plain"));
    expect([status, body.data.userId, body.data.email]).toEqual([201, null, GUEST]);
    const { id, number, accessToken } = body.data;
    expect(accessToken).toMatch(/^[\w-]{43}$/);
    const other = (await order(shop, guestOrder("plain"))).body.data.accessToken;
    const open = (headers: Record<string, string>, of = id) =>
      askFor(shop, "GET", `/api/orders/${of}`, undefined, { headers });
    expect((await open({ "order-token": accessToken })).body.data.id).toBe(id);
    expect((await open({ "order-token": other })).status).toBe(404);
    expect((await open({ "order-token": GUEST })).status).toBe(404);
    expect((await open({ "order-token": accessToken }, number)).status).toBe(404);
    expect((await open({})).status).toBe(401);
    const asPerson = { headers: {}, token: customer.token };
    expect((await askFor(shop, "GET", `/api/orders/${id}`, undefined, asPerson)).status).toBe(404);
    const asAdmin = { headers: {}, token: admin.token };
    expect((await askFor(shop, "GET", `/api/orders/${id}`, undefined, asAdmin)).body.data.id).toBe(id);
  });

  test("on an invoice waits for an admin: no gateway, and its mails are due", async () => {
    const count = asked.length;
    const sent = { ...ITEMS, paymentMethod: "invoice", shippingAddress: ADDRESS };
    const { status, body } = await order(shop, sent, { token: customer.token });
    expect([status, body.data.status, body.data.payment]).toEqual([
      201,
      "pending",
      { status: "none", reference: null },
    ]);
    expect(body.data.totals).toEqual({ items: 99.99, shipping: 4.9, tax: 16.74, total: 104.89 });
    expect(asked).toHaveLength(count);
    const outbox = "SELECT state FROM outbox WHERE number = (SELECT number FROM orders WHERE id = ?)";
    expect(rows(outbox, body.data.id)).toEqual([["due"], ["due"]]);
    expect(
      rows(
        "SELECT kind FROM payment_requests WHERE number = (SELECT number FROM orders WHERE id = ?)",
        body.data.id,
      ),
    ).toEqual([]);
  });

  test("without an address needs none, has no tax, and goes by what delivers everywhere", async () => {
    const { body } = await order(shop, guestOrder("plain"));
    expect(body.data).toMatchObject({
      shippingAddress: null,
      shippingMethod: "pickup",
      totals: { items: 99.99, shipping: 0, tax: 0, total: 99.99 },
    });
  });
});

describe("who may order", () => {
  const expired = () => forge({ sub: customer.id, exp: 1 }, "another secret");
  const body = guestOrder("plain");
  const bad = { items: [] };
  const named = (given: Record<string, unknown>) => ({ ...body, ...given });
  const person = () => ({ token: customer.token });
  const anonymous = () => ({});
  const forged = () => ({ token: expired() });
  const other = () => admin.id;
  type Row = [string, () => Record<string, unknown> | string, () => { token?: string }, number, string[]];
  test.each<Row>([
    ["anonymous", () => ITEMS, anonymous, 401, []],
    ["anonymous with a bad body: before any 400", () => bad, anonymous, 401, []],
    ["anonymous with text that is not JSON", () => "{", anonymous, 401, []],
    ["anonymous with a list", () => "[]", anonymous, 401, []],
    ["an empty e-mail address", () => named({ email: " " }), anonymous, 401, []],
    ["an e-mail address that is a number", () => named({ email: 5 }), anonymous, 401, []],
    ["a guest with `me` as userId", () => named({ userId: "me" }), anonymous, 401, []],
    ["a guest with a bad e-mail address", () => named({ email: "guest" }), anonymous, 400, ["/email"]],
    ["a guest on an invoice", () => named({ paymentMethod: "invoice" }), anonymous, 400, ["/paymentMethod"]],
    ["a guest for an account", () => named({ userId: other() }), anonymous, 403, ["/userId"]],
    ["a bad token is no guest", () => body, forged, 401, []],
    ["a bad token with a bad body", () => bad, forged, 401, []],
    ["a customer for another", () => named({ userId: other() }), person, 403, ["/userId"]],
    [
      "an admin for another",
      () => named({ userId: customer.id }),
      () => ({ token: admin.token }),
      403,
      ["/userId"],
    ],
    ["a customer as me", () => named({ userId: "me" }), person, 201, []],
    ["a customer by id", () => named({ userId: customer.id }), person, 201, []],
  ])("%s", async (_, sent, as, status, pointers) => {
    const [stock, count] = [stockIn(shop.db), ordersIn(shop.db)];
    const answer = await order(shop, sent(), as());
    expect([
      answer.status,
      answer.body.errors?.map((each: { pointer: string }) => each.pointer) ?? [],
    ]).toEqual([status, pointers]);
    expect(answer.headers.has("www-authenticate")).toBe(status === 401);
    if (status === 201) expect(answer.body.data.userId).toBe(customer.id);
    else expect([stockIn(shop.db), ordersIn(shop.db)]).toEqual([stock, count]);
  });

  test("an admin's key has no account to order with", async () => {
    const token = await addKey(shop.db, "till", NOW);
    expect((await order(shop, body, { token })).status).toBe(403);
  });

  test("an account that was removed meanwhile gets 401, and takes nothing", async () => {
    const gone = await signUp(shop);
    expect((await order(shop, ITEMS, { token: gone.token })).status).toBe(201);
    const stock = stockIn(shop.db);
    await shop.db.write([{ sql: "DELETE FROM users WHERE id = ?", args: [gone.id] }]);
    expect((await order(shop, ITEMS, { token: gone.token })).status).toBe(401);
    expect(stockIn(shop.db)).toEqual(stock);
  });
});
