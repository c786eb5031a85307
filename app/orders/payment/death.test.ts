// The points where a process can die: the settlement ends what was written before, and no payment is left without an order.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { verdictOf } from "../../../replicas/primary/door/writes/statements.ts";
import { booksOf } from "../../testing/books.ts";
import { ask } from "../../testing/people.ts";
import { openPaying, type Paying, type Standing } from "./testing/paying.ts";

let paying: Paying;
beforeAll(async () => {
  paying = await openPaying();
});
afterAll(() => paying.close());

const LEASE_MS = 15_000;
/** There are more; fewer mean that the tests before have not run. */
const SQL_MIN = 40;

const AT_GATEWAY = /sandbox_payments/;
const CONFIRM = /'confirmed', payment_status = 'authorized'/;
const LEASE = /tries = tries \+ 1/;
const CAPTURED = /captured_cents = total_cents/;
const VOIDED = /payment_status = 'voided'/;
const REFUNDED = /UPDATE refunds SET state = 'done'/;

type End = Standing & { gateway: ReturnType<Paying["atSandbox"]> };
type Work = (id: string) => Promise<unknown>;

const placed = async () => (await paying.place(null)).id;
const ship = (id: string) => paying.asAdmin("PUT", `/api/orders/${id}/status`, { status: "shipped" });
const cancel = (id: string) => paying.asAdmin("PUT", `/api/orders/${id}/status`, { status: "cancelled" });
const refund = (id: string) =>
  paying.asAdmin("POST", `/api/orders/${id}/refunds`, {
    items: [{ productId: "a1", size: "", quantity: 1 }],
    restock: true,
  });
const shipped = async () => {
  const id = await placed();
  expect((await ship(id)).status).toBe(200);
  return id;
};

const CANCELLED = { status: "cancelled", payment: "voided", stock: 0 };
const RESERVED = { status: "authorized", captured: 0, refunded: 0 };
const RELEASED = { status: "voided", captured: 0, refunded: 0 };
const TAKEN = { status: "captured", captured: 10_000, refunded: 0 };

/** Before each: the order that exists already; what is done to it; the write before which the process dies; how it ends. */
const DEATHS: [what: string, before: () => Promise<string>, work: Work | null, RegExp, Partial<End>][] = [
  ["placed, the gateway not asked", async () => "", null, AT_GATEWAY, { ...CANCELLED, gateway: RELEASED }],
  [
    "placed, the gateway has authorised, its answer not stored",
    async () => "",
    null,
    CONFIRM,
    { status: "confirmed", payment: "authorized", stock: -2, gateway: RESERVED },
  ],
  [
    "shipping, the gateway not asked",
    placed,
    ship,
    LEASE,
    { status: "shipped", payment: "captured", stock: -2, gateway: TAKEN },
  ],
  [
    "shipping, captured, the answer not stored",
    placed,
    ship,
    CAPTURED,
    { status: "shipped", payment: "captured", stock: -2, gateway: TAKEN },
  ],
  ["cancelled, the gateway not asked", placed, cancel, LEASE, { ...CANCELLED, gateway: RELEASED }],
  ["cancelled, voided, the answer not stored", placed, cancel, VOIDED, { ...CANCELLED, gateway: RELEASED }],
  [
    "refunding, the gateway not asked",
    shipped,
    refund,
    LEASE,
    { status: "shipped", payment: "partially_refunded", stock: -1, gateway: { ...TAKEN, refunded: 5_000 } },
  ],
  [
    "refunding, refunded, the answer not stored",
    shipped,
    refund,
    REFUNDED,
    { status: "shipped", payment: "partially_refunded", stock: -1, gateway: { ...TAKEN, refunded: 5_000 } },
  ],
];

/** The end of the order, its stock counted from before it. */
function endOf(id: string, stockBefore: number): Partial<End> {
  const { status, payment, stock } = paying.standing(id);
  return { status, payment, stock: stock - stockBefore, gateway: paying.atSandbox(id) };
}

describe("a process dies", () => {
  test.each(DEATHS)("%s", async (_what, before, work, deadly, end) => {
    const stockBefore = paying.stock();
    const earlier = await before();
    paying.dieBefore(deadly);
    const id = work === null ? (await paying.place(null)).id : earlier;
    if (work !== null) await work(id).catch(() => undefined);
    const atDeath = endOf(id, stockBefore);
    paying.revive();

    // Another process settles only what the lease of the dead one no longer holds.
    await paying.shop.payments.settle();
    expect(endOf(id, stockBefore)).toEqual(atDeath);
    expect(atDeath).not.toEqual(end);
    paying.times.pass(LEASE_MS);
    await paying.shop.payments.settle();
    expect(endOf(id, stockBefore)).toEqual(end);

    // Settled for good: nothing is due, and later looks change nothing.
    const { requests, history } = paying.standing(id);
    expect(requests).not.toContain("due");
    paying.times.pass(60 * 60_000);
    await paying.shop.payments.settle();
    expect(paying.standing(id)).toMatchObject({ requests, history });
  });

  test("all SQL of payments passes the door of a cluster", async () => {
    expect(paying.written.size).toBeGreaterThan(SQL_MIN);
    const verdicts = [...paying.written].map((sql) => ({ sql, ...verdictOf(sql, false) }));
    expect(verdicts.filter(({ refusal }) => refusal !== null)).toEqual([]);
    const read = [...new Set(paying.shop.ran.map(({ sql }) => sql))];
    expect(read.filter((sql) => verdictOf(sql, true).refusal !== null)).toEqual([]);
  });

  test("a customer's repetition with the same key gets the order that the dead process left", async () => {
    const headers = { "idempotency-key": "left by the dead" };
    const body = { email: "key@shop.example", items: [{ productId: "a1", quantity: 1 }] };
    const place = () => ask(paying.shop, "POST", "/api/orders", { body, headers });
    paying.dieBefore(CONFIRM);
    await place();
    paying.revive();
    const during = await place();
    expect([during.status, ((await during.json()) as { type: string }).type]).toEqual([
      409,
      "/problems/request-under-way",
    ]);
    paying.times.pass(LEASE_MS);
    await paying.shop.payments.settle();
    const after = await place();
    expect([after.status, after.headers.get("idempotent-replayed")]).toEqual([201, "true"]);
    const { data } = (await after.json()) as { data: object };
    expect(data).toMatchObject({
      status: "confirmed",
      payment: { status: "authorized" },
    });
  });
});

test("after all this the books are right", async () => {
  expect(await booksOf(paying.shop.databasePath)).toEqual([]);
});
