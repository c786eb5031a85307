// Every token of the sandbox from the order to its end, over HTTP.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readUntil } from "../../../testing/shop.ts";
import { HOLD_MS } from "../settle.ts";
import { openPaying, type Paying } from "../testing/paying.ts";
import { TOKENS } from "./tokens.ts";

let paying: Paying;
beforeAll(async () => {
  paying = await openPaying();
});
afterAll(() => paying.close());

const PATIENCE_MS = 5_000;
/** After it the gateway is asked again, with any jitter. */
const NEXT_INQUIRY_MS = 10_000;

const settle = () => paying.shop.payments.settle();
const hold = async () => {
  paying.times.pass(HOLD_MS);
  await settle();
};
const ask = async () => {
  paying.times.pass(NEXT_INQUIRY_MS);
  await settle();
};
const nothing = async () => undefined;
/** The event arrives by itself, without the settlement. */
const event = (ms: number) => async (id: string) => {
  const count = () => paying.shop.db.read.get<[number]>(EVENTS, id)?.[0] ?? 0;
  expect(count()).toBe(0);
  paying.times.pass(ms);
  expect(await readUntil(count, (events) => events > 0, PATIENCE_MS)).toBe(1);
};
const EVENTS = "SELECT count(*) FROM payment_events WHERE number = (SELECT number FROM orders WHERE id = ?)";

const CONFIRMED = ["confirmed", "authorized", -2, "authorized"] as const;
/** The sandbox settles it by the time alone. */
const BY_TIME = ["confirmed", "authorized", -2, "processing"] as const;
const UNKNOWN = ["pending", "unknown", -2] as const;
const VOIDED = ["cancelled", "voided", 0, "voided"] as const;

type Stand = readonly [status: string, payment: string, stock: number, gateway?: string];
type Row = [string | null, number, at: Stand, then: (id: string) => Promise<unknown>, end: Stand];

const ROWS: Row[] = [
  [null, 201, CONFIRMED, nothing, CONFIRMED],
  ["ok", 201, CONFIRMED, nothing, CONFIRMED],
  [
    "declined",
    402,
    ["cancelled", "declined", 0, "declined"],
    nothing,
    ["cancelled", "declined", 0, "declined"],
  ],
  ["redirect", 201, ["pending", "requires_action", -2, "requires_action"], hold, VOIDED],
  ["timeout", 201, [...UNKNOWN, "processing"], hold, VOIDED],
  ["late", 201, [...UNKNOWN, "processing"], event(8_000), BY_TIME],
  ["lost", 201, [...UNKNOWN, "authorized"], ask, CONFIRMED],
  ["late_failure", 201, CONFIRMED, event(2_000), CONFIRMED],
];

test.each(ROWS)("the token %p: %p", async (token, status, at, then, end) => {
  const before = paying.stock();
  const placed = await paying.place(token);
  const stand = () => {
    const { status, payment, stock } = paying.standing(placed.id);
    return [status, payment, stock - before, paying.atSandbox(placed.id)?.status];
  };
  expect([placed.status, ...stand()]).toEqual([status, ...at]);
  await then(placed.id);
  expect(stand()).toEqual([...end]);
  // Later looks at it change nothing more.
  const { history, requests } = paying.standing(placed.id);
  await hold();
  expect(paying.standing(placed.id)).toMatchObject({ history, requests });
});

test("slow: the answer comes after three seconds", async () => {
  const placing = paying.place("slow");
  await readUntil(paying.times.waiting, (waiting) => waiting === 1, PATIENCE_MS);
  paying.times.pass(3_000);
  const { status, id } = await placing;
  expect([status, paying.standing(id).status]).toEqual([201, "confirmed"]);
});

test("twice: its event is delivered more than once, and settles once", async () => {
  const { status, id } = await paying.place("twice");
  const count = () => paying.shop.db.read.get<[number]>(EVENTS, id)?.[0] ?? 0;
  await readUntil(count, (events) => events > 0, PATIENCE_MS);
  expect([status, paying.standing(id).history, count()]).toEqual([201, "pending confirmed", 1]);
});

test("redirect: the order's payment names the page, until it is settled", async () => {
  const { body, id, token } = await paying.place("redirect");
  expect(JSON.parse(body).data.payment).toEqual({
    status: "requires_action",
    reference: `sandbox-${id}`,
    redirectUrl: `/pay/sandbox/${id}`,
  });
  await hold();
  const answer = await paying.shop.get(`/api/orders/${id}`, { headers: { "order-token": token } });
  expect(((await answer.json()) as { data: { payment: object } }).data.payment).toEqual({
    status: "voided",
    reference: `sandbox-${id}`,
  });
});

test("late_failure: a capture is refused, and the order stays confirmed", async () => {
  const { id } = await paying.place("late_failure");
  paying.times.pass(2_000);
  const answer = await paying.asAdmin("PUT", `/api/orders/${id}/status`, { status: "shipped" });
  expect([answer.status, paying.standing(id).status]).toEqual([409, "confirmed"]);
  expect(paying.atSandbox(id)?.captured).toBe(0);
});

test("an unknown token is refused, and stored nowhere", async () => {
  const card = "4000056655665556";
  const [before, numbers] = [paying.stock(), numbersOf()];
  const { status, body } = await paying.place(card);
  expect([status, JSON.parse(body).errors]).toEqual([
    400,
    [{ pointer: "/paymentToken", detail: `must be one of ${TOKENS.join(", ")}` }],
  ]);
  expect([paying.stock(), numbersOf()]).toEqual([before, numbers]);
  expect(body).not.toContain(card);
  expect(paying.shop.db.read.get("SELECT token FROM sandbox_payments WHERE token = ?", card)).toBeUndefined();
  expect(paying.shop.logged.join()).not.toContain(card);
});

const numbersOf = () => paying.shop.db.read.get("SELECT count(*), max(number) FROM orders");

test("every token is tested", () => {
  const tested = [...ROWS.map(([token]) => token), "slow", "twice"];
  expect(TOKENS.filter((token) => !tested.includes(token))).toEqual([]);
});
