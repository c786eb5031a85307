// The JSON of an order: an answer that is made from the JSON before a payment is the one that the database makes after it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestShop, shoe, type TestShop } from "../testing/shop.ts";
import type { Gateway, PaymentState } from "./payment/gateway.ts";

const STATE = { reference: 'a "name" of the gateway', redirectUrl: null, capturedCents: 0, refundedCents: 0 };
const STATES: Record<string, PaymentState> = {
  authorised: { ...STATE, status: "authorized" },
  processing: { ...STATE, status: "processing" },
  redirected: { ...STATE, status: "requires_action", redirectUrl: "https://pay.example/a?b=ü" },
};
const never = () => Promise.reject(new Error("not asked"));
const gateway: Gateway = {
  name: "test",
  authorise: async ({ token }) => STATES[token ?? ""] ?? never(),
  capture: never,
  void: never,
  refund: never,
  lookUp: never,
};

type Order = { id: string; payment: { status: string }; accessToken: string };

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop(
    [
      shoe("a1", { title: 'A "1" of Ü\u2028', priceCents: 12_999 }),
      shoe("b2", { sizes: [{ size: "8½", stock: 9 }] }),
    ],
    {},
    { gateway },
  );
});
afterAll(() => shop.close());

test.each([...Object.keys(STATES), "unknown"])(
  "a placed order is answered as a GET shows it: %s",
  async (token) => {
    const items = [
      { productId: "a1", quantity: 1 },
      { productId: "b2", size: "8½", quantity: 2 },
    ];
    const shippingAddress = { name: "Zoë\n", street: "1/2 Straße", city: "Köln", country: "DE" };
    const body = JSON.stringify({
      items,
      shippingAddress,
      email: `${token}@shop.example`,
      paymentToken: token,
    });
    const headers = { "content-type": "application/json" };
    const placed = await shop.get("/api/orders", { method: "POST", headers, body });
    expect(placed.status).toBe(201);
    const { data } = (await placed.json()) as { data: Order };
    const { accessToken, ...order } = data;
    const found = await shop.get(`/api/orders/${order.id}`, { headers: { "order-token": accessToken } });
    expect(await found.json()).toEqual({ success: true, data: order });
    expect(order.payment.status).toBe(
      { authorised: "authorized", redirected: "requires_action" }[token] ?? "unknown",
    );
  },
);
