// Finds orders: one by its id or its cart, and lists of them, newest first.
import type { Database, Readable } from "../../db/database.ts";
import { emailKey } from "../http/credentials.ts";
import { orderJson } from "./view.ts";

/** The owner of an order: an account, or a guest by the e-mail address. */
export type Owner = { kind: "user"; userId: string } | { kind: "guest"; email: string };

/** An order that was found, with what decides who may see it. */
export type FoundOrder = {
  orderId: string;
  json: string;
  status: string;
  paymentStatus: string;
  totalCents: number;
  /** Its customer never got it as placed: it was cancelled unpaid, by the shop, the gateway, or before the gateway answered. */
  isUnpaid: boolean;
  userId: string | null;
  emailKey: string;
};

type OrderRow = [string, string, string, string, number, number, string | null, string];

const UNPAID = `o.status = 'cancelled' AND o.confirmed_at IS NULL AND o.payment_method = 'card'
  AND (o.changed_by IN ('gateway', 'system') OR o.payment_reference IS NULL)`;
const FOUND = `SELECT o.id, ${orderJson("o")}, o.status, o.payment_status, o.total_cents, ${UNPAID}, o.user_id, o.email_key
FROM orders AS o`;

const toFound = (row: OrderRow | undefined): FoundOrder | null => {
  if (!row) return null;
  const [orderId, json, status, paymentStatus, totalCents, isUnpaid, userId, key] = row;
  return {
    orderId,
    json,
    status,
    paymentStatus,
    totalCents,
    isUnpaid: isUnpaid === 1,
    userId,
    emailKey: key,
  };
};

/** The order with this id. */
export const findOrder = (snapshot: Readable, orderId: string): FoundOrder | null =>
  toFound(snapshot.read.get<OrderRow>(`${FOUND} WHERE o.id = ?`, orderId));

/** The order that this cart became, unless it was cancelled; read where writes go. */
export const findByCart = (db: Database, cartId: string): Promise<FoundOrder | null> =>
  db.onPrimary(({ read }) =>
    toFound(read.get<OrderRow>(`${FOUND} WHERE o.cart_id = ? AND o.status <> 'cancelled'`, cartId)),
  );

/** Whether an order belongs to this owner. */
export const isOwn = (order: Pick<FoundOrder, "userId" | "emailKey">, owner: Owner): boolean =>
  owner.kind === "user"
    ? order.userId === owner.userId
    : order.userId === null && order.emailKey === emailKey(owner.email);
