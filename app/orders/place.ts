// Places an order: one group takes the stock and writes the order, or does nothing; a second one settles its payment.
import type { Database, Statement } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { must } from "../../db/must.ts";
import { isUnmet, requires } from "../../db/write/guard.ts";
import { newWriteId } from "../../db/write/id.ts";
import { emailKey } from "../http/credentials.ts";
import type { StoreAnswer } from "../http/idempotency.ts";
import { Problem } from "../http/problems.ts";
import type { Placing } from "./fields.ts";
import { type FoundOrder, findByCart, findOrder, isOwn, type Owner } from "./find.ts";
import { askGateway, type Gateway, type PaymentState } from "./payment/gateway.ts";
import { type Stepped, settleAuthorisation } from "./payment/settle.ts";
import { outOfStock, type Plan, planFresh, shortOf, type Wish } from "./plan.ts";
import type { Terms } from "./terms.ts";
import { orderJson } from "./view.ts";

/** What placing an order needs. */
export type PlaceServices = {
  db: Database;
  /** `null`: the shop takes no cards. */
  gateway: Gateway | null;
  terms: Terms;
  currency: string;
  /** The address that an order's id follows, where the gateway sends people back to. */
  orderUrl: string;
  /** Orders that may wait for their payment, of one owner and of one client address; 0: any number. */
  openOrdersMax: number;
  openOrdersAddressMax: number;
  now(): number;
};

/** An order to place: who orders it, from which client address, and how its Idempotency-Key is stored. */
export type Placement = { owner: Owner; input: Placing; client: string; storeAnswer: StoreAnswer };

/** A placed order; `isNew` is false where an earlier order has its `cartId`. */
export type Placed = Stepped & { orderId: string; isNew: boolean; totalCents: number };

/** Prices may change between plan and commit; then the order is planned again. */
const PLANS_MAX = 5;

const RESERVE = `INSERT INTO orders (number, id, user_id, email, email_key, status, currency, items_cents, shipping_cents,
  tax_cents, total_cents, address, shipping_method, payment_method, payment_status, cart_id, client, changed_by,
  created_at, updated_at)
SELECT coalesce(max(number), 10000) + 1, ?1, ?2, coalesce(?3, (SELECT email FROM users WHERE id = ?2)),
  coalesce(?4, (SELECT email_key FROM users WHERE id = ?2)), 'pending', ?5, ?6, ?7, ?8, ?6 + ?7,
  CASE WHEN ?9 ->> '$.name' IS NULL AND ?2 IS NOT NULL
    THEN json_set(?9, '$.name', (SELECT name FROM users WHERE id = ?2)) ELSE ?9 END,
  ?10, ?11, ?12, ?13, ?14, 'customer', ?15, ?15
FROM orders`;
// A NULL title is refused: the shoe or its size is gone, or its price is another one than planned.
const LINES = `INSERT INTO order_lines (number, position, shoe, product_id, title, size, quantity, price_cents, tax_cents)
SELECT o.number, j.key, j.value ->> 0, j.value ->> 1, iif(s.price_cents = j.value ->> 4 AND z.size IS NOT NULL, s.title, NULL),
  j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5
FROM json_each(?2) AS j CROSS JOIN orders AS o ON o.id = ?1
LEFT JOIN shoes AS s ON s.id = j.value ->> 0 LEFT JOIN sizes AS z ON z.shoe = s.id AND z.size = j.value ->> 2`;
const OUTBOX = `INSERT INTO outbox (number, kind, recipient, data, state, due_at, created_at)
SELECT o.number, k.value, iif(k.value = 'receipt', o.email, NULL), ${orderJson("o")}, ?2, ?3, ?3
FROM orders AS o CROSS JOIN json_each('["receipt","alert"]') AS k WHERE o.id = ?1`;
const AUTHORISE = `INSERT INTO payment_requests (number, kind, amount_cents, state, due_at, created_at)
SELECT number, 'authorise', total_cents, 'due', ?2, ?3 FROM orders WHERE id = ?1`;
const ANSWER = `SELECT ${orderJson("o")}, o.status, o.payment_status FROM orders AS o WHERE o.id = ?1`;
const WAITING = "SELECT count(*) FROM orders WHERE status = 'pending' AND payment_status <> 'authorizing'";

/** A process that placed an order has so long to settle its payment; after that any process does. */
const LEASE_MS = 15_000;

/**
 * Places an order and pays it. Throws the `Problem` of a refusal, with nothing taken from stock; and 402 when the payment is
 * declined, with the order's id.
 */
export async function placeOrder(services: PlaceServices, placement: Placement): Promise<Placed> {
  const { owner, input } = placement;
  const reserved = await reserve(services, placement).catch(async (thrown: unknown) => {
    // The order that this cart became may be what stands in its way.
    const first = input.cartId ? await findByCart(services.db, input.cartId) : null;
    if (!first) throw thrown;
    if (!isOwn(first, owner)) throw new Problem("conflict", "cartId belongs to another order", CART_TAKEN);
    return { ...first, isNew: false };
  });
  const isCard = (input.paymentMethod ?? "card") === "card";
  if (!reserved.isNew || !isCard || !services.gateway) return reserved;
  const paid = await pay(services, services.gateway, {
    ...reserved,
    paymentToken: input.paymentToken ?? null,
  });
  return { ...reserved, ...(paid ?? (await findPlaced(services.db, reserved.orderId))) };
}

/** The order as it stands; for one that another process has settled first. */
const findPlaced = async (db: Database, orderId: string): Promise<FoundOrder> =>
  must(await db.onPrimary((snapshot) => findOrder(snapshot, orderId)), "a placed order");

const CART_TAKEN = [{ pointer: "/cartId", detail: "belongs to another order" }];

async function reserve(services: PlaceServices, placement: Placement): Promise<Placed> {
  const { input } = placement;
  const wish = wishOf(input);
  if ((input.paymentMethod ?? "card") === "card" && !services.gateway)
    throw new Problem("payment-unavailable", "the shop takes no cards", [
      { pointer: "/paymentMethod", detail: "must be invoice" },
    ]);
  for (let tries = 1; ; tries += 1) {
    const plan = await planOf(services, wish, input, tries > 1);
    const orderId = Bun.randomUUIDv7();
    try {
      const results = await services.db.write(
        reservation(services, placement, { plan, orderId }),
        newWriteId(),
      );
      const answer = must(results.at(-1)?.rows[0], "the answer of a reservation");
      const [json, status, paymentStatus] = answer as [string, string, string];
      return { orderId, json, status, paymentStatus, isNew: true, totalCents: plan.totals.totalCents };
    } catch (thrown) {
      if (!isOutdated(thrown) || tries === PLANS_MAX) throw await refusalOf(services, placement, thrown);
    }
  }
}

const wishOf = ({ items, shippingAddress, shippingMethod }: Placing): Wish => ({
  items,
  country: shippingAddress?.country ?? null,
  shippingMethod: shippingMethod ?? null,
});

/** Today's plan. Throws the `Problem` 409 when something is short, or dearer than expected. */
async function planOf(
  { db, terms }: PlaceServices,
  wish: Wish,
  { expectedCents }: Placing,
  isOutdated: boolean,
): Promise<Plan> {
  const plan = await planFresh(db, wish, terms, { country: "/shippingAddress/country", isOutdated });
  const short = shortOf(plan);
  if (short.length > 0) throw outOfStock(short);
  const { totalCents } = plan.totals;
  if (typeof expectedCents === "number" && totalCents > expectedCents)
    throw new Problem("price-changed", `the total is ${(totalCents / 100).toFixed(2)} today`, [
      { pointer: "/expectedTotal", detail: `must be at least ${(totalCents / 100).toFixed(2)}` },
    ]);
  return plan;
}

/** The group that takes the stock and writes the order; its last statement reads the answer. */
function reservation(
  { currency, openOrdersMax, openOrdersAddressMax, now }: PlaceServices,
  { owner, input, client, storeAnswer }: Placement,
  { plan, orderId }: { plan: Plan; orderId: string },
): Statement[] {
  const nowMs = now();
  const { totals, lines, method } = plan;
  const isCard = (input.paymentMethod ?? "card") === "card";
  const [userId, email] = owner.kind === "user" ? [owner.userId, null] : [null, owner.email];
  const key = owner.kind === "user" ? owner.userId : emailKey(owner.email);
  const rows = lines.map((line, index) => [
    line.shoe,
    line.productId,
    line.size,
    line.quantity,
    line.priceCents,
    totals.lineTaxCents[index],
  ]);
  const limits: Statement[] = [];
  if (openOrdersMax > 0)
    limits.push(requires(`(${WAITING} AND coalesce(user_id, email_key) = ?) < ?`, key, openOrdersMax));
  if (openOrdersAddressMax > 0 && client !== "")
    limits.push(requires(`(${WAITING} AND client = ?) < ?`, client, openOrdersAddressMax));
  return [
    ...limits,
    {
      sql: RESERVE,
      args: [
        orderId,
        userId,
        email,
        email === null ? null : emailKey(email),
        currency,
        totals.itemsCents,
        totals.shippingCents,
        totals.taxCents,
        addressOf(input),
        method.method,
        isCard ? "card" : "invoice",
        isCard ? "authorizing" : "none",
        input.cartId ?? null,
        client,
        nowMs,
      ],
    },
    { sql: LINES, args: [orderId, JSON.stringify(rows)] },
    { sql: OUTBOX, args: [orderId, isCard ? "held" : "due", nowMs] },
    ...(isCard ? [{ sql: AUTHORISE, args: [orderId, nowMs + LEASE_MS, nowMs] }] : []),
    ...storeAnswer(orderReference(orderId)),
    { sql: ANSWER, args: [orderId] },
  ];
}

/** What an Idempotency-Key keeps of an order: its id, from which the answer is made again. */
export const orderReference = (orderId: string) => ({
  status: 201,
  headers: "json_object('location', ?1)",
  body: "NULL",
  from: "",
  args: [orderId],
});

const addressOf = ({ shippingAddress }: Placing): string | null => {
  if (!shippingAddress) return null;
  const { name, street, street2, city, state, zip, country, phone } = shippingAddress;
  const optional = (value: string | null | undefined) => value ?? null;
  return JSON.stringify({
    name: optional(name),
    street,
    street2: optional(street2),
    city,
    state: optional(state),
    zip: optional(zip),
    country,
    phone: optional(phone),
  });
};

/** Whether the plan no longer holds: a shoe, a size or a price has changed, or stock was taken meanwhile. */
const isOutdated = (thrown: unknown): boolean =>
  thrown instanceof DatabaseError &&
  thrown.kind === "check" &&
  ["order_lines.title", "stock"].includes(thrown.columns[0] ?? "");

/** What a failed reservation is to its client. */
async function refusalOf(
  { openOrdersMax }: PlaceServices,
  { owner }: Placement,
  thrown: unknown,
): Promise<unknown> {
  if (isUnmet(thrown))
    return new Problem(
      "too-many-open-orders",
      `${openOrdersMax} orders wait for their payment: pay or cancel one`,
      [],
      { "retry-after": "60" },
    );
  const isGone = thrown instanceof DatabaseError && thrown.columns[0] === "orders.email";
  if (isGone && owner.kind === "user")
    return new Problem("unauthorized", "the token is invalid or has expired", [], {
      "www-authenticate": 'Bearer error="invalid_token"',
    });
  return thrown;
}

/** Asks the gateway and stores its answer. An answer that is lost leaves the order pending, to be settled later. */
async function pay(
  { db, currency, orderUrl, now }: PlaceServices,
  gateway: Gateway,
  { orderId, totalCents, paymentToken }: { orderId: string; totalCents: number; paymentToken: string | null },
): Promise<Stepped | null> {
  const request = {
    orderId,
    amountCents: totalCents,
    currency,
    token: paymentToken,
    returnUrl: `${orderUrl}/${orderId}`,
  };
  let state: PaymentState | null = null;
  try {
    state = await askGateway((signal) => gateway.authorise(request, signal));
  } catch {
    // Uncertain: the settlement asks the gateway later.
  }
  return settleAuthorisation(db, orderId, state, now());
}
