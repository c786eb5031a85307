// Signatures of events: a time and an HMAC of it and the body, as payment gateways send them.
import { openMacs } from "../../http/macs.ts";

/** How far the time of an event may be from now: a recorded event cannot be sent again later. */
const AGE_MS_MAX = 5 * 60_000;
const SIGNATURE = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/;

export type Signatures = {
  /** The header's value for a body. */
  of(body: string, nowMs: number): string;
  /** Whether this header was made for this body, not long ago. */
  isValid(header: string, body: string, nowMs: number): boolean;
};

/** Opens the signatures with keys of these secrets for one purpose; the first signs, all verify. */
export function openSignatures(secrets: readonly string[], purpose: string): Signatures {
  const macs = openMacs(secrets, purpose);
  return {
    of(body, nowMs) {
      const seconds = String(Math.floor(nowMs / 1_000));
      return `t=${seconds},v1=${macs.of(`${seconds}.${body}`).toString("hex")}`;
    },
    isValid(header, body, nowMs) {
      const [, seconds, hex] = SIGNATURE.exec(header) ?? [];
      if (seconds === undefined || hex === undefined) return false;
      if (Math.abs(Number(seconds) * 1_000 - nowMs) > AGE_MS_MAX) return false;
      return macs.isOf(Buffer.from(hex, "hex"), `${seconds}.${body}`);
    },
  };
}
