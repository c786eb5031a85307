// The visitor of an order: its account, an admin, or a guest with the order's token.
import type { Caller } from "../http/caller.ts";
import { Problem } from "../http/problems.ts";
import type { Identity } from "../identity/identity.ts";
import { findCaller, noCaller } from "../identity/plugin.ts";
import type { FoundOrder } from "./find.ts";
import { ORDER_TOKEN, type OrderTokens } from "./tokens.ts";

/** The caller of a request, and the token of an order that it carries. */
export type Visitor = { caller: Caller | null; orderToken: string | null };

/** The visitor of a request. Throws the `Problem` 401 for a bad token, and without any. */
export async function visitorOf(identity: Identity, request: Request): Promise<Visitor> {
  const caller = await findCaller(identity, request);
  const orderToken = request.headers.get(ORDER_TOKEN);
  if (caller === null && orderToken === null) throw noCaller();
  return { caller, orderToken };
}

/** Whether a visitor may see and cancel this order. */
export function maySee(
  { caller, orderToken }: Visitor,
  order: Pick<FoundOrder, "orderId" | "userId">,
  tokens: OrderTokens,
): boolean {
  if (caller?.role === "admin") return true;
  if (caller !== null && order.userId === caller.userId) return true;
  return orderToken !== null && order.userId === null && tokens.opens(orderToken, order.orderId);
}

/** The `Problem` 404 of an order that does not exist, or that the visitor may not see. */
export const noOrder = (): Problem => new Problem("not-found", "there is no such order");
