// Public reports about shops of others, each as the invariant that it teaches.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { DatabaseError } from "../../db/errors.ts";
import { must } from "../../db/must.ts";
import {
  type Asker,
  factsOf,
  GUEST_EMAIL,
  openStepShop,
  type Placed,
  type StepShop,
} from "../testing/order-steps.ts";
import { openSettle } from "./payment/settle.ts";
import { openOrderTokens } from "./tokens.ts";

const NOW_MS = 1_800_000_000_000;

let shop: StepShop;
let facts: ReturnType<typeof factsOf>;
beforeAll(async () => {
  shop = await openStepShop();
  facts = factsOf(shop);
});
afterEach(() => {
  shop.gateway.script = {};
});
afterAll(() => shop.close());

const settle = (order: Placed, status: "authorized" | "declined" | "voided" | "processing") => {
  const state = { status, reference: "late", redirectUrl: null, capturedCents: 0, refundedCents: 0 };
  return openSettle(shop.db)({ orderId: order.id, json: "{}" }, state, NOW_MS);
};
const breaking = (sql: string, order: Placed) =>
  shop.db.write([{ sql, args: [order.number] }]).then(
    () => null,
    (thrown: unknown) => (thrown instanceof DatabaseError ? thrown.kind : thrown),
  );

describe("every way out of a live state returns the stock (woocommerce#66244, #10246)", () => {
  const waiting = () => shop.place("owner", { paymentToken: "redirect" });
  const invoice = () => shop.place("owner", { paymentMethod: "invoice" });
  const confirmedInvoice = async () => {
    const order = await invoice();
    await shop.move(order, "confirmed");
    return order;
  };
  const cancel = (who: Asker) => async (order: Placed) =>
    void (await shop.put(who, order, { status: "cancelled" }));
  const rows: [string, () => Promise<Placed>, (order: Placed) => Promise<unknown>][] = [
    ["waiting, cancelled by its owner", waiting, cancel("owner")],
    ["waiting, cancelled by an admin", waiting, cancel("admin")],
    ["waiting, declined", waiting, (order) => settle(order, "declined")],
    ["waiting, voided", waiting, (order) => settle(order, "voided")],
    ["confirmed, cancelled by its owner", () => shop.place("owner"), cancel("owner")],
    ["confirmed, cancelled by its guest", () => shop.place("guest"), cancel("guest")],
    ["confirmed, cancelled by an admin", () => shop.place("guest"), cancel("key")],
    ["an invoice, cancelled", invoice, cancel("owner")],
    ["a confirmed invoice, cancelled", confirmedInvoice, cancel("admin")],
  ];
  test.each(rows)("%s", async (_what, place, leave) => {
    const [before, held] = [facts.stock(), heldPairs()];
    const order = await place();
    expect([facts.stock(), heldPairs()]).toEqual([before - 2, held + 2]);
    await leave(order);
    expect([facts.stock(), heldPairs()]).toEqual([before, held]);
    expect(shop.row("SELECT status, held_until FROM orders WHERE number = ?", order)).toEqual([
      "cancelled",
      null,
    ]);
    await leave(order);
    expect([facts.stock(), heldPairs()]).toEqual([before, held]);
  });
});

const heldPairs = (): number =>
  shop.db.read.get<[number]>("SELECT pairs FROM stock_taken WHERE size = '42'")?.[0] ?? 0;

test("counters of reservations cannot be negative (medusa#12401, #11131)", async () => {
  const order = await shop.place("owner");
  for (const sql of [
    "UPDATE stock_taken SET pairs = -1 WHERE ? > 0",
    "UPDATE order_lines SET returned = -1 WHERE number = ?",
    "UPDATE order_lines SET returned = 3 WHERE number = ?",
    "UPDATE order_lines SET refunded = -1 WHERE number = ?",
    "UPDATE order_lines SET refunded = 3 WHERE number = ?",
    "UPDATE sizes SET stock = -1 WHERE ? > 0",
  ])
    expect([sql, await breaking(sql, order)]).toEqual([sql, "check"]);
});

test("the schema itself keeps refunds within what was bought and captured (woocommerce#54499, #28856)", async () => {
  const order = await shop.place("owner");
  for (const sql of [
    "UPDATE orders SET refunded_cents = 1 WHERE number = ?",
    "UPDATE orders SET captured_cents = 9999 WHERE number = ?",
    "UPDATE orders SET captured_cents = total_cents, refunded_cents = total_cents + 1 WHERE number = ?",
  ])
    expect([sql, await breaking(sql, order)]).toEqual([sql, "check"]);
});

test("only an order that waits for the gateway has an end of its hold (woocommerce#60375)", async () => {
  const heldUntil = (order: Placed) =>
    shop.row("SELECT held_until IS NOT NULL FROM orders WHERE number = ?", order);
  const [confirmed, waiting, invoice] = [
    await shop.place("owner"),
    await shop.place("owner", { paymentToken: "redirect" }),
    await shop.place("owner", { paymentMethod: "invoice" }),
  ];
  expect([confirmed, waiting, invoice].map(heldUntil)).toEqual([[0], [1], [0]]);
  await settle(waiting, "authorized");
  await shop.move(invoice, "confirmed");
  expect([waiting, invoice].map(heldUntil)).toEqual([[0], [0]]);
  // No more than that an answer does to an order that was settled before.
  for (const order of [confirmed, waiting, invoice])
    for (const late of ["voided", "processing"] as const) expect(await settle(order, late)).toBeNull();
});

test("a late failure never downgrades a paid order (nearmerch.com#209, mollie/WooCommerce#668)", async () => {
  for (const statuses of [[], ["shipped"], ["shipped", "delivered"]]) {
    const order = await shop.place("owner");
    await shop.move(order, ...statuses);
    const before = [
      facts.payment(order),
      facts.stock(),
      shop.row("SELECT * FROM orders WHERE number = ?", order),
    ];
    for (const late of ["declined", "voided", "processing", "authorized"] as const)
      expect(await settle(order, late)).toBeNull();
    expect([
      facts.payment(order),
      facts.stock(),
      shop.row("SELECT * FROM orders WHERE number = ?", order),
    ]).toEqual(before);
  }
});

test("one receipt per order, by a unique row, after any steps (dokan#2994, woocommerce#13963)", async () => {
  const order = await shop.place("owner", { paymentToken: "redirect" });
  must(shop.gateway.payments.get(order.id), "the payment").status = "authorized";
  await Promise.all([settle(order, "authorized"), settle(order, "authorized"), settle(order, "authorized")]);
  await shop.move(order, "shipped", "shipped", "delivered");
  expect(
    shop.db.read.all("SELECT kind, state FROM outbox WHERE number = ? ORDER BY seq", order.number),
  ).toEqual([
    ["receipt", "due"],
    ["alert", "due"],
    ["shipped", "due"],
  ]);
  const again =
    "INSERT INTO outbox (number, kind, state, due_at, created_at) VALUES (?, 'receipt', 'due', 1, 1)";
  expect(await breaking(again, order)).toBe("unique");
});

test("number and e-mail open nothing; only the order's own token does (shopware#439, saleor/storefront#1247)", async () => {
  const [order, neighbour, own] = [
    await shop.place("guest"),
    await shop.place("guest"),
    await shop.place("owner"),
  ];
  const number = String(order.number);
  const token = must(order.accessToken, "the token");
  const read = (path: string, orderToken: string) =>
    shop.as("anonymous", "GET", `/api/orders${path}`, undefined, { "order-token": orderToken });
  expect((await read(`/${order.id}`, token)).status).toBe(200);
  const foreign = openOrderTokens(["another secret"]).of(order.id);
  const wrong = [
    number,
    GUEST_EMAIL,
    order.id,
    must(neighbour.accessToken, "the token"),
    foreign,
    token.slice(0, -1),
    `${token}A`,
    token.toLowerCase(),
    "A".repeat(4_000),
    "'",
  ];
  for (const given of wrong) {
    const answer = await read(`/${order.id}`, given);
    expect([given.slice(0, 50), answer.status]).toEqual([given.slice(0, 50), 404]);
    expect(answer.text).not.toContain(GUEST_EMAIL);
  }
  for (const path of [`/${number}`, `/${number}?email=${GUEST_EMAIL}`, `/${own.id}`])
    expect([path, (await read(path, token)).status]).toEqual([path, 404]);
  expect((await read(`?email=${GUEST_EMAIL}&number=${number}`, token)).status).toBe(401);
  // An account's order is opened by no token, even one made with the right key.
  expect((await shop.put("guest", { ...own, accessToken: token }, { status: "cancelled" })).status).toBe(404);
  expect(
    (await shop.put("guest", { ...order, accessToken: neighbour.accessToken ?? "" }, { status: "cancelled" }))
      .status,
  ).toBe(404);
  expect(facts.payment(order)[0]).toBe("confirmed");
});
