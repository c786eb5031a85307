// Headers of every answer: what a browser may do with it, and which pages may read it.
import { isListedOrigin } from "./origin.ts";

/** What scripts on other sites may read of an answer. */
export const EXPOSED_HEADERS =
  "ETag, Link, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, Insole-Version, Idempotent-Replayed, Cache-Status";

/** Data is not a page: it runs nothing, loads nothing and is shown in no frame. Pages have rules of their own. */
export const DATA_HEADERS = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
} as const;

const ALLOWED_HEADERS =
  "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Insole-Version, X-Request-Id, traceparent";
const PREFLIGHT_AGE_SECONDS = 7_200;
const HSTS_AGE_SECONDS = 31_536_000;

/** Headers that answers have only behind TLS. */
export const transportHeaders = (publicUrl: string): Record<string, string> =>
  publicUrl.startsWith("https:") ? { "strict-transport-security": `max-age=${HSTS_AGE_SECONDS}` } : {};

type HeaderOptions = { publicUrl: string; corsOrigins: readonly string[] };

/** What the walk knows of an answer: its request's id, whether any page may read it, and how long it took. */
type AnswerFacts = { requestId: string; isPublic: boolean; ms: number };

export type HeaderSetter = {
  /** Adds the headers that an answer lacks; those that a page or the cache has set stay. */
  finish(response: Response, request: Request, facts: AnswerFacts): void;
};

/** Opens the setter of headers for answers that are not sent from memory. */
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
    finish({ headers, status }, request, { requestId, isPublic, ms }) {
      headers.set("x-request-id", requestId);
      const cacheStatus = headers.get("cache-status");
      if (!cacheStatus?.includes("hit")) headers.set("server-timing", `app;dur=${ms.toFixed(2)}`);
      // A finished answer of the catalogue has its headers already.
      if (cacheStatus !== null && status < 400) return;
      // A page has rules of its own.
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
