// Opaque secrets: random texts held by clients; the database stores only their digests.
import { randomBytes } from "node:crypto";

const SECRET_BYTES = 32;
const KEY_PREFIX = "insole_key_";

/** A refresh token: 256 random bits. */
export const makeRefreshToken = (): string => randomBytes(SECRET_BYTES).toString("base64url");

/** An admin key. By its prefix code distinguishes it from a token, and people who find one recognise it. */
export const makeKey = (): string => KEY_PREFIX + randomBytes(SECRET_BYTES).toString("base64url");

/** Whether this has the prefix of an admin key. */
export const isKey = (token: string): boolean => token.startsWith(KEY_PREFIX);

/** SHA-256 in hex: no salt or slow hash is needed for a secret of 256 random bits. */
export const digestOf = (secret: string): string =>
  new Bun.CryptoHasher("sha256").update(secret).digest("hex");
