// Rows of orders, payment and mail for the contract suite, and values that the CHECKs of their tables forbid.
import type { RowOf } from "./contract-parts.ts";

/** An id of an order. */
export const ORDER_ID = "0".repeat(36);

/** A row of each table with a CHECK that keeps all of them. */
export const ORDER_ROWS = {
  order_lines: {
    number: 10_001,
    position: 0,
    shoe: 1,
    product_id: "a",
    title: "A shoe",
    size: "42",
    quantity: 2,
    price_cents: 100,
    tax_cents: 0,
    refunded: 0,
    returned: 0,
  },
  orders: {
    number: 10_001,
    id: ORDER_ID,
    email: "u@a",
    email_key: "u@a",
    status: "pending",
    currency: "EUR",
    items_cents: 200,
    shipping_cents: 50,
    tax_cents: 40,
    total_cents: 250,
    address: "{}",
    shipping_method: "standard",
    payment_method: "card",
    payment_status: "authorizing",
    captured_cents: 0,
    refunded_cents: 0,
    changed_by: "customer",
    created_at: 1,
    updated_at: 1,
  },
  outbox: {
    number: 10_001,
    kind: "placed",
    recipient: "u@a",
    data: "{}",
    state: "held",
    due_at: 1,
    created_at: 1,
  },
  mail_start: { one: 1, at: 1 },
  payment_events: { id: "e", number: 10_001, at: 1 },
  payment_requests: {
    number: 10_001,
    kind: "authorise",
    refund: 0,
    amount_cents: 250,
    state: "due",
    due_at: 1,
    tries: 0,
    created_at: 1,
  },
  refund_lines: { number: 10_001, refund: 1, position: 0, quantity: 1 },
  refunds: { number: 10_001, position: 1, amount_cents: 100, restock: 0, state: "due", created_at: 1 },
  sandbox_payments: {
    id: "p",
    token: "t",
    amount_cents: 250,
    currency: "EUR",
    status: "authorized",
    captured_cents: 0,
    refunded_cents: 0,
    created_at: 1,
  },
  stock_taken: { shoe: 1, size: "42", pairs: 1 },
} satisfies Record<string, RowOf>;

type Check = [table: keyof typeof ORDER_ROWS, check: string, ...forbidden: RowOf[]];

const OF_ORDERS: Check[] = [
  ["orders", "number >= 10001", { number: 10_000 }],
  ["orders", "length(id) = 36", { id: ORDER_ID.slice(1) }, { id: `${ORDER_ID}0` }],
  ["orders", "length(email) <= 254", { email: "u".repeat(255) }],
  [
    "orders",
    "status IN ('pending', 'confirmed', 'shipped', 'delivered', 'cancelled')",
    { status: "returned" },
    { status: "" },
  ],
  ["orders", "length(currency) = 3", { currency: "EU" }, { currency: "EURO" }],
  ["orders", "items_cents >= 1", { items_cents: 0, total_cents: 50 }],
  ["orders", "shipping_cents >= 0", { shipping_cents: -1, total_cents: 199 }],
  ["orders", "tax_cents BETWEEN 0 AND total_cents", { tax_cents: -1 }, { tax_cents: 251 }],
  ["orders", "total_cents = items_cents + shipping_cents", { total_cents: 249 }, { total_cents: 251 }],
  ["orders", "json_valid(address)", { address: "{" }],
  [
    "orders",
    "length(shipping_method) BETWEEN 1 AND 64",
    { shipping_method: "" },
    { shipping_method: "s".repeat(65) },
  ],
  ["orders", "payment_method IN ('card', 'invoice')", { payment_method: "cash" }],
  [
    "orders",
    "payment_status IN ( 'none', 'authorizing', 'requires_action', 'authorized', 'captured', 'voided', 'partially_refunded', 'refunded', 'declined', 'unknown' )",
    { payment_status: "paid" },
    { payment_status: "" },
  ],
  [
    "orders",
    "captured_cents IN (0, total_cents)",
    { captured_cents: -1 },
    { captured_cents: 249 },
    { captured_cents: 251 },
  ],
  [
    "orders",
    "refunded_cents BETWEEN 0 AND captured_cents",
    { refunded_cents: -1 },
    { refunded_cents: 1 },
    { captured_cents: 250, refunded_cents: 251 },
  ],
  ["orders", "length(cart_id) BETWEEN 16 AND 64", { cart_id: "c".repeat(15) }, { cart_id: "c".repeat(65) }],
  [
    "orders",
    "changed_by IN ('customer', 'admin', 'gateway', 'system')",
    { changed_by: "user" },
    { changed_by: "" },
  ],
];

const OF_LINES: Check[] = [
  ["stock_taken", "pairs >= 0", { pairs: -1 }],
  ["order_lines", "position BETWEEN 0 AND 49", { position: -1 }, { position: 50 }],
  ["order_lines", "length(product_id) BETWEEN 1 AND 64", { product_id: "" }, { product_id: "a".repeat(65) }],
  ["order_lines", "length(title) BETWEEN 1 AND 300", { title: "" }, { title: "t".repeat(301) }],
  ["order_lines", "quantity BETWEEN 1 AND 100", { quantity: 0 }, { quantity: 101 }],
  ["order_lines", "price_cents >= 1", { price_cents: 0 }],
  ["order_lines", "tax_cents BETWEEN 0 AND price_cents * quantity", { tax_cents: -1 }, { tax_cents: 201 }],
  ["order_lines", "refunded BETWEEN 0 AND quantity", { refunded: -1 }, { refunded: 3 }],
  ["order_lines", "returned BETWEEN 0 AND quantity", { returned: -1 }, { returned: 3 }],
  ["refunds", "position >= 1", { position: 0 }],
  ["refunds", "amount_cents >= 1", { amount_cents: 0 }],
  ["refunds", "restock IN (0, 1)", { restock: -1 }, { restock: 2 }],
  ["refunds", "state IN ('due', 'done', 'refused')", { state: "sent" }],
  ["refund_lines", "quantity BETWEEN 1 AND 100", { quantity: 0 }, { quantity: 101 }],
];

const OF_PAYMENT: Check[] = [
  ["payment_requests", "kind IN ('authorise', 'capture', 'void', 'refund')", { kind: "charge" }],
  [
    "payment_requests",
    "(refund >= 1) = (kind = 'refund')",
    { refund: 1 },
    { kind: "refund" },
    { kind: "refund", refund: -1 },
  ],
  ["payment_requests", "amount_cents >= 1", { amount_cents: 0 }],
  ["payment_requests", "state IN ('due', 'done', 'refused')", { state: "sent" }],
  ["payment_requests", "tries >= 0", { tries: -1 }],
  ["payment_events", "length(id) BETWEEN 1 AND 255", { id: "" }, { id: "e".repeat(256) }],
  ["sandbox_payments", "amount_cents >= 0", { amount_cents: -1 }],
  [
    "sandbox_payments",
    "status IN ('processing', 'requires_action', 'authorized', 'captured', 'declined', 'voided')",
    { status: "refunded" },
  ],
  [
    "sandbox_payments",
    "captured_cents BETWEEN 0 AND amount_cents",
    { captured_cents: -1 },
    { captured_cents: 251 },
  ],
  [
    "sandbox_payments",
    "refunded_cents BETWEEN 0 AND captured_cents",
    { refunded_cents: -1 },
    { refunded_cents: 1 },
    { captured_cents: 250, refunded_cents: 251 },
  ],
];

const OF_MAIL: Check[] = [
  ["outbox", "length(kind) BETWEEN 1 AND 40", { kind: "" }, { kind: "k".repeat(41) }],
  ["outbox", "json_valid(data)", { data: "{" }],
  ["outbox", "state IN ('held', 'due', 'sent', 'parked', 'withdrawn')", { state: "done" }],
  ["outbox", "length(key) BETWEEN 1 AND 200", { key: "" }, { key: "k".repeat(201) }],
  ["outbox", "tries >= 0", { tries: -1 }],
  ["outbox", "sent_at IS NULL OR state = 'sent'", { sent_at: 1 }],
  ["mail_start", "one = 1", { one: 0 }, { one: 2 }],
];

/** Every CHECK of these tables as the schema has it, with values that it forbids. */
export const ORDER_CHECKS: Check[] = [...OF_ORDERS, ...OF_LINES, ...OF_PAYMENT, ...OF_MAIL];
