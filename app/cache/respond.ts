// Makes the response to one request from a cache entry: content encoding, entity tags, `Cache-Status`.
import { namedEtag } from "../http/entity-tag.ts";
import type { CacheOutcome } from "./cache.ts";
import { type Entry, gzipEtagOf, gzipOf, isOfMany } from "./entry.ts";

/** `Cache-Status` of a response that lacks changes the client has already seen. */
export const BEHIND = "insole; hit; detail=behind";
const STATUS = { miss: "insole; fwd=miss", behind: BEHIND } as const;

/**
 * The response in an encoding that the client accepts, or 304 where the client holds it already, also in the other encoding:
 * the 304 has the entity tag of what the client holds (RFC 9111, 4.3.4). `Response` copies the entry's headers. Without `requestId` the caller has to set `X-Request-Id`.
 */
export function respond(entry: Entry, request: Request, outcome: CacheOutcome, requestId?: string): Response {
  const requestHeaders = request.headers;
  // A single shoe is compressed at its second request: for one request compression is not worth its time.
  const mayCompress = entry.gzip !== null && (outcome === "hit" || isOfMany(entry.scope));
  const variant =
    mayCompress && acceptsGzip(requestHeaders.get("accept-encoding")) ? gzipOf(entry) : entry.plain;
  const headers = outcome === "hit" ? variant.headers : new Headers(variant.headers);
  if (outcome !== "hit") headers.set("cache-status", STATUS[outcome]);
  if (requestId !== undefined) headers.set("x-request-id", requestId);
  const ifNoneMatch = requestHeaders.get("if-none-match");
  if (ifNoneMatch !== null) {
    if (ifNoneMatch === variant.etag) return notModified(headers, null);
    const { etag } = entry.plain;
    const other = variant === entry.plain ? gzipEtagOf(etag) : etag;
    const held = namedEtag(ifNoneMatch, variant.etag, other);
    if (held !== undefined) return notModified(headers, held === other ? held : null);
  }
  return new Response(variant.body, { headers });
}

/** The 304 with these headers, and with another entity tag where one is given. */
function notModified(headers: Headers, otherEtag: string | null): Response {
  const remaining = new Headers(headers);
  for (const name of ["content-type", "content-encoding"]) remaining.delete(name);
  if (otherEtag !== null) remaining.set("etag", otherEtag);
  return new Response(null, { status: 304, headers: remaining });
}

/** Whether `Accept-Encoding` names gzip with a weight above zero. */
export function acceptsGzip(accepted: string | null): boolean {
  if (accepted === null || !accepted.includes("gzip")) return false;
  return !accepted.includes("q=0") || !/gzip\s*;\s*q=0(\.0{0,3})?\s*(,|$)/.test(accepted);
}
