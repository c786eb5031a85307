// Requests whose answer is lost: another process asks again once the lease has run out, and the order ends as if it had come.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type Asker, factsOf, openStepShop, type Placed, type StepShop } from "../testing/order-steps.ts";
import { silentLog } from "../testing/shop.ts";
import { requestKey } from "./payment/effects.ts";
import { LEASE_MS, performRequest } from "./payment/requests.ts";

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

type Kind = "capture" | "void" | "refund";
const AMOUNT: Record<Kind, number> = { capture: 10_000, void: 10_000, refund: 5_000 };
const BODY = { items: [{ productId: "a", size: "42", quantity: 1 }], restock: true };

const start: Record<Kind, (order: Placed) => Promise<{ status: number }>> = {
  capture: (order) => shop.put("admin", order, { status: "shipped" }),
  void: (order) => shop.put("owner", order, { status: "cancelled" }),
  refund: (order) => shop.as("admin", "POST", `/api/orders/${order.id}/refunds`, BODY),
};
/** The status of the first answer, and how the order ends. */
const ENDS: [Kind, first: number, payment: unknown[], refused: unknown[]][] = [
  ["capture", 504, ["shipped", "captured", 10_000, 0], ["confirmed", "authorized", 0, 0]],
  ["void", 200, ["cancelled", "voided", 0, 0], ["cancelled", "authorized", 0, 0]],
  ["refund", 504, ["shipped", "partially_refunded", 10_000, 5_000], ["shipped", "captured", 10_000, 0]],
];

/** The settlement of the request by another process, so much later. */
const askLater = ({ id, number }: Placed, kind: Kind, laterMs: number) => {
  const refund = kind === "refund" ? 1 : 0;
  return performRequest(
    { db: shop.db, gateway: shop.gateway, now: () => Date.now() + laterMs, log: silentLog },
    {
      orderId: id,
      number,
      kind,
      refund,
      amountCents: AMOUNT[kind],
      key: requestKey(id, kind, refund),
    },
  );
};

async function placed(kind: Kind): Promise<Placed> {
  const order = await shop.place("owner");
  if (kind === "refund") await shop.move(order, "shipped");
  return order;
}

describe.each(ENDS)("a %s", (kind, first, done, refused) => {
  test.each(["never arrived", "took effect"])("that %s", async (what) => {
    const order = await placed(kind);
    const ask = shop.gateway[kind].bind(shop.gateway) as (...args: unknown[]) => Promise<unknown>;
    let isLost = true;
    // The gateway does what it is asked, and its answer is lost.
    if (what === "took effect")
      Object.assign(shop.gateway, {
        [kind]: async (...args: unknown[]) => {
          const answer = await ask(...args);
          if (isLost) throw new Error("the answer is lost");
          return answer;
        },
      });
    else
      shop.gateway.script[kind] = async () => {
        throw new Error("never arrived");
      };
    expect((await start[kind](order)).status).toBe(first);
    expect(facts.request(order, kind)).toEqual(["due", 0]);
    isLost = false;
    shop.gateway.script = {};
    // Both processes ask at once: one has the lease.
    const asked = shop.gateway.asked.length;
    const outcomes = await Promise.all([
      askLater(order, kind, 2 * LEASE_MS),
      askLater(order, kind, 2 * LEASE_MS),
    ]);
    expect([...outcomes].sort()).toEqual(["done", "unknown"]);
    expect([shop.gateway.asked.length - asked, facts.request(order, kind)]).toEqual([1, ["done", 1]]);
    expect(facts.payment(order)).toEqual(done);
    const paid = shop.gateway.payments.get(order.id);
    expect([paid?.capturedCents, paid?.refundedCents]).toEqual([Number(done[2]), Number(done[3])]);
    Object.assign(shop.gateway, { [kind]: ask });
  });

  test("that is refused later", async () => {
    const order = await placed(kind);
    shop.gateway.script[kind] = async () => {
      throw new Error("no answer");
    };
    await start[kind](order);
    shop.gateway.script[kind] = async () => "refuse";
    expect(await askLater(order, kind, 2 * LEASE_MS)).toBe("refused");
    expect([facts.payment(order), facts.request(order, kind)]).toEqual([refused, ["refused", 1]]);
    expect(await askLater(order, kind, 4 * LEASE_MS)).toBe("unknown");
  });
});

test.each<[Asker, number]>([
  ["admin", 504],
  ["key", 504],
])(
  "a repetition by the %s while another process has the lease is %d, and sends nothing to the gateway",
  async (who, status) => {
    const order = await placed("capture");
    shop.gateway.script.capture = async () => {
      throw new Error("no answer");
    };
    await start.capture(order);
    const asked = shop.gateway.asked.length;
    expect((await shop.put(who, order, { status: "shipped" })).status).toBe(status);
    expect(shop.gateway.asked.length).toBe(asked);
  },
);
