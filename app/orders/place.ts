// Places an order: one group takes the stock and writes the order, or does nothing; a second one settles its payment.
import type { Statement } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { must } from "../../db/must.ts";
import { isUnmet } from "../../db/write/guard.ts";
import { newWriteId } from "../../db/write/id.ts";
import { emailKey } from "../http/credentials.ts";
import type { StoreAnswer } from "../http/idempotency.ts";
import { Problem } from "../http/problems.ts";
import { type AuthorisationServices, authoriseOrder } from "./authorisation.ts";
import type { Placing } from "./fields.ts";
import { findByCart, isOwn, type Owner } from "./find.ts";
import { type LowStockSettings, lowStockStatements } from "./low-stock.ts";
import { type OpenOrderLimits, openOrderConditions, tooManyOpen } from "./open-orders.ts";
import type { Gateway } from "./payment/gateway.ts";
import type { Stepped } from "./payment/settle.ts";
import { outOfStock, type Plan, planFresh, shortOf, type Wish } from "./plan.ts";
import type { Terms } from "./terms.ts";
import { orderJson } from "./view.ts";

/** The services by which an order is placed. */
export type PlaceServices = AuthorisationServices &
  OpenOrderLimits &
  LowStockSettings & {
    /** `null`: the shop takes no cards. */
    gateway: Gateway | null;
    terms: Terms;
  };

/** An order to place: who orders it, from which client address, and how its Idempotency-Key is stored. */
export type Placement = { owner: Owner; input: Placing; client: string; storeAnswer: StoreAnswer };

/** A placed order; `isNew` is false where an earlier order has its `cartId`. */
export type Placed = Stepped & { orderId: string; isNew: boolean; totalCents: number; isUnpaid?: boolean };

/** Prices, stock and carts may change between plan and commit; then the order is planned again. */
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
// The LIMIT keeps SQLite from making the JSON once for each mail.
const OUTBOX = `INSERT INTO outbox (number, kind, recipient, data, state, due_at, created_at)
SELECT o.number, k.value, iif(k.value = 'receipt', o.email, NULL), o.data, ?2, ?3, ?3
FROM (SELECT number, email, ${orderJson("orders")} AS data FROM orders WHERE id = ?1 LIMIT 1) AS o
CROSS JOIN json_each('["receipt","alert"]') AS k RETURNING iif(kind = 'receipt', data, NULL)`;
const AUTHORISE = `INSERT INTO payment_requests (number, kind, amount_cents, state, due_at, created_at)
SELECT number, 'authorise', total_cents, 'due', ?2, ?3 FROM orders WHERE id = ?1`;

/** A process that placed an order has so long to settle its payment; after that any process does. */
const LEASE_MS = 15_000;

/**
 * Places an order and pays it. Throws the `Problem` of a refusal, and `DatabaseError`; either way nothing is taken from stock,
 * unless the kind is `uncertain`. A placed order is returned for every outcome of its payment.
 */
export async function placeOrder(services: PlaceServices, placement: Placement): Promise<Placed> {
  const { input } = placement;
  const { gateway } = services;
  const reserved = await reserve(services, placement);
  if (!reserved.isNew || !isCard(input) || !gateway) return reserved;
  const claimant = { owner: keyOf(placement.owner), client: placement.client };
  const paid = await authoriseOrder(services, gateway, {
    ...reserved,
    paymentToken: input.paymentToken ?? null,
    mayWait: openOrderConditions(services, claimant),
  });
  if (paid === "may not wait") throw await tooManyOpen(services.db, services, claimant);
  return { ...reserved, ...paid };
}

const isCard = ({ paymentMethod }: Placing): boolean => (paymentMethod ?? "card") === "card";

/** Reserves an order by today's plan, or finds the one that its cart became. */
async function reserve(services: PlaceServices, placement: Placement): Promise<Placed> {
  for (let tries = 1; tries <= PLANS_MAX; tries += 1) {
    try {
      return await reserveOnce(services, placement, tries > 1);
    } catch (thrown) {
      const first = await firstOfCart(services, placement, thrown);
      if (first) return first;
      if (!isOutdated(thrown)) throw await refusalOf(services, placement, thrown);
    }
  }
  throw new Problem("unavailable", "stock and prices change too quickly at the moment", [], {
    "retry-after": "1",
  });
}

async function reserveOnce(
  services: PlaceServices,
  placement: Placement,
  isLocalOutdated: boolean,
): Promise<Placed> {
  const { input } = placement;
  if (isCard(input)) refuseCard(services, input);
  const plan = await planOf(services, input, isLocalOutdated);
  const orderId = Bun.randomUUIDv7();
  const group = reservation(services, placement, { plan, orderId });
  const results = await services.db.write(group, newWriteId());
  const [json] = must(results.at(-1)?.rows[0], "the answer of a reservation") as [string];
  const paymentStatus = isCard(input) ? "authorizing" : "none";
  const { totalCents } = plan.totals;
  return { orderId, json, status: "pending", paymentStatus, isNew: true, totalCents };
}

/** Throws the `Problem` 409 where the shop takes no cards, 400 for a token that its gateway does not know. */
function refuseCard({ gateway }: PlaceServices, { paymentToken }: Placing): void {
  if (!gateway)
    throw new Problem("payment-unavailable", "the shop takes no cards", [
      { pointer: "/paymentMethod", detail: "must be invoice" },
    ]);
  const detail = paymentToken ? gateway.refusalOf?.(paymentToken) : null;
  if (detail)
    throw new Problem("invalid-request", `paymentToken ${detail}`, [{ pointer: "/paymentToken", detail }]);
}

/**
 * The order that this cart became, which may be what refused a second one. Throws the `Problem` 409 where it is another's, and
 * rethrows what decided nothing.
 */
async function firstOfCart(
  { db }: PlaceServices,
  { owner, input }: Placement,
  thrown: unknown,
): Promise<Placed | null> {
  const { cartId } = input;
  if (!cartId || !(thrown instanceof Problem || isUnmet(thrown) || isCartTaken(thrown))) return null;
  const first = await findByCart(db, cartId);
  if (!first) return null;
  if (isOwn(first, owner)) return { ...first, isNew: false };
  throw new Problem("conflict", "cartId belongs to another order", [
    { pointer: "/cartId", detail: "belongs to another order" },
  ]);
}

const wishOf = ({ items, shippingAddress, shippingMethod }: Placing): Wish => ({
  items,
  country: shippingAddress?.country ?? null,
  shippingMethod: shippingMethod ?? null,
});

/** Today's plan. Throws the `Problem` 409 when something is short, or dearer than expected. */
async function planOf({ db, terms }: PlaceServices, input: Placing, isLocalOutdated: boolean): Promise<Plan> {
  const { expectedCents } = input;
  const isDearer = ({ totals }: Plan) =>
    typeof expectedCents === "number" && totals.totalCents > expectedCents;
  const plan = await planFresh(db, wishOf(input), terms, {
    country: "/shippingAddress/country",
    isLocalOutdated,
    isRefused: (local) => isDearer(local) || shortOf(local).length > 0,
  });
  const short = shortOf(plan);
  if (short.length > 0) throw outOfStock(short);
  if (!isDearer(plan)) return plan;
  const total = (plan.totals.totalCents / 100).toFixed(2);
  throw new Problem("price-changed", `the total is ${total} today`, [
    { pointer: "/expectedTotal", detail: `must be at least ${total}` },
  ]);
}

/** The group that takes the stock and writes the order; its last statement returns the order's JSON. */
function reservation(
  services: PlaceServices,
  { owner, input, client, storeAnswer }: Placement,
  { plan, orderId }: { plan: Plan; orderId: string },
): Statement[] {
  const nowMs = services.now();
  const { totals, lines, method } = plan;
  const byCard = isCard(input);
  const [userId, email] = owner.kind === "user" ? [owner.userId, null] : [null, owner.email];
  const rows = lines.map((line, index) => [
    line.shoe,
    line.productId,
    line.size,
    line.quantity,
    line.priceCents,
    totals.lineTaxCents[index],
  ]);
  return [
    ...openOrderConditions(services, { owner: keyOf(owner), client }),
    {
      sql: RESERVE,
      args: [
        orderId,
        userId,
        email,
        email === null ? null : emailKey(email),
        services.currency,
        totals.itemsCents,
        totals.shippingCents,
        totals.taxCents,
        addressOf(input),
        method.method,
        byCard ? "card" : "invoice",
        byCard ? "authorizing" : "none",
        input.cartId ?? null,
        client,
        nowMs,
      ],
    },
    { sql: LINES, args: [orderId, JSON.stringify(rows)] },
    ...lowStockStatements(services, lines, nowMs),
    ...(byCard ? [{ sql: AUTHORISE, args: [orderId, nowMs + LEASE_MS, nowMs] }] : []),
    ...storeAnswer(orderReference(orderId)),
    { sql: OUTBOX, args: [orderId, byCard ? "held" : "due", nowMs] },
  ];
}

const keyOf = (owner: Owner): string => (owner.kind === "user" ? owner.userId : emailKey(owner.email));

/** The kept answer of an Idempotency-Key: the order's id, from which the answer is made again. */
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

/** Whether the plan no longer holds: a shoe, a size, a price or stock has changed, or the order of its cart was cancelled. */
const isOutdated = (thrown: unknown): boolean =>
  isCartTaken(thrown) ||
  (thrown instanceof DatabaseError &&
    thrown.kind === "check" &&
    ["order_lines.title", "stock"].includes(thrown.columns[0] ?? ""));

const isCartTaken = (thrown: unknown): boolean =>
  thrown instanceof DatabaseError && thrown.kind === "unique" && thrown.columns.includes("orders.cart_id");

/** The `Problem` of a failed reservation. */
async function refusalOf(
  services: PlaceServices,
  { owner, client }: Placement,
  thrown: unknown,
): Promise<unknown> {
  if (isUnmet(thrown)) return tooManyOpen(services.db, services, { owner: keyOf(owner), client });
  const isGone = thrown instanceof DatabaseError && thrown.columns[0] === "orders.email";
  if (isGone && owner.kind === "user")
    return new Problem("unauthorized", "the token is invalid or has expired", [], {
      "www-authenticate": 'Bearer error="invalid_token"',
    });
  return thrown;
}
