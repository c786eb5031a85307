// Headers of every response: security headers for browsers, and CORS.
import { seedOf } from "./entity-tag.ts";
import { isBehindTls, isListedOrigin } from "./origin.ts";

/** The response headers that scripts of other origins may read. */
export const EXPOSED_HEADERS =
  "ETag, Link, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, Insole-Version, Idempotent-Replayed, Cache-Status";

/** Headers of data: a browser runs and loads nothing from it and shows it in no frame. Pages set their own. */
export const DATA_HEADERS = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
} as const;

/** What the catalogue's items and lists are, and how long they may be kept. */
export const CATALOGUE = {
  contentType: "application/json; charset=utf-8",
  cacheControl: "public, max-age=0, s-maxage=1, stale-while-revalidate=1, stale-if-error=86400",
} as const;

/** The headers of a public response that are the same for every request; `settingsHeaders` follow from the settings. */
export const publicHeaders = (
  settingsHeaders: Readonly<Record<string, string>>,
  { contentType, cacheControl }: { contentType: string; cacheControl: string },
): Record<string, string> => ({
  vary: "Accept-Encoding",
  "access-control-allow-origin": "*",
  "access-control-expose-headers": EXPOSED_HEADERS,
  ...DATA_HEADERS,
  ...settingsHeaders,
  "content-type": contentType,
  "cache-control": cacheControl,
});

const ALLOWED_HEADERS =
  "Authorization, Content-Type, Idempotency-Key, Order-Token, If-Match, If-None-Match, Insole-Version, X-Request-Id, traceparent";
const PREFLIGHT_AGE_SECONDS = 7_200;
const HSTS_AGE_SECONDS = 31_536_000;

/** Headers that responses have only behind TLS. */
export const transportHeaders = (publicUrl: string): Record<string, string> =>
  isBehindTls({ publicUrl }) ? { "strict-transport-security": `max-age=${HSTS_AGE_SECONDS}` } : {};

type HeaderOptions = { publicUrl: string; corsOrigins: readonly string[] };

/** The request's id, whether pages of any origin may read the response, and the milliseconds it took. */
type ResponseFacts = { requestId: string; isPublic: boolean; ms: number };

export type HeaderSetter = {
  /** The seed of entity tags (`seedOf`) of the headers that `finish` may add to a response without an error. */
  seed: bigint;
  /** Adds the headers that a response lacks; those that a page or the cache has set stay. */
  finish(response: Response, request: Request, facts: ResponseFacts): void;
};

/** Opens the setter of headers for responses that do not come from the memory cache. */
export function openHeaders({ publicUrl, corsOrigins }: HeaderOptions): HeaderSetter {
  const always = Object.entries({ ...DATA_HEADERS, ...transportHeaders(publicUrl) });

  const share = (headers: Headers, request: Request, isPublic: boolean): boolean => {
    if (isPublic) {
      headers.set("access-control-allow-origin", "*");
      return true;
    }
    headers.append("vary", "Origin");
    const origin = request.headers.get("origin");
    if (origin === null || !isListedOrigin(origin, corsOrigins)) return false;
    headers.set("access-control-allow-origin", origin);
    headers.set("access-control-allow-credentials", "true");
    return true;
  };

  return {
    seed: seedOf({
      ...Object.fromEntries(always),
      "access-control-expose-headers": EXPOSED_HEADERS,
      "access-control-allow-origin": corsOrigins.join(" "),
    }),
    finish({ headers, status }, request, { requestId, isPublic, ms }) {
      headers.set("x-request-id", requestId);
      const cacheStatus = headers.get("cache-status");
      if (!cacheStatus?.includes("hit")) headers.set("server-timing", `app;dur=${ms.toFixed(2)}`);
      // A cache entry has its headers already.
      if (cacheStatus !== null && status < 400) return;
      // A page has its own Content-Security-Policy.
      const isBare = !headers.has("content-security-policy");
      for (const [name, value] of always) if (isBare || !headers.has(name)) headers.set(name, value);
      if (request.method === "OPTIONS") preflight(headers, request, isPublic);
      else if (share(headers, request, isPublic))
        headers.set("access-control-expose-headers", EXPOSED_HEADERS);
    },
  };

  function preflight(headers: Headers, request: Request, isPublic: boolean): void {
    if (!share(headers, request, isPublic)) return;
    const allowed = headers.get("allow");
    if (allowed !== null) headers.set("access-control-allow-methods", allowed);
    headers.set("access-control-allow-headers", ALLOWED_HEADERS);
    headers.set("access-control-max-age", String(PREFLIGHT_AGE_SECONDS));
  }
}
