// The outcomes of an order by its payment: the gateway's answers, no answer, and an answer that could not be stored.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Database, Statement } from "../../db/database.ts";
import { DatabaseError, type DatabaseErrorKind } from "../../db/errors.ts";
import { must } from "../../db/must.ts";
import {
  askFor,
  byToken,
  guestOrder,
  openTestGateway,
  order,
  ordersIn,
  pairsOf,
  paymentOf,
  settleElsewhere,
  stockIn,
} from "../testing/orders.ts";
import { type ObservedShop, openObservedShop, shoe } from "../testing/shop.ts";

const UNLIMITED = { OPEN_ORDERS_MAX: "0", OPEN_ORDERS_ADDRESS_MAX: "0" };
/** Replacements of the gateway's answer and of writes, for one test. */
let authorise: typeof byToken;
let write: (
  statements: Statement[],
  send: () => ReturnType<Database["write"]>,
) => ReturnType<Database["write"]>;
let canRead: boolean;
const { gateway, asked } = openTestGateway((request, signal) => authorise(request, signal));
let shop: ObservedShop;
beforeAll(async () => {
  const before = (file: Database): Database => ({
    ...file,
    write: (statements, id) => write(statements, () => file.write(statements, id)),
    onPrimary: (work) =>
      canRead ? file.onPrimary(work) : Promise.reject(new DatabaseError("unreachable", "cut")),
  });
  shop = await openObservedShop([shoe("a", { sizes: [{ size: "", stock: 500 }] })], false, {
    settings: UNLIMITED,
    gateway,
    before,
  });
});
afterAll(() => shop.close());
beforeEach(() => {
  authorise = byToken;
  write = (_, send) => send();
  canRead = true;
  asked.length = 0;
  shop.logged.length = 0;
});

let made = 0;
const key = () => `key ${++made}`;
const OF_ORDER = "number = (SELECT number FROM orders WHERE id = ?)";
const all = (sql: string, id: string) => shop.db.read.all<string[]>(`${sql} WHERE ${OF_ORDER}`, id).flat();
/** The rows of an order. */
const stateOf = (id: string) => ({
  order: all("SELECT status, payment_status FROM orders", id),
  mails: all("SELECT DISTINCT state FROM outbox", id),
  request: all("SELECT state FROM payment_requests", id),
});
const logged = () => shop.logged.map((line) => JSON.parse(line)).filter(({ level }) => level !== "info");
const isSettling = (statements: Statement[]) => statements[0]?.sql.startsWith("UPDATE orders SET") === true;
const lost = (kind: DatabaseErrorKind) => new DatabaseError(kind, "the commit is lost");

describe("the gateway's answer decides:", () => {
  const CONFIRMED = { order: ["confirmed", "authorized"], mails: ["due"], request: ["done"] };
  const CANCELLED = { order: ["cancelled", "declined"], mails: ["withdrawn"], request: ["refused"] };
  const pending = (status: string) => ({ order: ["pending", status], mails: ["held"], request: ["due"] });
  test.each([
    ["authorised", "ok", 201, CONFIRMED, 1],
    ["declined", "declined", 402, CANCELLED, 0],
    ["to be continued on its page", "redirect", 201, pending("requires_action"), 1],
    ["still processing, which confirms no mail", "processing", 201, pending("unknown"), 1],
    ["voided before it arrived", "voided", 402, { ...CANCELLED, order: ["cancelled", "voided"] }, 0],
  ])("%s", async (_, paymentToken, status, state, taken) => {
    const pairs = pairsOf(shop.db, "a");
    const count = ordersIn(shop.db);
    const answer = await order(shop, guestOrder("a", { paymentToken }));
    const id = answer.body.data?.id ?? answer.body.orderId;
    expect([answer.status, stateOf(id), pairsOf(shop.db, "a"), ordersIn(shop.db)]).toEqual([
      status,
      state,
      pairs - taken,
      count + 1,
    ]);
    if (status === 201) expect(answer.body.data.status).toBe(state.order[0]);
    else expect([answer.body.type, answer.body.data]).toEqual(["/problems/payment-declined", undefined]);
  });

  test("it is asked only for what is reserved: the order stands and its pair is taken by then", async () => {
    const pairs = pairsOf(shop.db, "a");
    const seen: unknown[] = [];
    authorise = (request, signal) => {
      seen.push(stateOf(request.orderId).order, pairsOf(shop.db, "a"));
      return byToken(request, signal);
    };
    expect((await order(shop, guestOrder("a"))).status).toBe(201);
    expect(seen).toEqual([["pending", "authorizing"], pairs - 1]);
    await shop.db.write([{ sql: "UPDATE sizes SET stock = 1" }]);
    const two = { items: [{ productId: "a", quantity: 2 }] };
    expect((await order(shop, guestOrder("a", two))).status).toBe(409);
    expect((await order(shop, guestOrder("a", { expectedTotal: 1 }))).status).toBe(409);
    await shop.db.write([{ sql: "UPDATE sizes SET stock = 500" }]);
    expect(asked).toHaveLength(1);
  });

  test("it is asked for the stored total, once", async () => {
    const { id, totals } = (await order(shop, guestOrder("a"))).body.data;
    expect(all("SELECT total_cents FROM orders", id)).toEqual([totals.total * 100] as never);
    expect(asked.map(({ amountCents }) => amountCents)).toEqual([totals.total * 100]);
  });
});

describe("without an answer the order waits:", () => {
  test.each<[string, () => never | Promise<never>]>([
    ["an error", () => Promise.reject(new Error("no route to the bank for token tok_of_a_card"))],
    [
      "an error before anything is sent",
      () => {
        throw new Error("no route to the bank for token tok_of_a_card");
      },
    ],
  ])("%s is logged with its reason, and without the payment token", async (_, fail) => {
    authorise = fail;
    const answer = await order(shop, guestOrder("a", { paymentToken: "tok_of_a_card" }));
    const { id, status, payment } = answer.body.data;
    expect([answer.status, status, payment]).toEqual([
      201,
      "pending",
      { status: "unknown", reference: null },
    ]);
    expect(stateOf(id)).toEqual({ order: ["pending", "unknown"], mails: ["held"], request: ["due"] });
    expect(logged()).toMatchObject([
      { level: "warn", message: "the payment gateway gave no answer", orderId: id, gateway: "test" },
    ]);
    expect(logged()[0].reason).toStartWith("no route to the bank for token ***");
  });

  test("what another process settled meanwhile is the answer", async () => {
    authorise = async ({ orderId }) => {
      await settleElsewhere(shop.db, orderId, paymentOf("authorized", orderId));
      throw new Error("too late");
    };
    expect((await order(shop, guestOrder("a"))).body.data).toMatchObject({
      status: "confirmed",
      payment: { status: "authorized" },
    });
    authorise = async ({ orderId }) => {
      await settleElsewhere(shop.db, orderId, paymentOf("declined", orderId));
      throw new Error("too late");
    };
    expect((await order(shop, guestOrder("a"))).status).toBe(402);
  });
});

describe("an answer that could not be stored leaves the order as it stands:", () => {
  const kinds: DatabaseErrorKind[] = ["overloaded", "busy", "unreachable", "unwritable", "uncertain"];
  const rows = kinds.flatMap((kind) => ["ok", "declined", "redirect"].map((token) => [kind, token] as const));
  test.each(rows)(
    "%s after %s: pending, never as if it were paid, and settled later",
    async (kind, paymentToken) => {
      write = (statements, send) => (isSettling(statements) ? Promise.reject(lost(kind)) : send());
      const sent = { key: key() };
      const body = guestOrder("a", { paymentToken });
      const answer = await order(shop, body, sent);
      expect([answer.status, answer.body.data.status, answer.body.data.payment.status]).toEqual([
        201,
        "pending",
        "unknown",
      ]);
      const { id } = answer.body.data;
      expect(stateOf(id)).toEqual({ order: ["pending", "authorizing"], mails: ["held"], request: ["due"] });
      expect(logged()).toMatchObject([{ orderId: id, reason: "the commit is lost" }]);
      expect((await order(shop, body, sent)).status).toBe(409);
      write = (_, send) => send();
      const request = must(asked[0], "the request to the gateway");
      await settleElsewhere(shop.db, id, await byToken(request, AbortSignal.timeout(1_000)));
      expect((await order(shop, body, sent)).status).toBe(paymentToken === "declined" ? 402 : 201);
      expect(asked).toHaveLength(1);
    },
  );

  test.each([
    ["ok", 201],
    ["declined", 402],
  ])("stored after all, though that was lost (%s): the answer says so", async (paymentToken, status) => {
    write = async (statements, send) => {
      const results = await send();
      if (isSettling(statements)) throw lost("uncertain");
      return results;
    };
    expect((await order(shop, guestOrder("a", { paymentToken }))).status).toBe(status);
  });

  test.each(["ok", "declined"])("and cannot be read either (%s): as it was placed", async (paymentToken) => {
    write = (statements, send) => {
      if (!isSettling(statements)) return send();
      canRead = false;
      return Promise.reject(lost("unreachable"));
    };
    const answer = await order(shop, guestOrder("a", { paymentToken }));
    expect([answer.status, answer.body.data.status, answer.body.data.payment.status]).toEqual([
      201,
      "pending",
      "unknown",
    ]);
    expect(logged().map(({ reason }) => reason)).toEqual(["the commit is lost", "cut"]);
  });
});

describe("a reservation", () => {
  test.each<[DatabaseErrorKind, number]>([
    ["overloaded", 503],
    ["unreachable", 503],
    ["unwritable", 503],
    ["failed", 503],
  ])("that is refused as %s takes nothing, and the gateway is not asked", async (kind, status) => {
    const stock = stockIn(shop.db);
    write = () => Promise.reject(lost(kind));
    const answer = await order(
      shop,
      guestOrder("a", { cartId: "a cart of these tests".replaceAll(" ", "-") }),
    );
    expect([answer.status, answer.headers.has("retry-after"), asked.length]).toEqual([status, true, 0]);
    expect(stockIn(shop.db)).toEqual(stock);
  });

  test("whose outcome is lost is 504, and with a key under way until it is settled", async () => {
    const fail = async (_: Statement[], send: () => Promise<unknown>): Promise<never> => {
      await send();
      throw lost("uncertain");
    };
    write = fail;
    const answer = await order(shop, guestOrder("a"));
    expect([answer.status, answer.body.type, answer.headers.has("retry-after")]).toEqual([
      504,
      "/problems/outcome-unknown",
      true,
    ]);
    const sent = { key: key() };
    expect((await order(shop, guestOrder("a"), sent)).body.type).toBe("/problems/request-under-way");
    write = (_, send) => send();
    const [id = ""] = shop.db.read.get<[string]>("SELECT id FROM orders ORDER BY number DESC LIMIT 1") ?? [];
    expect(stateOf(id).order).toEqual(["pending", "authorizing"]);
    await settleElsewhere(shop.db, id, paymentOf("declined", id));
    expect((await order(shop, guestOrder("a"), sent)).body).toMatchObject({ status: 402, orderId: id });
    expect(asked).toHaveLength(0);
  });
});

test("a payment token is in no table and in no line of the log, after each outcome", async () => {
  const secret = "4242424242424242-of-a-card";
  authorise = async (request, signal) => {
    if (asked.length === 3) throw new Error(`${request.token} is not known`);
    return byToken({ ...request, token: asked.length === 2 ? "declined" : null }, signal);
  };
  for (const status of [201, 402, 201])
    expect((await order(shop, guestOrder("a", { paymentToken: secret }), { key: key() })).status).toBe(
      status,
    );
  expect((await order(shop, { ...guestOrder("a"), paymentToken: secret, items: [] })).status).toBe(400);
  expect((await order(shop, guestOrder("a", { paymentToken: `${secret}${" ".repeat(255)}` }))).status).toBe(
    400,
  );
  const tables = shop.db.read.all<[string]>("SELECT name FROM sqlite_schema WHERE type = 'table'").flat();
  const dump = tables.map((table) => JSON.stringify(shop.db.read.all(`SELECT * FROM "${table}"`)));
  expect(tables).toContain("idempotency");
  for (const text of [...dump, ...shop.logged]) expect(text).not.toContain(secret.slice(0, 12));
  expect(asked.map(({ token }) => token)).toEqual(Array(3).fill(secret));
});

test("an answer about an order is the owner's alone: not kept by any cache, and in no public answer", async () => {
  const given = {
    email: "only.here@shop.example",
    shippingAddress: { street: "Secret Way 7", city: "X", country: "DE" },
  };
  const paths = ["/api/shoes", "/api/shoes/a", "/api/categories", "/images/a.svg"];
  const read = async (headers: Record<string, string>) =>
    Promise.all(paths.map(async (path) => (await shop.get(path, { headers })).text()));
  const placed = await order(shop, guestOrder("a", given));
  const { id, accessToken } = placed.body.data;
  const own = { "order-token": accessToken };
  const found = await askFor(shop, "GET", `/api/orders/${id}`, undefined, { headers: own });
  for (const { headers } of [placed, found])
    expect(["cache-control", "etag", "access-control-allow-origin"].map((name) => headers.get(name))).toEqual(
      ["private, no-store", null, null],
    );
  const [plain, personal] = [await read({}), await read({ ...own, cookie: `insole_cart=${accessToken}` })];
  expect(personal).toEqual(plain);
  for (const text of plain)
    for (const secret of [id, accessToken, "only.here", "Secret Way"]) expect(text).not.toContain(secret);
});
