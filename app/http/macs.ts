// Message authentication codes (HMAC-SHA-256) by keys that the shop's secrets derive for one purpose.
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { must } from "../../db/must.ts";

const KEY_BYTES = 32;
const MAC_BYTES = 32;

export type Macs = {
  /** The code of a text, by the first secret. */
  of(text: string): Buffer;
  /** Whether this is the code of the text, by any of the secrets; takes the same time for all codes of the right length. */
  isOf(mac: Buffer, text: string): boolean;
};

/** Opens the codes of a purpose; shorter ones than 32 bytes are cut. */
export function openMacs(secrets: readonly string[], purpose: string, bytes = MAC_BYTES): Macs {
  const keys = secrets.map((secret) => Buffer.from(hkdfSync("sha256", secret, "", purpose, KEY_BYTES)));
  const macBy = (key: Buffer, text: string) =>
    createHmac("sha256", key).update(text).digest().subarray(0, bytes);
  return {
    of: (text) => macBy(must(keys[0], "the signing key"), text),
    isOf: (mac, text) => mac.length === bytes && keys.some((key) => timingSafeEqual(macBy(key, text), mac)),
  };
}
