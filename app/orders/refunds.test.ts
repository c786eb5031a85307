// Refunds over HTTP: by line and by amount, within what was bought and captured, once per Idempotency-Key.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type Asker, openGate, openStepShop, type Placed, type StepShop } from "../testing/order-steps.ts";
import { readUntil } from "../testing/shop.ts";
import { effectsOf, requestKey } from "./payment/effects.ts";

const SOON_MS = 5_000;
const A = { productId: "a", size: "42" };
/** Two pairs of `a` at 50.00, one of `b` at 19.99. */
const ITEMS = [
  { ...A, quantity: 2 },
  { productId: "b", quantity: 1 },
];

let shop: StepShop;
beforeAll(async () => {
  shop = await openStepShop();
});
afterEach(() => {
  shop.gateway.script = {};
});
afterAll(() => shop.close());

const refund = (order: Placed, body: unknown, key?: string, who: Asker = "admin") =>
  shop.as(
    who,
    "POST",
    `/api/orders/${order.id}/refunds`,
    body,
    key === undefined ? {} : { "idempotency-key": key },
    order,
  );
const shipped = async (given: Record<string, unknown> = {}): Promise<Placed> => {
  const order = await shop.place("owner", { items: ITEMS, ...given });
  await shop.move(order, ...(given.paymentMethod === "invoice" ? ["confirmed", "shipped"] : ["shipped"]));
  return order;
};
const moneyOf = (order: Placed) =>
  shop.row("SELECT payment_status, captured_cents, refunded_cents FROM orders WHERE number = ?", order);
const linesOf = ({ number }: Placed) =>
  shop.db.read.all("SELECT refunded, returned FROM order_lines WHERE number = ? ORDER BY position", number);
const stockOf = () => shop.db.read.get<[number]>("SELECT stock FROM sizes WHERE size = '42'")?.[0];
const mailsOf = ({ number }: Placed) =>
  shop.db.read.all<[number, string]>(
    "SELECT part, data FROM outbox WHERE number = ? AND kind = 'refunded' ORDER BY part",
    number,
  );
const refundsOf = ({ number }: Placed) =>
  shop.db.read.all("SELECT position, amount_cents, restock, state FROM refunds WHERE number = ?", number);

test("a line: its price, its pairs, its mail, and the money at the gateway", async () => {
  const order = await shipped();
  const before = stockOf();
  const answer = await refund(order, { items: [{ ...A, quantity: 1 }], restock: true });
  expect(answer.status).toBe(201);
  expect(answer.body.data).toEqual({
    id: `${order.number}-1`,
    orderId: order.id,
    items: [{ productId: "a", productName: "Shoe a", size: "42", quantity: 1, price: 50 }],
    amount: 50,
    currency: "USD",
    restock: true,
    payment: { status: "partially_refunded" },
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
  });
  expect(answer.headers.get("insole-version")).not.toBeNull();
  expect([moneyOf(order), linesOf(order), stockOf()]).toEqual([
    ["partially_refunded", 11_999, 5_000],
    [
      [1, 1],
      [0, 0],
    ],
    (before ?? 0) + 1,
  ]);
  expect(shop.gateway.payments.get(order.id)?.refundedCents).toBe(5_000);
  const [[part, data] = [], ...more] = mailsOf(order);
  expect([part, more]).toEqual([1, []]);
  expect(JSON.parse(data ?? "")).toMatchObject({ id: order.id, refund: answer.body.data });
  expect(shop.db.read.all("SELECT action, detail FROM audit WHERE subject = ?", order.id).at(-1)).toEqual([
    "order.refund",
    '{"amount":50,"restock":true}',
  ]);
});

test("several refunds up to everything, and then nothing more", async () => {
  const order = await shipped();
  const before = stockOf();
  const first = await refund(order, { items: [{ ...A, quantity: 1 }], restock: false });
  expect(first.body.data.payment.status).toBe("partially_refunded");
  const rest = await refund(order, {
    items: [
      { ...A, quantity: 1 },
      { productId: "b", quantity: 1 },
    ],
    restock: true,
  });
  expect([rest.body.data.id, rest.body.data.amount, rest.body.data.payment.status]).toEqual([
    `${order.number}-2`,
    69.99,
    "refunded",
  ]);
  expect([moneyOf(order), linesOf(order), stockOf(), mailsOf(order).length]).toEqual([
    ["refunded", 11_999, 11_999],
    [
      [2, 1],
      [1, 1],
    ],
    (before ?? 0) + 1,
    2,
  ]);
  const more = await refund(order, { amount: 0.01, restock: false });
  expect([more.status, more.body.errors]).toEqual([
    409,
    [{ pointer: "/amount", detail: "must be at most 0.00" }],
  ]);
});

test("an amount without lines, and lines with another amount", async () => {
  const order = await shipped();
  expect((await refund(order, { amount: "10.50", restock: false })).body.data).toMatchObject({
    amount: 10.5,
    items: [],
  });
  const less = await refund(order, { items: [{ ...A, quantity: 2 }], amount: 80, restock: true });
  expect(less.body.data.amount).toBe(80);
  expect([moneyOf(order), linesOf(order)[0]]).toEqual([
    ["partially_refunded", 11_999, 9_050],
    [2, 2],
  ]);
  // What is left is less than the price of the line.
  const over = await refund(order, { items: [{ productId: "b", quantity: 1 }], amount: 30, restock: false });
  expect([over.status, over.body.errors[0].detail]).toEqual([409, "must be at most 29.49"]);
});

describe("who", () => {
  test.each<[Asker, number]>([
    ["owner", 403],
    ["other", 403],
    ["guest", 401],
    ["anonymous", 401],
    ["key", 201],
    ["admin", 201],
  ])("%s is %d", async (who, status) => {
    const order = await shop.place("guest");
    await shop.move(order, "shipped");
    const answer = await refund(order, { amount: 1, restock: false }, undefined, who);
    expect(answer.status).toBe(status);
    expect(refundsOf(order).length).toBe(status === 201 ? 1 : 0);
  });
});

describe("refused, and nothing is changed", () => {
  const bodies: [what: string, body: unknown, status: number, pointers: string[]][] = [
    ["more than was bought", { items: [{ ...A, quantity: 3 }], restock: true }, 409, ["/items/0/quantity"]],
    [
      "more in two items",
      {
        items: [
          { ...A, quantity: 1 },
          { ...A, quantity: 2 },
        ],
        restock: true,
      },
      409,
      ["/items/1/quantity"],
    ],
    ["more than was captured", { amount: 120, restock: false }, 409, ["/amount"]],
    ["more for its lines", { items: [{ ...A, quantity: 1 }], amount: 120, restock: false }, 409, ["/amount"]],
    [
      "a line of another order",
      { items: [{ productId: "a", size: "41", quantity: 1 }], restock: true },
      400,
      ["/items/0/size"],
    ],
    [
      "an unknown shoe",
      { items: [{ productId: "z", quantity: 1 }], restock: true },
      400,
      ["/items/0/productId"],
    ],
    ["nothing", { items: [], restock: true }, 400, ["/amount"]],
    ["nothing at all", {}, 400, ["/restock"]],
    ["no choice to restock", { items: [{ ...A, quantity: 1 }] }, 400, ["/restock"]],
    ["a choice in words", { items: [{ ...A, quantity: 1 }], restock: "yes" }, 400, ["/restock"]],
    ["no pairs", { items: [{ ...A, quantity: 0 }], restock: true }, 400, ["/items/0/quantity"]],
    ["fewer than none", { items: [{ ...A, quantity: -1 }], restock: true }, 400, ["/items/0/quantity"]],
    ["half a pair", { items: [{ ...A, quantity: 1.5 }], restock: true }, 400, ["/items/0/quantity"]],
    ["too many", { items: [{ ...A, quantity: 1e9 }], restock: true }, 400, ["/items/0/quantity"]],
    ["a number in words", { items: [{ ...A, quantity: "2" }], restock: true }, 400, ["/items/0/quantity"]],
    ["no amount", { amount: 0, restock: true }, 400, ["/amount"]],
    ["a negative amount", { amount: -5, restock: true }, 400, ["/amount"]],
    ["half a cent", { amount: 1.005, restock: true }, 400, ["/amount"]],
    ["items that are none", { items: "all", restock: true }, 400, ["/items"]],
    ["a list", [], 400, [""]],
  ];
  test.each(bodies)("%s", async (_what, body, status, pointers) => {
    const order = await shipped();
    const before = [moneyOf(order), linesOf(order), stockOf(), refundsOf(order)];
    const answer = await refund(order, body, "a key that is not kept");
    expect(answer.status).toBe(status);
    expect((answer.body.errors ?? []).map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
    expect([moneyOf(order), linesOf(order), stockOf(), refundsOf(order)]).toEqual(before);
  });

  test("an order of which nothing was captured", async () => {
    const [card, waiting, invoice, cancelled] = [
      await shop.place("owner"),
      await shop.place("owner", { paymentToken: "redirect" }),
      await shop.place("owner", { paymentMethod: "invoice" }),
      await shop.place("owner"),
    ];
    await shop.move(cancelled, "cancelled");
    for (const [order, word] of [
      [card, "cancel the order instead"],
      [waiting, "cancel the order instead"],
      [invoice, "cancel the order instead"],
      [cancelled, "there is nothing to refund"],
    ] as const) {
      const answer = await refund(order, { items: [{ ...A, quantity: 1 }], restock: true });
      expect([answer.status, answer.body.detail]).toEqual([409, expect.stringContaining(word)]);
    }
  });

  test("an unknown order", async () => {
    const unknown = { id: crypto.randomUUID(), number: 0 };
    expect((await refund(unknown, { amount: 1, restock: false })).status).toBe(404);
  });
});

describe("an Idempotency-Key", () => {
  const body = { items: [{ ...A, quantity: 1 }], restock: true };
  test("makes one refund of many requests, and another body is 422", async () => {
    const order = await shipped();
    const first = await refund(order, body, "k1");
    const again = await refund(order, body, "k1");
    expect([again.status, again.body, again.headers.get("idempotent-replayed")]).toEqual([
      201,
      first.body,
      "true",
    ]);
    expect((await refund(order, { ...body, restock: false }, "k1")).status).toBe(422);
    const many = await Promise.all(
      [1, 2, 3, 4].map(() => refund(order, { amount: 1, restock: false }, "k2")),
    );
    expect(many.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
    expect(many.every(({ status }) => status === 201 || status === 409)).toBe(true);
    expect(refundsOf(order).length).toBe(2);
    expect(shop.gateway.payments.get(order.id)?.refundedCents).toBe(5_100);
  });

  test("whose refund has no answer yet: 504, then 409, then the refund", async () => {
    const order = await shipped();
    shop.gateway.script.refund = async () => {
      throw new Error("no answer");
    };
    const lost = await refund(order, body, "k3");
    expect([lost.status, lost.body.type]).toEqual([504, "/problems/outcome-unknown"]);
    const early = await refund(order, body, "k3");
    expect([early.status, early.body.type, early.headers.get("retry-after")]).toEqual([
      409,
      "/problems/request-under-way",
      "2",
    ]);
    // It counts already, so that it cannot be paid twice.
    expect([moneyOf(order), refundsOf(order), mailsOf(order)]).toEqual([
      ["captured", 11_999, 5_000],
      [[1, 5_000, 1, "due"]],
      [],
    ]);
    const request = {
      orderId: order.id,
      number: order.number,
      kind: "refund",
      refund: 1,
      amountCents: 5_000,
      key: requestKey(order.id, "refund", 1),
    } as const;
    for (const nowMs of [1_000, 2_000]) await shop.db.write(effectsOf(request, { outcome: "done" }, nowMs));
    const late = await refund(order, body, "k3");
    expect([late.status, late.body.data.payment.status]).toEqual([201, "partially_refunded"]);
    expect([moneyOf(order), mailsOf(order).length]).toEqual([["partially_refunded", 11_999, 5_000], 1]);
  });
});

describe("a refund that the gateway refuses", () => {
  test("does not count; its pairs are back once, however often it is tried", async () => {
    const order = await shipped();
    const before = stockOf() ?? 0;
    shop.gateway.script.refund = async () => "refuse";
    const body = { items: [{ ...A, quantity: 1 }], restock: true };
    for (const _try of [1, 2]) {
      const answer = await refund(order, body);
      expect([answer.status, answer.body.detail]).toEqual([
        409,
        "the payment gateway refused the refund: nothing was given back",
      ]);
      expect([moneyOf(order), linesOf(order)[0], stockOf(), mailsOf(order)]).toEqual([
        ["captured", 11_999, 0],
        [0, 1],
        before + 1,
        [],
      ]);
    }
    shop.gateway.script = {};
    expect((await refund(order, body)).status).toBe(201);
    expect([moneyOf(order), linesOf(order)[0], stockOf()]).toEqual([
      ["partially_refunded", 11_999, 5_000],
      [1, 1],
      before + 1,
    ]);
    expect(refundsOf(order).map(([, , , state]) => state)).toEqual(["refused", "refused", "done"]);
    expect((await refund(order, body)).status).toBe(201);
    expect([linesOf(order)[0], stockOf()]).toEqual([[2, 2], before + 2]);
  });

  test("beside one that is done: the order is only partly refunded", async () => {
    const order = await shipped();
    const gate = openGate();
    shop.gateway.script.refund = () => gate.passed;
    const first = refund(order, { amount: 100, restock: false });
    await readUntil(() => shop.gateway.asked.includes(`refund ${order.id}`), Boolean, SOON_MS);
    shop.gateway.script = {};
    const second = await refund(order, { amount: 19.99, restock: false });
    expect([second.body.data.payment.status, moneyOf(order)]).toEqual([
      "partially_refunded",
      ["partially_refunded", 11_999, 11_999],
    ]);
    expect((await refund(order, { amount: 0.01, restock: false })).status).toBe(409);
    gate.open();
    expect((await first).body.data.payment.status).toBe("refunded");
  });
});

test("an invoice is refunded in the books, before and after it is shipped, and cancelling gives back the rest", async () => {
  const order = await shop.place("owner", { items: ITEMS, paymentMethod: "invoice" });
  await shop.move(order, "confirmed");
  const early = await refund(order, { items: [{ ...A, quantity: 1 }], restock: true });
  expect([early.status, early.body.data.payment.status]).toEqual([201, "partially_refunded"]);
  await shop.move(order, "shipped");
  expect((await refund(order, { items: [{ productId: "b", quantity: 1 }], restock: false })).status).toBe(
    201,
  );
  expect([moneyOf(order), linesOf(order), mailsOf(order).length]).toEqual([
    ["partially_refunded", 11_999, 6_999],
    [
      [1, 1],
      [1, 0],
    ],
    2,
  ]);
  const other = await shop.place("owner", { items: ITEMS, paymentMethod: "invoice" });
  await shop.move(other, "confirmed");
  await refund(other, { items: [{ ...A, quantity: 1 }], restock: true });
  await shop.move(other, "cancelled");
  expect([moneyOf(other), linesOf(other), refundsOf(other)]).toEqual([
    ["refunded", 11_999, 11_999],
    [
      [2, 2],
      [1, 1],
    ],
    [
      [1, 5_000, 1, "done"],
      [2, 6_999, 1, "done"],
    ],
  ]);
  expect(shop.gateway.asked.filter((each) => each.includes(order.id) || each.includes(other.id))).toEqual([]);
});

test("many at once never exceed what was bought", async () => {
  const order = await shipped();
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => refund(order, { items: [{ ...A, quantity: 1 }], restock: true })),
  );
  expect(answers.filter(({ status }) => status === 201).length).toBe(2);
  expect(answers.filter(({ status }) => status === 409).length).toBe(6);
  expect([moneyOf(order), linesOf(order)[0]]).toEqual([
    ["partially_refunded", 11_999, 10_000],
    [2, 2],
  ]);
});
