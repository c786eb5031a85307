// A shop that has orders and mails of every kind, as they stand after each step and in the middle of it.
import type { Database, Value } from "../../db/database.ts";
import { addEveryMail } from "./every-mail.ts";
import { ask, type Person, signUp } from "./people.ts";
import { openTestShop, shoe, type TestShop } from "./shop.ts";

const SETTINGS = {
  OPEN_ORDERS_MAX: "0",
  OPEN_ORDERS_ADDRESS_MAX: "0",
  SHIPPING: '[{"method":"standard","name":"Standard","price":4.95,"freeFrom":100}]',
  TAX_RATES: '{"DE":19}',
};
const ADDRESS = { street: "Main St. 1", city: "Berlin", country: "DE", name: "Sam" };
const AT = Date.UTC(2026, 0, 31);
/** Requests to the gateway are due then, so that the shop leaves them as they are. */
const LATER = Date.UTC(2100, 0, 1);

/** The kind of an order, by its steps. */
export type Kind = (typeof KINDS)[number];
const KINDS = [
  "confirmed",
  "authorizing",
  "waiting",
  "shipping",
  "shipped",
  "delivered",
  "refunding",
  "partly refunded",
  "refunded",
  "refund refused",
  "declined",
  "cancelled",
  "voiding",
  "voided unsettled",
  "invoice",
  "invoice confirmed",
  "invoice shipped",
  "invoice cancelled",
  "invoice paid back",
  "of a cart",
  "without a person",
] as const;

/** The numbers of the orders by their kind. */
export type Numbers = Record<Kind, number>;
export type EveryOrder = { shop: TestShop; numbers: Numbers };

/** Opens the shop. */
export async function openEveryOrder(): Promise<EveryOrder> {
  const sizes = ["41", "42"].map((size) => ({ size, stock: 500 }));
  const shop = await openTestShop(
    [
      shoe("a", { sizes, priceCents: 1_999 }),
      shoe("b", { priceCents: 10_001, sizes: [{ size: "", stock: 500 }] }),
    ],
    SETTINGS,
  );
  const person = await signUp(shop);
  const leaving = await signUp(shop);
  const numbers = {} as Numbers;
  for (const kind of KINDS) {
    const owner = kind === "without a person" ? leaving : person;
    numbers[kind] = await place(shop, kind, owner);
    for (const [sql, ...args] of stepsOf(kind, numbers[kind])) await run(shop.db, sql, args);
  }
  await addEveryMail(shop.db, numbers, person.id);
  const left = await ask(shop, "DELETE", `/api/users/${leaving.id}`, {
    token: leaving.token,
    body: { password: leaving.password },
  });
  if (left.status !== 204) throw new Error(await left.text());
  return { shop, numbers };
}

async function place(shop: TestShop, kind: Kind, { token }: Person): Promise<number> {
  const isGuest = kind === "confirmed";
  const waits = ["waiting", "authorizing", "voided unsettled"].includes(kind);
  const answer = await ask(shop, "POST", "/api/orders", {
    ...(isGuest ? {} : { token }),
    headers: { "idempotency-key": kind },
    body: {
      items: [
        { productId: "a", size: "41", quantity: 3 },
        { productId: "a", size: "42", quantity: 1 },
        ...(kind === "shipped" ? [{ productId: "b", quantity: 2 }] : []),
      ],
      shippingAddress: ADDRESS,
      paymentMethod: kind.startsWith("invoice") ? "invoice" : "card",
      paymentToken: kind === "declined" ? "declined" : waits ? "redirect" : "ok",
      ...(isGuest ? { email: "guest@shop.example" } : {}),
      ...(kind === "of a cart" ? { cartId: "a-cart-of-somebody" } : {}),
    },
  });
  const body = (await answer.json()) as { data?: { number: string }; orderId?: string };
  const number =
    body.data?.number ??
    shop.db.read.get<[number]>("SELECT number FROM orders WHERE id = ?", body.orderId ?? "")?.[0];
  if (number === undefined) throw new Error(JSON.stringify(body));
  return Number(number);
}

const run = (db: Database, sql: string, args: Value[]) => db.write([{ sql, args }], crypto.randomUUID());

type Step = [sql: string, ...args: Value[]];

const step = (number: number, status: string, more = ""): Step => [
  `UPDATE orders SET status = '${status}', updated_at = max(updated_at, ?1), changed_by = 'admin'${more} WHERE number = ?2`,
  AT,
  number,
];
const request = (
  number: number,
  kind: string,
  state: string,
  refund = 0,
  cents: number | null = null,
): Step => [
  `INSERT INTO payment_requests (number, kind, refund, amount_cents, state, due_at, created_at)
   SELECT number, ?2, ?3, coalesce(?4, total_cents), ?5, ?6, ?7 FROM orders WHERE number = ?1`,
  number,
  kind,
  refund,
  cents,
  state,
  LATER,
  AT,
];
const mail = (number: number, kind: string, part = 0): Step => [
  `INSERT INTO outbox (number, kind, part, recipient, data, state, due_at, created_at)
   SELECT number, ?2, ?3, email, '{}', 'due', ?4, ?4 FROM orders WHERE number = ?1`,
  number,
  kind,
  part,
  AT,
];
const sandbox = (number: number, set: string): Step => [
  `UPDATE sandbox_payments SET ${set} WHERE id = (SELECT id FROM orders WHERE number = ?)`,
  number,
];
const ship = (number: number): Step[] => [
  request(number, "capture", "done"),
  sandbox(number, "status = 'captured', captured_cents = amount_cents"),
  step(number, "shipped", ", payment_status = 'captured', captured_cents = total_cents"),
  mail(number, "shipped"),
];
const cancel = (number: number, state: "due" | "done"): Step[] => [
  request(number, "void", state),
  step(number, "cancelled", state === "done" ? ", payment_status = 'voided'" : ""),
  [
    "UPDATE payment_requests SET state = 'refused' WHERE number = ? AND kind = 'authorise' AND state = 'due'",
    number,
  ],
  mail(number, "cancelled"),
  ...(state === "done" ? [sandbox(number, "status = 'voided'")] : []),
];

type Refund = { cents: number; state: "due" | "done" | "refused"; pairs: number; restock: 0 | 1 };

/** Refunds pairs of the first line. */
const refund = (number: number, position: number, { cents, state, pairs, restock }: Refund): Step[] => {
  const counts = state === "refused" ? 0 : 1;
  return [
    [
      "INSERT INTO refunds (number, position, amount_cents, restock, state, created_at) VALUES (?, ?, ?, ?, ?, ?)",
      number,
      position,
      cents,
      restock,
      state,
      AT,
    ],
    [
      "INSERT INTO refund_lines (number, refund, position, quantity) VALUES (?, ?, 0, ?)",
      number,
      position,
      pairs,
    ],
    [
      "UPDATE order_lines SET refunded = refunded + ?2 * ?3, returned = returned + ?2 * ?4 WHERE number = ?1 AND position = 0",
      number,
      pairs,
      counts,
      restock,
    ],
    ["UPDATE orders SET refunded_cents = refunded_cents + ?2 * ?3 WHERE number = ?1", number, cents, counts],
    request(number, "refund", state, position, cents),
    ...(state === "done"
      ? [
          sandbox(number, `refunded_cents = refunded_cents + ${cents}`),
          mail(number, "refunded", position),
          [
            "UPDATE orders SET payment_status = iif(refunded_cents = captured_cents, 'refunded', 'partially_refunded') WHERE number = ?",
            number,
          ] satisfies Step,
        ]
      : []),
  ];
};

const TOTAL_CENTS = 4 * 1_999 + 495;

function stepsOf(kind: Kind, number: number): Step[] {
  switch (kind) {
    case "authorizing":
      return [["UPDATE orders SET payment_status = 'authorizing' WHERE number = ?", number]];
    case "shipping":
      return [request(number, "capture", "due")];
    case "shipped":
    case "without a person":
      return ship(number);
    case "delivered":
      return [...ship(number), step(number, "delivered")];
    case "refunding":
      return [...ship(number), ...refund(number, 1, { cents: 1_999, state: "due", pairs: 1, restock: 1 })];
    case "partly refunded":
      return [
        ...ship(number),
        ...refund(number, 1, { cents: 1_999, state: "done", pairs: 1, restock: 1 }),
        ...refund(number, 2, { cents: 500, state: "done", pairs: 1, restock: 0 }),
      ];
    case "refunded":
      return [
        ...ship(number),
        ...refund(number, 1, { cents: TOTAL_CENTS, state: "done", pairs: 3, restock: 1 }),
      ];
    case "refund refused":
      return [
        ...ship(number),
        ...refund(number, 1, { cents: 1_999, state: "refused", pairs: 1, restock: 1 }),
      ];
    case "cancelled":
    case "voided unsettled":
      return cancel(number, "done");
    case "voiding":
      return cancel(number, "due");
    case "invoice confirmed":
      return [invoice(number)];
    case "invoice shipped":
      return [invoice(number), step(number, "shipped"), mail(number, "shipped")];
    case "invoice cancelled":
      return [step(number, "cancelled"), mail(number, "cancelled")];
    case "invoice paid back":
      return [invoice(number), ...payBack(number)];
    default:
      return [];
  }
}

const invoice = (number: number): Step =>
  step(number, "confirmed", ", confirmed_at = ?1, payment_status = 'captured', captured_cents = total_cents");

const payBack = (number: number): Step[] => [
  [
    "INSERT INTO refunds SELECT number, 1, captured_cents, 1, 'done', ?2 FROM orders WHERE number = ?1",
    number,
    AT,
  ],
  ["INSERT INTO refund_lines SELECT number, 1, position, quantity FROM order_lines WHERE number = ?", number],
  ["UPDATE order_lines SET refunded = quantity WHERE number = ?", number],
  step(number, "cancelled", ", payment_status = 'refunded', refunded_cents = captured_cents"),
  mail(number, "cancelled"),
];
