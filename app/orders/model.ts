// The OpenAPI description of orders: the shapes of answers, and each route.
import { type TSchema, Type } from "@sinclair/typebox";
import {
  IDEMPOTENCY_KEY,
  inHeader,
  inPath,
  itemOf,
  type Operation,
  operation,
  orNull,
  ref,
} from "../http/openapi-parts.ts";
import { Placing, QuoteRequest } from "./fields.ts";

const money = (description?: string) =>
  Type.Number({ format: "double", ...(description && { description }) });
const time = Type.String({ format: "date-time" });
const word = (values: string[]) => Type.Unsafe<string>({ type: "string", enum: values });

export const ORDER_STATUSES = ["pending", "confirmed", "shipped", "delivered", "cancelled"];
const PAYMENT_STATUSES = [
  "none",
  "requires_action",
  "authorized",
  "captured",
  "voided",
  "partially_refunded",
  "refunded",
  "declined",
  "unknown",
];

const ITEM = Type.Object({
  productId: Type.String(),
  productName: Type.String(),
  size: Type.String({ description: "empty for a shoe without sizes" }),
  quantity: Type.Integer(),
  price: money("of one pair"),
});
const TOTALS = Type.Object({
  items: money(),
  shipping: money(),
  tax: money("what the total contains"),
  total: money(),
});

/** The named schemas of orders. */
export const ORDER_SCHEMAS: Record<string, TSchema> = {
  OrderItem: ITEM,
  OrderTotals: TOTALS,
  OrderAddress: Type.Object({
    name: orNull(Type.String()),
    street: Type.String(),
    street2: orNull(Type.String()),
    city: Type.String(),
    state: orNull(Type.String()),
    zip: orNull(Type.String()),
    country: Type.String(),
    phone: orNull(Type.String()),
  }),
  Order: Type.Object({
    id: Type.String(),
    number: Type.String(),
    userId: orNull(Type.String({ description: "null: a guest's" })),
    email: Type.String({ description: "empty once the account was removed" }),
    status: word(ORDER_STATUSES),
    items: Type.Array(ref("OrderItem")),
    totals: ref("OrderTotals"),
    totalAmount: money("totals.total"),
    currency: Type.String(),
    shippingAddress: Type.Unsafe<unknown>({
      nullable: true,
      allOf: [{ $ref: "#/components/schemas/OrderAddress" }],
    }),
    shippingMethod: Type.String(),
    paymentMethod: word(["card", "invoice"]),
    payment: Type.Object({
      status: word(PAYMENT_STATUSES),
      reference: orNull(Type.String()),
      redirectUrl: Type.Optional(Type.String({ description: "where the customer goes on paying" })),
    }),
    trackingUrl: Type.Optional(Type.String()),
    createdAt: time,
    updatedAt: time,
    accessToken: Type.Optional(
      Type.String({ description: "of a guest's new order: opens it as Order-Token" }),
    ),
  }),
  Quote: Type.Object({
    items: Type.Array(ref("OrderItem")),
    totals: ref("OrderTotals"),
    totalAmount: money("totals.total"),
    currency: Type.String(),
    shippingMethod: Type.String(),
    shippingMethods: Type.Array(Type.Object({ method: Type.String(), name: Type.String(), price: money() })),
    short: Type.Array(
      Type.Object({
        productId: Type.String(),
        size: Type.String(),
        quantity: Type.Integer({ description: "pairs that were asked for" }),
        available: Type.Integer({ description: "pairs in stock" }),
      }),
      { description: "lines of which fewer pairs are in stock" },
    ),
  }),
};

const TAG = "Orders";
const ID = inPath("id", "an order's id");
const ORDER_TOKEN = inHeader("Order-Token", "the accessToken of a guest's order");

/** The description of each route. */
export const DOCS = {
  placeOrder: operation("placeOrder", {
    summary: "Place an order and pay it; signed in, or as a guest with an e-mail address",
    tag: TAG,
    parameters: [IDEMPOTENCY_KEY],
    body: Placing.schema,
    answer: [201, itemOf("Order")],
    errors: [401, 402, 403, 409, 422, 504],
    access: "open",
  }),
  quoteOrder: operation("quoteOrder", {
    summary: "Today's lines, totals and ways of delivery; takes nothing",
    tag: TAG,
    body: QuoteRequest.schema,
    answer: [200, itemOf("Quote")],
    errors: [401],
    access: "open",
  }),
  getOrder: operation("getOrder", {
    summary: "One order: the caller's own, a guest's with its token, or any for an admin",
    tag: TAG,
    parameters: [ID, ORDER_TOKEN],
    answer: [200, itemOf("Order")],
    errors: [404],
  }),
} satisfies Record<string, Operation>;
