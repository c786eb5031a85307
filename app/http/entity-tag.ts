// Entity tags: hashes of a body and of all headers sent with it, and whether If-None-Match names one of them.

/**
 * The seed of the tags of responses with these headers, in any order. A cache keeps the stored headers when a response is
 * revalidated, so other headers must make another tag. `more` is the seed of headers that are added elsewhere.
 */
export const seedOf = (headers: Readonly<Record<string, string>>, more = 0n): bigint =>
  Bun.hash.xxHash64(JSON.stringify(Object.entries(headers).toSorted()), more);

/** The part of an entity tag that depends on the body and the seed of its headers. */
export const hashOf = (body: string | Uint8Array<ArrayBuffer>, seed: bigint): string =>
  Bun.hash.xxHash64(body, seed).toString(36);

/**
 * The tag that If-None-Match names: `sent`, the one of the response that the client would get, else `other`, that of its
 * other encoding; `undefined` where it names neither. Both are strong tags with their quotes; `*` names `sent`. The
 * comparison is weak (RFC 9110, 13.1.2): `W/` does not count.
 */
export function namedEtag(ifNoneMatch: string, sent: string, other = sent): string | undefined {
  // Most clients send one tag, exactly as they received it.
  if (ifNoneMatch === sent || ifNoneMatch === other) return ifNoneMatch;
  if (ifNoneMatch.trim() === "*") return sent;
  let named: string | undefined;
  for (const listed of ifNoneMatch.split(",")) {
    const tag = listed.trim();
    const opaque = tag.startsWith("W/") ? tag.slice(2) : tag;
    if (opaque === sent) return sent;
    if (opaque === other) named = other;
  }
  return named;
}
