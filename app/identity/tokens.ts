// Access tokens (JWT): signed with the first secret, verified with each, for one algorithm, issuer and audience only.
import { jwt } from "@elysiajs/jwt";

/** The claims of a verified token. */
export type TokenClaims = { userId: string; sessionId: string; expiresAtMs: number };

const ALGORITHM = "HS256";
const ISSUER = "insole";
const AUDIENCE = "insole";
/** Our tokens have about 300 characters; much longer ones are refused unread. */
const TOKEN_LENGTH_MAX = 1_024;

export type Tokens = {
  ttlSeconds: number;
  /** A signed token of this session. */
  sign(userId: string, sessionId: string): Promise<string>;
  /** The claims of a token; `null` when it is not ours, was changed, or has expired. */
  verify(token: string): Promise<TokenClaims | null>;
};

/** Opens signing and verification; tokens live for `ttlSeconds`. Throws when `secrets` is empty. */
export function openTokens(secrets: readonly string[], ttlSeconds: number, now: () => number): Tokens {
  const keys = secrets.map(
    (secret) =>
      jwt({ name: "jwt", secret, alg: ALGORITHM, iss: ISSUER, aud: AUDIENCE, iat: false }).decorator.jwt,
  );
  const [signingKey] = keys;
  if (!signingKey) throw new Error("tokens need a secret");

  return {
    ttlSeconds,
    sign: (userId, sessionId) =>
      signingKey.sign({ sub: userId, sid: sessionId, exp: Math.floor(now() / 1000) + ttlSeconds }),
    async verify(token) {
      if (token.length > TOKEN_LENGTH_MAX) return null;
      for (const { verify } of keys) {
        const claims = await verify(token, {
          algorithms: [ALGORITHM],
          issuer: ISSUER,
          audience: AUDIENCE,
          requiredClaims: ["exp", "sub", "sid"],
          currentDate: new Date(now()),
        });
        if (claims) return toTokenClaims(claims);
      }
      return null;
    },
  };
}

function toTokenClaims({ sub, sid, exp }: Record<string, unknown>): TokenClaims | null {
  if (typeof sub !== "string" || typeof sid !== "string" || typeof exp !== "number") return null;
  return { userId: sub, sessionId: sid, expiresAtMs: exp * 1000 };
}
