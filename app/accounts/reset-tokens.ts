// The tokens of password resets: an HMAC over account, end and password hash, so that nothing is stored and any new password
// ends them.
import { openMacs } from "../http/macs.ts";

const PURPOSE = "password-reset";
/** An id, a time and 43 characters of base64url. */
const FORM = /^([\w.-]{1,64})\.([0-9a-z]{1,10})\.([\w-]{43})$/;

/** What a token says of itself: nothing of it is proven. */
export type ResetClaim = { userId: string; expiresAtMs: number; signed: string; mac: Buffer };

export type ResetTokens = {
  /** The token that works until then while the account has this password: the same for the same values. */
  of(userId: string, expiresAtMs: number, passwordHash: string): string;
  /** What a token claims; `null` for a text that is none. */
  read(token: string): ResetClaim | null;
  /** Whether the token was made, with any of the secrets, for an account with this password hash. */
  isProven(claim: ResetClaim, passwordHash: string): boolean;
};

/** Opens the tokens; the first secret signs, all verify. */
export function openResetTokens(secrets: readonly string[]): ResetTokens {
  const macs = openMacs(secrets, PURPOSE);
  return {
    of(userId, expiresAtMs, passwordHash) {
      const signed = `${userId}.${expiresAtMs.toString(36)}`;
      return `${signed}.${macs.of(`${signed}\n${passwordHash}`).toString("base64url")}`;
    },
    read(token) {
      const [, userId, end, mac] = FORM.exec(token) ?? [];
      if (userId === undefined || end === undefined || mac === undefined) return null;
      return {
        userId,
        expiresAtMs: Number.parseInt(end, 36),
        signed: `${userId}.${end}`,
        mac: Buffer.from(mac, "base64url"),
      };
    },
    isProven: ({ signed, mac }, passwordHash) => macs.isOf(mac, `${signed}\n${passwordHash}`),
  };
}
