// Random steps and refunds of one order, one after the other against a model and many at once: money and stock never exceed.
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { booksOf } from "../testing/books.ts";
import { factsOf, openStepShop, type Placed, type StepShop } from "../testing/order-steps.ts";

const TIMEOUT_MS = 60_000;
const RUNS = 60;
const PRICES = { a: 5_000, b: 1_999 };
const PAIRS = { a: 2, b: 3 };
type Id = keyof typeof PRICES;

const IDS: Id[] = ["a", "b"];
const size = (id: Id) => (id === "a" ? { size: "42" } : {});
const TOTAL = IDS.reduce((sum, id) => sum + PRICES[id] * PAIRS[id], 0);

let shop: StepShop;
let facts: ReturnType<typeof factsOf>;
beforeAll(async () => {
  shop = await openStepShop();
  facts = factsOf(shop);
});
afterAll(() => shop.close());

type Refund = {
  kind: "refund";
  pairs: Record<Id, number>;
  cents: number | null;
  restock: boolean;
  isRefused: boolean;
};
type Move = { kind: "move"; to: "confirmed" | "shipped" | "delivered" | "cancelled"; isRefused: boolean };
type Action = Refund | Move;

const REFUND: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant("refund" as const),
  pairs: fc.record({ a: fc.nat(3), b: fc.nat(4) }),
  cents: fc.oneof(fc.constant(null), fc.constant(TOTAL), fc.integer({ min: 1, max: 17_000 })),
  restock: fc.boolean(),
  isRefused: fc.oneof(
    { weight: 4, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
});
const MOVE: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant("move" as const),
  to: fc.constantFrom("confirmed", "shipped", "shipped", "delivered", "cancelled"),
  isRefused: fc.oneof(
    { weight: 4, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
});
const ACTIONS = fc.array(fc.oneof({ weight: 3, arbitrary: REFUND }, { weight: 2, arbitrary: MOVE }), {
  minLength: 1,
  maxLength: 10,
});
const METHOD = fc.constantFrom("card" as const, "invoice" as const);

const place = (paymentMethod: "card" | "invoice"): Promise<Placed> =>
  shop.place("owner", {
    items: IDS.map((id) => ({ productId: id, ...size(id), quantity: PAIRS[id] })),
    paymentMethod,
  });

async function send(order: Placed, action: Action): Promise<number> {
  if (action.kind === "move") return (await shop.put("admin", order, { status: action.to })).status;
  const { pairs, cents, restock } = action;
  const answer = await shop.as("admin", "POST", `/api/orders/${order.id}/refunds`, {
    items: IDS.filter((id) => pairs[id] > 0).map((id) => ({
      productId: id,
      ...size(id),
      quantity: pairs[id],
    })),
    ...(cents === null ? {} : { amount: cents / 100 }),
    restock,
  });
  return answer.status;
}

type Model = {
  status: string;
  captured: number;
  refunded: number;
  lines: Record<Id, { refunded: number; returned: number; restocked: number }>;
};

const newModel = (isCard: boolean): Model => ({
  status: isCard ? "confirmed" : "pending",
  captured: 0,
  refunded: 0,
  lines: { a: { refunded: 0, returned: 0, restocked: 0 }, b: { refunded: 0, returned: 0, restocked: 0 } },
});

/** The answer that the model expects of an action; changes the model where the action has an effect. */
function expected(model: Model, action: Action, isCard: boolean): number {
  return action.kind === "move" ? expectedMove(model, action, isCard) : expectedRefund(model, action, isCard);
}

function expectedMove(model: Model, { to, isRefused }: Move, isCard: boolean): number {
  if (model.status === to) return 200;
  const steps = [
    "pending confirmed",
    "pending cancelled",
    "confirmed shipped",
    "confirmed cancelled",
    "shipped delivered",
  ];
  if (!steps.includes(`${model.status} ${to}`)) return 409;
  if (to === "shipped" && isCard && isRefused) return 409;
  model.status = to;
  if (to === "confirmed" || (to === "shipped" && isCard)) model.captured = TOTAL;
  if (to !== "cancelled") return 200;
  model.refunded = model.captured;
  for (const id of IDS) model.lines[id].returned = PAIRS[id];
  return 200;
}

function expectedRefund(model: Model, { pairs, cents, restock, isRefused }: Refund, isCard: boolean): number {
  const amount = cents ?? IDS.reduce((sum, id) => sum + PRICES[id] * pairs[id], 0);
  if (amount === 0) return model.captured === 0 ? 409 : 400;
  const isOver = IDS.some((id) => pairs[id] > PAIRS[id] - model.lines[id].refunded);
  if (model.captured === 0 || isOver || amount > model.captured - model.refunded) return 409;
  for (const id of IDS) {
    const line = model.lines[id];
    const back = line.restocked + (restock ? pairs[id] : 0);
    if (restock && pairs[id] > 0) line.returned = Math.max(line.returned, back);
    if (isCard && isRefused) continue;
    line.refunded += pairs[id];
    line.restocked = back;
  }
  if (isCard && isRefused) return 409;
  model.refunded += amount;
  return 201;
}

type LineRow = [id: string, quantity: number, refunded: number, returned: number];
const linesOf = ({ number }: Placed) =>
  shop.db.read.all<LineRow>(
    "SELECT product_id, quantity, refunded, returned FROM order_lines WHERE number = ? ORDER BY position",
    number,
  );
const stock = () =>
  shop.db.read.all<[string, number]>(
    "SELECT s.shoe_id, sum(z.stock) FROM shoes AS s JOIN sizes AS z ON z.shoe = s.id GROUP BY s.id ORDER BY s.shoe_id",
  );

/** The invariants after every action: between the lines, their stock, the refunds, the order and the gateway. */
function checkBooks(order: Placed, before: [string, number][]): void {
  const [status, paymentStatus, captured, refunded] = facts.payment(order) as [
    string,
    string,
    number,
    number,
  ];
  const lines = linesOf(order);
  const [sums] = shop.row(
    `SELECT json_group_array(coalesce((SELECT sum(q.quantity) FROM refund_lines AS q
       JOIN refunds AS r ON r.number = q.number AND r.position = q.refund AND r.state <> 'refused'
       WHERE q.number = l.number AND q.position = l.position), 0)) FROM order_lines AS l WHERE number = ?`,
    order,
  );
  expect(lines.map(([, , pairs]) => pairs)).toEqual(JSON.parse(String(sums)));
  for (const [index, [id, quantity, pairsRefunded, returned]] of lines.entries()) {
    expect(pairsRefunded).toBeLessThanOrEqual(quantity);
    expect(returned).toBeLessThanOrEqual(quantity);
    expect([id, stock()[index]?.[1]]).toEqual([id, (before[index]?.[1] ?? 0) - quantity + returned]);
  }
  const [counted] = shop.row(
    "SELECT coalesce(sum(amount_cents), 0) FROM refunds WHERE number = ? AND state <> 'refused'",
    order,
  );
  expect(refunded).toBe(Number(counted));
  expect([0, TOTAL]).toContain(captured);
  expect(refunded).toBeLessThanOrEqual(captured);
  if (status === "cancelled")
    expect([captured - refunded, lines.map(([, quantity, , back]) => quantity - back)]).toEqual([0, [0, 0]]);
  const paid = shop.gateway.payments.get(order.id);
  if (!paid) return;
  expect([paid.capturedCents, paid.refundedCents]).toEqual([captured, refunded]);
  expect(["authorized", "captured", "voided"]).toContain(paid.status);
  const word = refunded === captured ? "refunded" : refunded > 0 ? "partially_refunded" : "captured";
  if (paid.status === "captured") expect([status === "cancelled", paymentStatus]).toEqual([false, word]);
}

function scriptFor(isRefused: boolean): void {
  shop.gateway.script = isRefused ? { capture: async () => "refuse", refund: async () => "refuse" } : {};
}

test(
  "one after the other, as the model says",
  async () => {
    await fc.assert(
      fc.asyncProperty(METHOD, ACTIONS, async (method, actions) => {
        const isCard = method === "card";
        const before = stock();
        const order = await place(method);
        const model = newModel(isCard);
        for (const action of actions) {
          scriptFor(action.isRefused);
          const status = expected(model, action, isCard);
          expect([action, await send(order, action)]).toEqual([action, status]);
          expect(facts.payment(order).filter((_, index) => index !== 1)).toEqual([
            model.status,
            model.captured,
            model.refunded,
          ]);
          expect(linesOf(order).map(([, , , returned]) => returned)).toEqual(
            IDS.map((id) => model.lines[id].returned),
          );
          checkBooks(order, before);
        }
      }),
      { numRuns: RUNS },
    );
  },
  TIMEOUT_MS,
);

test(
  "all at once, in any order",
  async () => {
    await fc.assert(
      fc.asyncProperty(METHOD, ACTIONS, fc.boolean(), async (method, actions, isShipped) => {
        scriptFor(false);
        const before = stock();
        const order = await place(method);
        if (isShipped)
          await shop.move(order, ...(method === "card" ? ["shipped"] : ["confirmed", "shipped"]));
        const statuses = await Promise.all(actions.map((action) => send(order, action)));
        expect(statuses.filter((status) => ![200, 201, 400, 409, 504].includes(status))).toEqual([]);
        checkBooks(order, before);
        // No pair and no cent twice: what was acknowledged is what the books have.
        const done = actions.filter(
          (action, index) => action.kind === "refund" && statuses[index] === 201,
        ) as Refund[];
        const isCancelled = facts.payment(order)[0] === "cancelled";
        for (const [index, id] of IDS.entries()) {
          const acknowledged = done.reduce((sum, { pairs }) => sum + pairs[id], 0);
          const [, quantity = 0, refunded = 0] = linesOf(order)[index] ?? [];
          if (!isCancelled) expect(refunded).toBe(acknowledged);
          expect(acknowledged).toBeLessThanOrEqual(quantity);
        }
        const moves = shop.db.read
          .all("SELECT status FROM order_history WHERE number = ?", order.number)
          .flat();
        expect(new Set(moves).size).toBe(moves.length);
      }),
      { numRuns: RUNS },
    );
  },
  TIMEOUT_MS,
);

test("after all this the books are right", async () => {
  expect(await booksOf(shop.databasePath)).toEqual([]);
});
