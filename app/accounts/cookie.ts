// The refresh token of a request: in its body, or in a cookie that is accepted from allowed origins only.
import { readFieldsIfAny } from "../http/body.ts";
import { cookieName, setCookie } from "../http/cookie.ts";
import { isBehindTls, isFromAllowedOrigin, type Origins } from "../http/origin.ts";
import { Problem } from "../http/problems.ts";
import { Refresh } from "./fields.ts";
import { REFRESH_TTL_MS } from "./sessions.ts";

const COOKIE = "insole_refresh";

/** The `Set-Cookie` header that stores a refresh token where scripts cannot read it. */
export const sessionCookie = (token: string, isSecure: boolean): string =>
  setCookie(COOKIE, token, REFRESH_TTL_MS / 1000, isSecure);

/** The `Set-Cookie` header that removes it from the browser. */
export const expiredCookie = (isSecure: boolean): string => setCookie(COOKIE, "", 0, isSecure);

/** The refresh token in the cookie; `null` without one. Behind TLS another name is not read: a subdomain could set it. */
export const cookieTokenOf = ({ headers }: Request, isSecure: boolean): string | null =>
  new Bun.CookieMap(headers.get("cookie") ?? "").get(cookieName(COOKIE, isSecure)) || null;

/** The refresh token and whether it came in the cookie. Throws a `Problem`: 400 without one, 403 for a cookie from a foreign origin. */
export async function refreshTokenOf(
  request: Request,
  origins: Origins,
): Promise<{ token: string; inCookie: boolean }> {
  const { refreshToken: bodyToken } = Refresh.read(await readFieldsIfAny(request));
  if (bodyToken !== undefined) return { token: bodyToken, inCookie: false };
  const cookieToken = cookieTokenOf(request, isBehindTls(origins));
  if (cookieToken === null)
    throw new Problem("invalid-request", "refreshToken is required", [
      { pointer: "/refreshToken", detail: "is required" },
    ]);
  if (!isFromAllowedOrigin(request, origins))
    throw new Problem("forbidden", "the refresh cookie is accepted from allowed origins only");
  return { token: cookieToken, inCookie: true };
}
