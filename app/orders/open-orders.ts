// The limits on orders that wait for their payment, of one account or guest and of one client address.
import type { Database, Statement } from "../../db/database.ts";
import { requires } from "../../db/write/guard.ts";
import { Problem } from "../http/problems.ts";

/** Orders that may wait; 0: any number. */
export type OpenOrderLimits = { openOrdersMax: number; openOrdersAddressMax: number };

/** The customer of a new order: `owner` is an account's id or the key of a guest's e-mail address; an unknown `client` is empty. */
type Claimant = { owner: string; client: string };

const WAITING = "SELECT count(*) FROM orders WHERE status = 'pending' AND payment_status <> 'authorizing'";
const OF_OWNER = `${WAITING} AND coalesce(user_id, email_key) = ?`;
const OF_CLIENT = `${WAITING} AND client = ?`;

const RETRY_LATER = { "retry-after": "60" };

/**
 * The conditions of a new order, and again of one that has to wait for its payment. An order that is being authorised does not
 * count, so that many customers behind one address can buy at once.
 */
export function openOrderConditions(limits: OpenOrderLimits, { owner, client }: Claimant): Statement[] {
  const { openOrdersMax, openOrdersAddressMax } = limits;
  const conditions: Statement[] = [];
  if (openOrdersMax > 0) conditions.push(requires(`(${OF_OWNER}) < ?`, owner, openOrdersMax));
  if (openOrdersAddressMax > 0 && client !== "")
    conditions.push(requires(`(${OF_CLIENT}) < ?`, client, openOrdersAddressMax));
  return conditions;
}

/** The `Problem` 429 of an order whose conditions did not hold: names the limit that is reached. */
export async function tooManyOpen(
  db: Database,
  { openOrdersMax, openOrdersAddressMax }: OpenOrderLimits,
  { owner, client }: Claimant,
): Promise<Problem> {
  const row = await db.onPrimary(({ read }) => read.get<[number]>(OF_OWNER, owner));
  // Meanwhile one may have been paid: where no other limit counts, it was this one all the same.
  const isOnly = openOrdersAddressMax === 0 || client === "";
  const isOwners = openOrdersMax > 0 && (isOnly || (row?.[0] ?? 0) >= openOrdersMax);
  const [max, whose] = isOwners
    ? [openOrdersMax, "this account or e-mail address"]
    : [openOrdersAddressMax, "this client address"];
  const detail = `${max} orders of ${whose} wait for their payment, which is the most: pay or cancel one`;
  return new Problem("too-many-open-orders", detail, [], RETRY_LATER);
}
