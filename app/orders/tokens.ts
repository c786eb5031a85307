// The token that opens a guest's order: an HMAC of the order's id, so that nothing is stored.
import { openMacs } from "../http/macs.ts";

/** The header that carries it. */
export const ORDER_TOKEN = "order-token";

const LENGTH_MAX = 128;

/** The tokens of orders. */
export type OrderTokens = {
  /** The token of an order: 43 characters of base64url. */
  of(orderId: string): string;
  /** Whether a text is the token of this order, made with any of the secrets. */
  opens(token: string, orderId: string): boolean;
};

/** Opens the tokens; the first secret signs, all verify. */
export function openOrderTokens(secrets: readonly string[]): OrderTokens {
  const macs = openMacs(secrets, ORDER_TOKEN);
  return {
    of: (orderId) => macs.of(orderId).toString("base64url"),
    opens: (token, orderId) =>
      token.length <= LENGTH_MAX && macs.isOf(Buffer.from(token, "base64url"), orderId),
  };
}
