// Access tokens: signed with the first secret, verified with each, always for one algorithm, issuer and audience.
import { jwt } from "@elysiajs/jwt";

/** What a verified token says. */
export type TokenClaims = { userId: string; sessionId: string; expiresAtMs: number };

const ALGORITHM = "HS256";
const ISSUER = "insole";
const AUDIENCE = "insole";
/** Ours have about 300 characters; nothing much longer is looked at. */
const TOKEN_LENGTH_MAX = 1_024;

export type Tokens = ReturnType<typeof openTokens>;

/** Opens the signing and checking of tokens that live for `ttlSeconds`. */
export function openTokens(secrets: readonly string[], ttlSeconds: number, now: () => number) {
  const keys = secrets.map(
    (secret) =>
      jwt({ name: "jwt", secret, alg: ALGORITHM, iss: ISSUER, aud: AUDIENCE, iat: false }).decorator.jwt,
  );
  const [signingKey] = keys;
  if (!signingKey) throw new Error("tokens need a secret");

  return {
    ttlSeconds,
    sign: (userId: string, sessionId: string): Promise<string> =>
      signingKey.sign({ sub: userId, sid: sessionId, exp: Math.floor(now() / 1000) + ttlSeconds }),
    /** What the token says; `null` when it is not one of ours that is valid now. */
    async verify(token: string): Promise<TokenClaims | null> {
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
