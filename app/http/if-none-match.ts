// Reads If-None-Match: whether the client already holds a current representation.

/**
 * Whether the header names `etag` or `otherEtag`, both strong tags with their quotes, or is `*`. The comparison is weak
 * (RFC 9110, 13.1.2): `W/` does not count.
 */
export function namesEtag(ifNoneMatch: string, etag: string, otherEtag = etag): boolean {
  // Most clients send one tag, exactly as they received it.
  if (ifNoneMatch === etag || ifNoneMatch === otherEtag) return true;
  if (ifNoneMatch.trim() === "*") return true;
  for (const listed of ifNoneMatch.split(",")) {
    const tag = listed.trim();
    const opaque = tag.startsWith("W/") ? tag.slice(2) : tag;
    if (opaque === etag || opaque === otherEtag) return true;
  }
  return false;
}
