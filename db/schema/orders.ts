// The tables of orders, payment and mail as TypeScript sees them. The migrations create them, and a test compares the two.
import { sql } from "drizzle-orm";
import {
  foreignKey,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import { users } from "./schema.ts";

/** Pairs that the lines of orders hold, by size. */
export const stockTaken = sqliteTable(
  "stock_taken",
  { shoe: integer().notNull(), size: text().notNull(), pairs: integer().notNull() },
  (taken) => [primaryKey({ columns: [taken.shoe, taken.size] })],
);

/** An order; money in minor units, times in ms since 1970, `address` a JSON object. */
export const orders = sqliteTable(
  "orders",
  {
    number: integer().primaryKey(),
    id: text().notNull().unique(),
    userId: text("user_id").references(() => users.id),
    email: text().notNull(),
    emailKey: text("email_key").notNull(),
    status: text({ enum: ["pending", "confirmed", "shipped", "delivered", "cancelled"] }).notNull(),
    currency: text().notNull(),
    itemsCents: integer("items_cents").notNull(),
    shippingCents: integer("shipping_cents").notNull(),
    taxCents: integer("tax_cents").notNull(),
    totalCents: integer("total_cents").notNull(),
    address: text(),
    shippingMethod: text("shipping_method").notNull(),
    paymentMethod: text("payment_method", { enum: ["card", "invoice"] }).notNull(),
    paymentStatus: text("payment_status", {
      enum: [
        "none",
        "authorizing",
        "requires_action",
        "authorized",
        "captured",
        "voided",
        "partially_refunded",
        "refunded",
        "declined",
        "unknown",
      ],
    }).notNull(),
    paymentReference: text("payment_reference"),
    redirectUrl: text("redirect_url"),
    capturedCents: integer("captured_cents").notNull().default(0),
    refundedCents: integer("refunded_cents").notNull().default(0),
    trackingUrl: text("tracking_url"),
    cartId: text("cart_id"),
    client: text(),
    changedBy: text("changed_by", { enum: ["customer", "admin", "gateway", "system"] }).notNull(),
    heldUntil: integer("held_until"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    confirmedAt: integer("confirmed_at"),
  },
  (order) => {
    const isWaiting = sql`${order.status} = 'pending' AND ${order.paymentStatus} <> 'authorizing'`;
    return [
      index("orders_by_user").on(order.userId).where(sql`${order.userId} IS NOT NULL`),
      index("orders_by_email").on(order.emailKey),
      uniqueIndex("orders_cart")
        .on(order.cartId)
        .where(sql`${order.cartId} IS NOT NULL AND ${order.status} <> 'cancelled'`),
      index("orders_by_confirmation").on(order.confirmedAt).where(sql`${order.confirmedAt} IS NOT NULL`),
      index("orders_by_status").on(order.status),
      index("orders_waiting").on(sql`coalesce(${order.userId}, ${order.emailKey})`).where(isWaiting),
      index("orders_waiting_by_client").on(order.client).where(isWaiting),
    ];
  },
);

const ofOrder = () => integer().references(() => orders.number);

/** The lines of orders, copied when the order was placed; `shoe` may be the row of a shoe that is gone. */
export const orderLines = sqliteTable(
  "order_lines",
  {
    number: ofOrder().notNull(),
    position: integer().notNull(),
    shoe: integer().notNull(),
    productId: text("product_id").notNull(),
    title: text().notNull(),
    size: text().notNull(),
    quantity: integer().notNull(),
    priceCents: integer("price_cents").notNull(),
    taxCents: integer("tax_cents").notNull(),
    refunded: integer().notNull().default(0),
    returned: integer().notNull().default(0),
  },
  (line) => [primaryKey({ columns: [line.number, line.position] })],
);

/** Every status that an order had; maintained by triggers. */
export const orderHistory = sqliteTable(
  "order_history",
  {
    number: ofOrder().notNull(),
    position: integer().notNull(),
    status: text().notNull(),
    changedBy: text("changed_by").notNull(),
    at: integer().notNull(),
  },
  (step) => [
    primaryKey({ columns: [step.number, step.position] }),
    index("order_history_cancelled").on(step.at).where(sql`${step.status} = 'cancelled'`),
  ],
);

/** The refunds of an order, numbered from 1. */
export const refunds = sqliteTable(
  "refunds",
  {
    number: ofOrder().notNull(),
    position: integer().notNull(),
    amountCents: integer("amount_cents").notNull(),
    restock: integer().notNull(),
    state: text({ enum: ["due", "done", "refused"] }).notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (refund) => [
    primaryKey({ columns: [refund.number, refund.position] }),
    index("refunds_by_time").on(refund.createdAt),
  ],
);

/** The pairs of each line in a refund. */
export const refundLines = sqliteTable(
  "refund_lines",
  {
    number: integer().notNull(),
    refund: integer().notNull(),
    position: integer().notNull(),
    quantity: integer().notNull(),
  },
  (line) => [
    primaryKey({ columns: [line.number, line.refund, line.position] }),
    foreignKey({ columns: [line.number, line.refund], foreignColumns: [refunds.number, refunds.position] }),
    foreignKey({
      columns: [line.number, line.position],
      foreignColumns: [orderLines.number, orderLines.position],
    }),
  ],
);

/** Requests to the payment gateway; `refund` is the position of the refund, 0 for the other kinds. */
export const paymentRequests = sqliteTable(
  "payment_requests",
  {
    number: ofOrder().notNull(),
    kind: text({ enum: ["authorise", "capture", "void", "refund"] }).notNull(),
    refund: integer().notNull().default(0),
    amountCents: integer("amount_cents").notNull(),
    state: text({ enum: ["due", "done", "refused"] }).notNull(),
    dueAt: integer("due_at").notNull(),
    tries: integer().notNull().default(0),
    createdAt: integer("created_at").notNull(),
    settledAt: integer("settled_at"),
  },
  (request) => [
    primaryKey({ columns: [request.number, request.kind, request.refund] }),
    index("payment_requests_due").on(request.dueAt).where(sql`${request.state} = 'due'`),
  ],
);

/** The events of gateways that took effect. */
export const paymentEvents = sqliteTable("payment_events", {
  id: text().notNull().primaryKey(),
  number: ofOrder().notNull(),
  at: integer().notNull(),
});

/** Mails to send, sent or given up; `data` is a JSON object. */
export const outbox = sqliteTable(
  "outbox",
  {
    seq: integer().primaryKey(),
    number: ofOrder(),
    kind: text().notNull(),
    part: integer().notNull().default(0),
    recipient: text(),
    data: text(),
    state: text({ enum: ["held", "due", "sent", "parked", "withdrawn"] }).notNull(),
    dueAt: integer("due_at").notNull(),
    createdAt: integer("created_at").notNull(),
    key: text(),
    tries: integer().notNull().default(0),
    lastError: text("last_error"),
    sentAt: integer("sent_at"),
  },
  (mail) => [
    unique().on(mail.number, mail.kind, mail.part),
    uniqueIndex("outbox_keys").on(mail.kind, mail.key).where(sql`${mail.key} IS NOT NULL`),
    index("outbox_due").on(mail.dueAt).where(sql`${mail.state} = 'due'`),
    index("outbox_parked").on(mail.seq).where(sql`${mail.state} = 'parked'`),
    index("outbox_finished")
      .on(mail.dueAt)
      .where(sql`${mail.state} IN ('sent', 'withdrawn') AND ${mail.data} IS NOT NULL`),
  ],
);

/** When a sender of mail first started. */
export const mailStart = sqliteTable("mail_start", {
  one: integer().primaryKey(),
  at: integer().notNull(),
});

/** The sandbox gateway's payments. */
export const sandboxPayments = sqliteTable("sandbox_payments", {
  id: text().notNull().primaryKey(),
  token: text().notNull(),
  amountCents: integer("amount_cents").notNull(),
  currency: text().notNull(),
  status: text({
    enum: ["processing", "requires_action", "authorized", "captured", "declined", "voided"],
  }).notNull(),
  capturedCents: integer("captured_cents").notNull().default(0),
  refundedCents: integer("refunded_cents").notNull().default(0),
  returnUrl: text("return_url"),
  settlesAt: integer("settles_at"),
  createdAt: integer("created_at").notNull(),
});

/** The requests that the sandbox gateway did, by their keys. */
export const sandboxRequests = sqliteTable("sandbox_requests", {
  key: text().notNull().primaryKey(),
  id: text()
    .notNull()
    .references(() => sandboxPayments.id),
  amountCents: integer("amount_cents").notNull(),
  at: integer().notNull(),
});
