// Orders that are sent again: with the same Idempotency-Key, with the same cart, at the same time, and after a kill.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { until } from "../../db/until.ts";
import { readConfig } from "../config.ts";
import { main } from "../main.ts";
import {
  byToken,
  GUEST,
  guestOrder,
  openTestGateway,
  order,
  ordersIn,
  pairsOf,
  paymentOf,
  settleElsewhere,
  stockIn,
} from "../testing/orders.ts";
import { ask, type Person, signUp } from "../testing/people.ts";
import {
  type ObservedShop,
  openFolder,
  openObservedShop,
  saveAll,
  shoe,
  silentLog,
} from "../testing/shop.ts";

const UNLIMITED = { OPEN_ORDERS_MAX: "0", OPEN_ORDERS_ADDRESS_MAX: "0" };
let held: Promise<unknown>;
const { gateway, asked } = openTestGateway(async (request, signal) => {
  if (request.token === "held") await held;
  return byToken(request, signal);
});
let shop: ObservedShop;
let customer: Person;
let other: Person;
beforeAll(async () => {
  const drafts = ["a", "last", "dearer", "scarce"].map((id) =>
    shoe(id, { sizes: [{ size: "", stock: 50 }] }),
  );
  shop = await openObservedShop(drafts, false, { settings: UNLIMITED, gateway });
  customer = await signUp(shop);
  other = await signUp(shop);
});
afterAll(() => shop.close());
let release: () => void;
beforeEach(() => {
  asked.length = 0;
  ({ promise: held, resolve: release } = Promise.withResolvers<void>());
});

let made = 0;
const fresh = (what: string) => `${what}-of-these-tests-${++made}`;
const ITEMS = { items: [{ productId: "a", quantity: 1 }] };
const setStock = (shoeId: string, stock: number) =>
  shop.db.write([
    {
      sql: "UPDATE sizes SET stock = ? WHERE shoe = (SELECT id FROM shoes WHERE shoe_id = ?)",
      args: [stock, shoeId],
    },
  ]);
const rowOf = (id: string) => shop.db.read.get("SELECT * FROM orders WHERE id = ?", id);

describe("with the same Idempotency-Key", () => {
  const CASES: [string, () => { token?: string }, Record<string, unknown>, number][] = [
    ["a customer's order", () => ({ token: customer.token }), {}, 201],
    ["a guest's order", () => ({}), { email: GUEST }, 201],
    ["an order that goes on elsewhere", () => ({}), { email: GUEST, paymentToken: "redirect" }, 201],
    ["an order on an invoice", () => ({ token: customer.token }), { paymentMethod: "invoice" }, 201],
    ["a declined one", () => ({}), { email: GUEST, paymentToken: "declined" }, 402],
  ];
  test.each(CASES)("%s is answered again, and nothing happens again", async (_, as, given, status) => {
    const sent = { ...as(), key: fresh("key") };
    const first = await order(shop, { ...ITEMS, ...given }, sent);
    const after = [stockIn(shop.db), ordersIn(shop.db), asked.length];
    const again = await order(shop, { ...ITEMS, ...given }, sent);
    expect([first.status, again.status]).toEqual([status, status]);
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
    if (status === 201) expect(again.body).toEqual(first.body);
    else
      expect([again.body.orderId, again.body.type]).toEqual([
        first.body.orderId,
        "/problems/payment-declined",
      ]);
    expect([stockIn(shop.db), ordersIn(shop.db), asked.length]).toEqual(after as never);
  });

  test("another body, also another payment token, is 422", async () => {
    const key = fresh("key");
    expect((await order(shop, guestOrder("a", { paymentToken: "one" }), { key })).status).toBe(201);
    const stock = stockIn(shop.db);
    for (const body of [guestOrder("a", { paymentToken: "two" }), guestOrder("a"), guestOrder("last")])
      expect((await order(shop, body, { key })).body.type).toBe("/problems/idempotency-key-reused");
    expect(stockIn(shop.db)).toEqual(stock);
  });

  test("a key belongs to its account or guest", async () => {
    const key = fresh("key");
    const ids = [
      await order(shop, ITEMS, { token: customer.token, key }),
      await order(shop, ITEMS, { token: other.token, key }),
      await order(shop, guestOrder("a"), { key }),
      await order(shop, guestOrder("a", { email: "other@shop.example" }), { key }),
    ].map(({ status, headers, body }) => [status, headers.has("idempotent-replayed"), body.data.id]);
    expect(ids.map(([status, isReplay]) => [status, isReplay])).toEqual(Array(4).fill([201, false]));
    expect(new Set(ids.map(([, , id]) => id)).size).toBe(4);
  });

  test("while the first is under way: 409 with Retry-After, then its answer", async () => {
    const key = fresh("key");
    const body = guestOrder("a", { paymentToken: "held" });
    const first = order(shop, body, { key });
    await until("the gateway is asked", () => asked.length === 1);
    const early = await order(shop, body, { key });
    expect([early.status, early.body.type, early.headers.get("retry-after")]).toEqual([
      409,
      "/problems/request-under-way",
      "1",
    ]);
    expect((await order(shop, guestOrder("a"), { key })).status).toBe(422);
    release();
    const placed = await first;
    const late = await order(shop, body, { key });
    expect([placed.status, late.status, late.body.data.id]).toEqual([201, 201, placed.body.data.id]);
  });

  test("an order that its customer cancels meanwhile is 402, one that was cancelled later is shown as it stands", async () => {
    const { token } = customer;
    const cancel = (id: string) =>
      ask(shop, "PUT", `/api/orders/${id}/status`, { token, body: { status: "cancelled" } });
    const send = (paymentToken: string, key: string) =>
      order(shop, { ...ITEMS, paymentToken }, { token, key });
    const [early, late] = [fresh("key"), fresh("key")];
    const first = send("held", early);
    await until("the gateway is asked", () => asked.length === 1);
    expect((await cancel(asked[0]?.orderId ?? "")).status).toBe(200);
    release();
    for (const answer of [await first, await send("held", early)])
      expect([answer.status, answer.body.orderId, answer.headers.has("insole-version")]).toEqual([
        402,
        asked[0]?.orderId,
        true,
      ]);
    const waiting = await send("redirect", late);
    expect((await cancel(waiting.body.data.id)).status).toBe(200);
    const again = await send("redirect", late);
    expect([waiting.status, again.status, again.body.data.status]).toEqual([201, 201, "cancelled"]);
  });

  test("a refusal is not kept: the same request places the order once it can", async () => {
    const key = fresh("key");
    await setStock("scarce", 0);
    expect((await order(shop, guestOrder("scarce"), { key })).status).toBe(409);
    await setStock("scarce", 1);
    const placed = await order(shop, guestOrder("scarce"), { key });
    expect([placed.status, placed.headers.get("idempotent-replayed")]).toEqual([201, null]);
  });
});

describe("with the same cart", () => {
  test("a new page with another key finds the first order, also when nothing else would be taken", async () => {
    const cartId = fresh("cart");
    const body = guestOrder("last", { cartId, expectedTotal: 50 });
    await setStock("last", 1);
    const first = await order(shop, body, { key: fresh("key") });
    expect([first.status, pairsOf(shop.db, "last")]).toEqual([201, 0]);
    await shop.db.write([{ sql: "UPDATE shoes SET price_cents = 9000 WHERE shoe_id = 'last'" }]);
    const row = rowOf(first.body.data.id);
    const others = [
      body,
      { ...body, items: [{ productId: "gone", quantity: 1 }] },
      { ...body, paymentToken: "declined" },
    ];
    for (const again of others) {
      const { status, headers, body: found } = await order(shop, again, { key: fresh("key") });
      expect([status, found, headers.get("location")]).toEqual([
        200,
        first.body,
        first.headers.get("location"),
      ]);
    }
    expect([rowOf(first.body.data.id), asked.length]).toEqual([row as never, 1]);
  });

  test("one's own earlier hold does not stand in the way of one's own retry", async () => {
    await setStock("scarce", 1);
    const body = guestOrder("scarce", { cartId: fresh("cart"), paymentToken: "redirect" });
    const first = await order(shop, body);
    const again = await order(shop, body);
    expect([first.status, again.status, again.body.data.id]).toEqual([201, 200, first.body.data.id]);
    expect(again.body.data.payment).toEqual({
      status: "requires_action",
      reference: `test-${first.body.data.id}`,
      redirectUrl: "https://pay.example/go-on",
    });
  });

  test("another account or guest gets 409 and learns nothing", async () => {
    const cartId = fresh("cart");
    expect((await order(shop, { ...ITEMS, cartId }, { token: customer.token })).status).toBe(201);
    const stock = stockIn(shop.db);
    for (const [body, sent] of [
      [{ ...ITEMS, cartId }, { token: other.token }],
      [guestOrder("a", { cartId }), {}],
      [guestOrder("a", { cartId, email: customer.email }), {}],
    ] as const) {
      const answer = await order(shop, body, sent);
      expect([answer.status, answer.body.errors]).toEqual([
        409,
        [{ pointer: "/cartId", detail: "belongs to another order" }],
      ]);
      expect(JSON.stringify(answer.body)).not.toContain("payment");
    }
    expect(stockIn(shop.db)).toEqual(stock);
  });

  test("a guest is known by the e-mail address however it is written, and gets the token again", async () => {
    const cartId = fresh("cart");
    const first = await order(shop, guestOrder("a", { cartId }));
    const again = await order(shop, guestOrder("a", { cartId, email: " Guest@Shop.example" }));
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect((await order(shop, guestOrder("a", { cartId, email: "guest2@shop.example" }))).status).toBe(409);
  });

  test("after a declined or cancelled order it becomes a new one, and the old one stays as it was", async () => {
    const cartId = fresh("cart");
    const declined = await order(shop, guestOrder("a", { cartId, paymentToken: "declined" }));
    expect(declined.status).toBe(402);
    const row = rowOf(declined.body.orderId);
    const second = await order(shop, guestOrder("a", { cartId }));
    expect([second.status, second.body.data.status]).toEqual([201, "confirmed"]);
    await shop.db.write([
      { sql: "UPDATE orders SET status = 'cancelled' WHERE id = ?", args: [second.body.data.id] },
    ]);
    const third = await order(shop, guestOrder("a", { cartId }));
    expect(third.status).toBe(201);
    expect(new Set([declined.body.orderId, second.body.data.id, third.body.data.id]).size).toBe(3);
    expect(rowOf(declined.body.orderId)).toEqual(row);
  });
});

describe("at the same time", () => {
  const statuses = (answers: { status: number }[]) => answers.map(({ status }) => status).sort();

  test("a double click with one key makes one order", async () => {
    const [key, count] = [fresh("key"), ordersIn(shop.db)];
    const send = () => order(shop, guestOrder("a", { paymentToken: "held" }), { key });
    const first = send();
    await until("the gateway is asked", () => asked.length === 1);
    const early = await Promise.all(Array.from({ length: 8 }, send));
    release();
    expect(statuses(early)).toEqual(Array(8).fill(409));
    const [placed, again] = [await first, await send()];
    expect([placed.status, again.status, again.body.data.id]).toEqual([201, 201, placed.body.data.id]);
    expect([ordersIn(shop.db), asked.length]).toEqual([count + 1, 1]);
  });

  test("two tabs with one cart make one order, and each gets it", async () => {
    const [cartId, count, pairs] = [fresh("cart"), ordersIn(shop.db), pairsOf(shop.db, "a")];
    const send = () => order(shop, guestOrder("a", { cartId }), { key: fresh("key") });
    const answers = await Promise.all(Array.from({ length: 12 }, send));
    expect(statuses(answers)).toEqual([...Array(11).fill(200), 201]);
    expect(new Set(answers.map(({ body }) => body.data.id)).size).toBe(1);
    expect([ordersIn(shop.db), pairsOf(shop.db, "a"), asked.length]).toEqual([count + 1, pairs - 1, 1]);
  });

  test("two people with one cart: one order, and the other gets 409", async () => {
    const cartId = fresh("cart");
    const count = ordersIn(shop.db);
    const people = [customer, other];
    const answers = await Promise.all(
      people.map(({ token }) => order(shop, { ...ITEMS, cartId }, { token })),
    );
    expect([statuses(answers), ordersIn(shop.db)]).toEqual([[201, 409], count + 1]);
  });
});

test("after a kill -9 the same request is under way until its payment is settled, and then has its one answer", async () => {
  const folder = openFolder();
  const path = join(folder.path, "insole.db");
  migrate(path);
  const db = openFile(path);
  await saveAll(db, [shoe("a", { sizes: [{ size: "", stock: 1 }] })], false);
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../testing/stalled-shop.ts"), folder.path],
    {
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  const { value } = await child.stdout.getReader().read();
  const killed = new TextDecoder().decode(value).trim();
  const at = (url: string) => ({ get: (to: string, init?: RequestInit) => fetch(`${url}${to}`, init) });
  const [body, key] = [guestOrder("a"), "the key of a killed request"];
  const lost = order(at(killed), body, { key }).catch(() => null);
  await until("the order is reserved", () => ordersIn(db) === 1);
  child.kill("SIGKILL");
  expect([await lost, await child.exited]).toEqual([null, 137]);

  const config = readConfig({ DATA_DIR: folder.path, PORT: "0", DEMO: "false" });
  const alive = await main(config, silentLog, { instead: { gateway } });
  const send = (sent: unknown = body) => order(at(alive.url), sent, { key });
  const early = await send();
  expect([early.status, early.body.type, early.headers.get("retry-after")]).toEqual([
    409,
    "/problems/request-under-way",
    "1",
  ]);
  expect((await send(guestOrder("a", { paymentToken: "other" }))).status).toBe(422);
  expect([ordersIn(db), pairsOf(db, "a"), asked.length]).toEqual([1, 0, 0]);
  const id = db.read.get<[string]>("SELECT id FROM orders")?.[0] ?? "";
  await settleElsewhere(db, id, paymentOf("authorized", id));
  const late = await send();
  expect([late.status, late.headers.get("idempotent-replayed"), late.body.data.id]).toEqual([
    201,
    "true",
    id,
  ]);
  expect([late.body.data.status, ordersIn(db)]).toEqual(["confirmed", 1]);
  await alive.close();
  await db.close();
  folder.remove();
});
