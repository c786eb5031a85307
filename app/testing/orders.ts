// Orders for tests: placing over HTTP, a gateway that the test answers for, random carts, and what stands in the tables.
import fc from "fast-check";
import type { Database, Row } from "../../db/database.ts";
import type { Gateway, PaymentState } from "../orders/payment/gateway.ts";
import { statementsOf } from "../orders/payment/settle.ts";
import type { ShoeDraft } from "../shoes/write/draft.ts";
import { ask } from "./people.ts";
import { shoe } from "./shop.ts";

type Shop = { get(path: string, init?: RequestInit): Promise<Response> };

/** An answer to a request about orders; `body` is parsed JSON. */
export type OrderAnswer = {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the expectations of a test say what the body is
  body: any;
};

type Sent = { token?: string; key?: string; headers?: Record<string, string> };

/** Sends a request about orders and reads its JSON; `key` is an Idempotency-Key. */
export async function askFor(
  shop: Shop,
  method: string,
  path: string,
  body?: unknown,
  { token, key, headers = {} }: Sent = {},
): Promise<OrderAnswer> {
  const answer = await ask(shop, method, path, {
    body,
    headers: { ...headers, ...(key === undefined ? {} : { "idempotency-key": key }) },
    ...(token === undefined ? {} : { token }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === "" ? null : JSON.parse(text) };
}

/** Places an order. */
export const order = (shop: Shop, body: unknown, sent?: Sent): Promise<OrderAnswer> =>
  askFor(shop, "POST", "/api/orders", body, sent);

export const GUEST = "guest@shop.example";

/** The body of a guest's order of one pair, except for the given fields. */
export const guestOrder = (productId: string, given: Record<string, unknown> = {}) => ({
  email: GUEST,
  items: [{ productId, quantity: 1 }],
  ...given,
});

/** The whole stock and what orders hold of it: equal before and after what must take nothing. */
export const stockIn = (db: Database): Row[][] => [
  db.read.all("SELECT shoe, size, stock FROM sizes ORDER BY shoe, size"),
  db.read.all("SELECT shoe, size, pairs FROM stock_taken WHERE pairs > 0 ORDER BY shoe, size"),
];

/** The pairs in stock of a shoe, over all its sizes. */
export const pairsOf = (db: Database, shoeId: string): number =>
  db.read.get<[number]>(
    "SELECT sum(stock) FROM sizes WHERE shoe = (SELECT id FROM shoes WHERE shoe_id = ?)",
    shoeId,
  )?.[0] ?? 0;

/** The number of orders, of any status. */
export const ordersIn = (db: Database): number =>
  db.read.get<[number]>("SELECT count(*) FROM orders")?.[0] ?? 0;

/** The answer of a gateway to an authorisation. */
export const paymentOf = (status: PaymentState["status"], orderId = "x"): PaymentState => ({
  status,
  reference: `test-${orderId}`,
  redirectUrl: status === "requires_action" ? "https://pay.example/go-on" : null,
  capturedCents: 0,
  refundedCents: 0,
});

/** Settles the payment of an order as another process does. */
export const settleElsewhere = (db: Database, orderId: string, state: PaymentState): Promise<unknown> =>
  db.write(statementsOf(orderId, state, Date.now()));

type Authorise = Gateway["authorise"];

/** Answers by the payment token: `declined`, `redirect`, `processing`, `voided`; any other and none is authorised. */
export const byToken: Authorise = async ({ orderId, token }) => {
  if (token === "declined" || token === "processing" || token === "voided") return paymentOf(token, orderId);
  return paymentOf(token === "redirect" ? "requires_action" : "authorized", orderId);
};

/** A gateway that authorises as the test says, and knows no more about any payment. */
export function openTestGateway(authorise: Authorise = byToken) {
  const asked: Parameters<Authorise>[0][] = [];
  const gateway: Gateway = {
    name: "test",
    authorise(request, signal) {
      asked.push(request);
      return authorise(request, signal);
    },
    capture: async () => ({ outcome: "done" }),
    void: async () => ({ outcome: "done" }),
    refund: async () => ({ outcome: "done" }),
    lookUp: async () => null,
  };
  return { gateway, asked };
}

/** Shoes for random carts: with and without sizes, with prices whose tax ends at or beside a half. */
export const CART_SHOES: ShoeDraft[] = [1, 3, 99, 1_995, 9_999, 12_999, 59_500, 100_000_000].map(
  (priceCents, index) =>
    shoe(`c${index}`, {
      priceCents,
      sizes:
        index % 2 === 0
          ? [{ size: "", stock: 1_000_000 }]
          : ["41", "42 1/3", "XL"].map((size) => ({ size, stock: 1_000_000 })),
    }),
);

/** Ways of delivery and rates of tax for random carts, as the settings say them. */
export const CART_SETTINGS = {
  SHIPPING: JSON.stringify([
    { method: "post", name: "Post", countries: ["DE", "FR"], price: 4.9, freeFrom: 150 },
    { method: "express", name: "Express", countries: ["DE", "GB"], price: 12.35 },
    { method: "pickup", name: "Pick-up", price: 0 },
  ]),
  TAX_RATES: JSON.stringify({ DE: 19, FR: 5.5, GB: 20, CH: 8.1, HU: 27.25 }),
};

const ITEM = fc
  .record({ at: fc.nat(CART_SHOES.length - 1), of: fc.nat(2), quantity: fc.integer({ min: 1, max: 9 }) })
  .map(({ at, of, quantity }) => {
    const { shoeId, sizes } = CART_SHOES[at] as ShoeDraft;
    const size = sizes[of % sizes.length]?.size ?? "";
    return {
      productId: shoeId,
      quantity,
      ...(size === "" ? {} : { size: of === 1 ? size.toLowerCase() : size }),
    };
  });

/** A random cart: its items, some of them equal, and where it goes. */
export type Cart = {
  items: { productId: string; quantity: number; size?: string }[];
  country: string | null;
  shippingMethod: string | null;
};

/** Random carts that every shop with the shoes and settings above can deliver. */
export const CARTS: fc.Arbitrary<Cart> = fc.record({
  items: fc.array(ITEM, { minLength: 1, maxLength: 8 }),
  country: fc.constantFrom(null, "DE", "FR", "GB", "CH", "HU", "US"),
  shippingMethod: fc.constantFrom(null, "pickup"),
});

/** The body of an order of a cart. */
export const orderOf = ({ items, country, shippingMethod }: Cart) => ({
  email: GUEST,
  items,
  shippingMethod,
  shippingAddress: country && { name: "Ada", street: "Way 1", city: "Town", country },
});
