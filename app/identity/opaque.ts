// Opaque secrets: random texts that clients hold, of which the database knows only the digest.
import { randomBytes } from "node:crypto";

const SECRET_BYTES = 32;
const KEY_PREFIX = "insole_key_";

/** A refresh token: 256 random bits. */
export const makeRefreshToken = (): string => randomBytes(SECRET_BYTES).toString("base64url");

/** An admin key; its beginning tells it from a token, and tells people who find it what it is. */
export const makeKey = (): string => KEY_PREFIX + randomBytes(SECRET_BYTES).toString("base64url");

/** Whether it looks like an admin key. */
export const isKey = (token: string): boolean => token.startsWith(KEY_PREFIX);

/** SHA-256 in hex; enough for a secret of 256 bits, which nobody can guess. */
export const digestOf = (secret: string): string =>
  new Bun.CryptoHasher("sha256").update(secret).digest("hex");
