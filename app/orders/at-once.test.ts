// Orders placed at once, whose payments are written together: each gets its own outcome.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestShop, shoe, type TestShop } from "../testing/shop.ts";

const SCARCE = 3;
/** The orders and their payments, again and again. */
const KINDS = [
  { productId: "a1", token: "ok" },
  { productId: "a1", token: "declined" },
  { productId: "scarce", token: "ok" },
  { productId: "a1", token: "redirect" },
  { productId: "a1", token: null },
];
const ORDERS = 60;

type Order = {
  id: string;
  number: string;
  email: string;
  status: string;
  payment: { status: string; reference: string };
  accessToken: string;
};

let shop: TestShop;
beforeAll(async () => {
  const sizes = (stock: number) => [{ size: "", stock }];
  shop = await openTestShop([shoe("a1", { sizes: sizes(500) }), shoe("scarce", { sizes: sizes(SCARCE) })], {
    OPEN_ORDERS_MAX: "0",
    OPEN_ORDERS_ADDRESS_MAX: "0",
  });
});
afterAll(() => shop.close());

async function place(at: number) {
  const { productId, token } = KINDS[at % KINDS.length] as (typeof KINDS)[number];
  const email = `guest-${at}@shop.example`;
  const body = JSON.stringify({ items: [{ productId, quantity: 1 }], email, paymentToken: token });
  const headers = { "content-type": "application/json" };
  const answer = await shop.get("/api/orders", { method: "POST", headers, body });
  return { email, productId, token, status: answer.status, body: (await answer.json()) as { data: Order } };
}

test("each order gets the outcome of its own payment, and is answered as a GET shows it", async () => {
  const placed = await Promise.all(Array.from({ length: ORDERS }, (_, at) => place(at)));
  const soldOut = placed.filter(({ productId, status }) => productId === "scarce" && status === 409);
  expect(soldOut.length).toBe(ORDERS / KINDS.length - SCARCE);

  const answered = placed.filter(({ status }) => status === 201);
  const references = new Set<string>();
  for (const { email, token, body } of answered) {
    const { accessToken, ...order } = body.data;
    const isWaiting = token === "redirect";
    expect([order.email, order.status, order.payment.status]).toEqual(
      isWaiting ? [email, "pending", "requires_action"] : [email, "confirmed", "authorized"],
    );
    references.add(order.payment.reference);
    const found = await shop.get(`/api/orders/${order.id}`, { headers: { "order-token": accessToken } });
    expect(await found.json()).toEqual({ success: true, data: order });
  }
  expect(references.size).toBe(answered.length);

  const declined = placed.filter(({ status }) => status === 402);
  expect(declined.length).toBe(placed.filter(({ token }) => token === "declined").length);
  expect(answered.length + declined.length + soldOut.length).toBe(ORDERS);
  const left = shop.db.read.get<[number]>(
    "SELECT z.stock FROM sizes AS z JOIN shoes AS s ON s.id = z.shoe WHERE s.shoe_id = 'a1'",
  );
  const held = answered.filter(({ productId }) => productId === "a1").length;
  expect(left?.[0]).toBe(500 - held);
});
