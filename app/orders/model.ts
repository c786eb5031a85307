// The OpenAPI description of orders: the shapes of answers, and each route.
import { type TSchema, Type } from "@sinclair/typebox";
import {
  IDEMPOTENCY_KEY,
  inHeader,
  inPath,
  itemOf,
  listOf,
  type Operation,
  operation,
  orNull,
  paging,
  query,
  ref,
} from "../http/openapi-parts.ts";
import { Placing, QuoteRequest, RefundRequest, StatusChange } from "./fields.ts";
import { STATUSES } from "./steps.ts";

const money = (description?: string) =>
  Type.Number({ format: "double", ...(description && { description }) });
const time = Type.String({ format: "date-time" });
const word = (values: readonly string[]) => Type.Unsafe<string>({ type: "string", enum: [...values] });

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
  OrderAddress: orNull(
    Type.Object({
      name: orNull(Type.String()),
      street: Type.String(),
      street2: orNull(Type.String()),
      city: Type.String(),
      state: orNull(Type.String()),
      zip: orNull(Type.String()),
      country: Type.String(),
      phone: orNull(Type.String()),
    }),
  ),
  Order: Type.Object({
    id: Type.String(),
    number: Type.String(),
    userId: orNull(Type.String({ description: "null: a guest's" })),
    email: Type.String({ description: "empty once the account was removed" }),
    status: word(STATUSES),
    items: Type.Array(ref("OrderItem")),
    totals: ref("OrderTotals"),
    totalAmount: money("totals.total"),
    currency: Type.String(),
    shippingAddress: ref("OrderAddress"),
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
  OrderHistoryEntry: Type.Object({
    status: word(STATUSES),
    changedBy: word(["customer", "admin", "gateway", "system"]),
    at: time,
  }),
  Refund: Type.Object({
    id: Type.String({ description: "the order's number and the number of its refund" }),
    orderId: Type.String(),
    items: Type.Array(ref("OrderItem"), { description: "the pairs that were refunded" }),
    amount: money(),
    currency: Type.String(),
    restock: Type.Boolean({ description: "whether the pairs went back into stock" }),
    payment: Type.Object(
      { status: word(PAYMENT_STATUSES) },
      { description: "of the order, after the refund" },
    ),
    createdAt: time,
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
        quantity: Type.Integer({ description: "pairs in the request" }),
        available: Type.Integer({ description: "pairs in stock" }),
      }),
      { description: "lines of which fewer pairs are in stock" },
    ),
  }),
};

const TAG = "Orders";
const ID = inPath("id", "an order's id");
const ORDER_TOKEN = inHeader("Order-Token", "the accessToken of a guest's order");

const PLACING = `The shop computes the total. Without a \`paymentToken\` the payment may be \`requires_action\`: the order is then pending,
and the customer goes on paying at \`payment.redirectUrl\`.

- 200: an earlier order of the same account or guest has this \`cartId\`, and is answered.
- 402: the payment was declined; the order \`orderId\` is cancelled, and another try is a new order.
- 409: \`out-of-stock\`, with what is left of each line; \`price-changed\`, above \`expectedTotal\`; \`payment-unavailable\`; or
  \`conflict\`, for a \`cartId\` of another account or guest.
- 429: too many requests, or \`too-many-open-orders\`, which wait for their payment.`;

/** The description of each route. */
export const DOCS = {
  placeOrder: operation("placeOrder", {
    summary: "Place an order and pay it; signed in, or as a guest with an e-mail address",
    description: PLACING,
    tag: TAG,
    parameters: [IDEMPOTENCY_KEY],
    body: Placing.schema,
    answer: [201, itemOf("Order")],
    again: 200,
    errors: [402, 403, 409, 422, 504],
    access: "optional",
  }),
  quoteOrder: operation("quoteOrder", {
    summary: "Today's lines, totals and ways of delivery; takes nothing",
    tag: TAG,
    body: QuoteRequest.schema,
    answer: [200, itemOf("Quote")],
    access: "optional",
  }),
  getOrder: operation("getOrder", {
    summary: "One order: the caller's own, a guest's with its token, or any for an admin",
    tag: TAG,
    parameters: [ID, ORDER_TOKEN],
    answer: [200, itemOf("Order")],
    errors: [404],
    access: "optional",
  }),
  listOrders: operation("listOrders", {
    summary: "The caller's own orders, newest first; an admin may ask for others",
    tag: TAG,
    parameters: [
      ...paging("orders"),
      query("status", word(STATUSES), "only orders with this status"),
      query("userId", Type.String(), "of this account, or me; others' only for admins"),
      query("email", Type.String(), "of this account or guest; only for admins"),
      query("number", Type.Integer({ minimum: 1 }), "the order with this number; only for admins"),
      query("all", Type.Boolean(), "the orders of all accounts and guests; only for admins"),
    ],
    answer: [200, listOf("Order")],
  }),
  listOrderItems: operation("listOrderItems", {
    summary: "The lines of an order",
    tag: TAG,
    parameters: [ID, ORDER_TOKEN],
    answer: [200, listOf("OrderItem")],
    errors: [404],
    access: "optional",
  }),
  listOrderHistory: operation("listOrderHistory", {
    summary: "The statuses that an order has had, oldest first",
    tag: TAG,
    parameters: [ID, ORDER_TOKEN],
    answer: [200, listOf("OrderHistoryEntry")],
    errors: [404],
    access: "optional",
  }),
  changeOrderStatus: operation("changeOrderStatus", {
    summary: "Take an order to its next status; its owner and its guest may only cancel it",
    tag: TAG,
    parameters: [ID, ORDER_TOKEN],
    body: StatusChange.schema,
    answer: [200, itemOf("Order")],
    errors: [403, 404, 409, 504],
    access: "optional",
  }),
  refundOrder: operation("refundOrder", {
    summary: "Refund lines of an order, an amount, or both",
    tag: TAG,
    parameters: [ID, IDEMPOTENCY_KEY],
    body: RefundRequest.schema,
    answer: [201, itemOf("Refund")],
    errors: [404, 409, 422, 504],
  }),
} satisfies Record<string, Operation>;
