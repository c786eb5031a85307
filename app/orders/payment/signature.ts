// Signatures of events: a time and an HMAC of it and the body, as payment gateways send them.
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { must } from "../../../db/must.ts";

/** How far the time of an event may be from now: a recorded event cannot be sent again later. */
const AGE_MS_MAX = 5 * 60_000;
const KEY_BYTES = 32;
const SIGNATURE = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/;

export type Signatures = {
  /** The header's value for a body. */
  of(body: string, nowMs: number): string;
  /** Whether this header was made for this body, not long ago. */
  isValid(header: string, body: string, nowMs: number): boolean;
};

/** Opens the signatures with keys of these secrets for one purpose; the first signs, all verify. */
export function openSignatures(secrets: readonly string[], purpose: string): Signatures {
  const keys = secrets.map((secret) => Buffer.from(hkdfSync("sha256", secret, "", purpose, KEY_BYTES)));
  const macOf = (key: Buffer, seconds: string, body: string) =>
    createHmac("sha256", key).update(`${seconds}.${body}`).digest();
  return {
    of(body, nowMs) {
      const seconds = String(Math.floor(nowMs / 1_000));
      return `t=${seconds},v1=${macOf(must(keys[0], "the signing key"), seconds, body).toString("hex")}`;
    },
    isValid(header, body, nowMs) {
      const [, seconds, hex] = SIGNATURE.exec(header) ?? [];
      if (seconds === undefined || hex === undefined) return false;
      if (Math.abs(Number(seconds) * 1_000 - nowMs) > AGE_MS_MAX) return false;
      const given = Buffer.from(hex, "hex");
      return keys.some((key) => timingSafeEqual(macOf(key, seconds, body), given));
    },
  };
}
