// The token that opens a guest's order: an HMAC of the order's id, so that nothing is stored.
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { must } from "../../db/must.ts";

/** The header that carries it. */
export const ORDER_TOKEN = "order-token";

const KEY_BYTES = 32;
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
  const keys = secrets.map((secret) => Buffer.from(hkdfSync("sha256", secret, "", ORDER_TOKEN, KEY_BYTES)));
  const macOf = (key: Buffer, orderId: string) => createHmac("sha256", key).update(orderId).digest();
  return {
    of: (orderId) => macOf(must(keys[0], "the signing key"), orderId).toString("base64url"),
    opens(token, orderId) {
      if (token.length > LENGTH_MAX) return false;
      const given = Buffer.from(token, "base64url");
      return keys.some((key) => {
        const mac = macOf(key, orderId);
        return given.length === mac.length && timingSafeEqual(given, mac);
      });
    },
  };
}
