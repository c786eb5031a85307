// Sets how long the edge caches a catalogue response: NGINX counts whole seconds, so `s-maxage=1` alone means up to two.

const ROUNDED_MS = 500;
/** A picture at its version never changes, but an upgrade may change its headers: the edge revalidates it once an hour. */
const IMMUTABLE_SECONDS = "3600";

export type EdgeExpiry = {
  /**
   * Limits the edge's copy of a response with `s-maxage=1` to between 0.5 and 1.5 s, and of an immutable one to an hour;
   * other responses keep their own lifetime. NGINX removes the header.
   */
  limit(headers: Headers): void;
};

/** Opens the setter of `X-Accel-Expires` for a process behind the edge. */
export function openEdgeExpiry(now: () => number): EdgeExpiry {
  let second = 0;
  let value = "";
  return {
    limit(headers) {
      const cacheControl = headers.get("cache-control");
      if (cacheControl === null) return;
      if (!cacheControl.includes("s-maxage=1,")) {
        if (cacheControl.endsWith("immutable")) headers.set("x-accel-expires", IMMUTABLE_SECONDS);
        return;
      }
      const expiresAt = Math.floor((now() + ROUNDED_MS) / 1_000);
      if (expiresAt !== second) {
        second = expiresAt;
        value = `@${expiresAt}`;
      }
      headers.set("x-accel-expires", value);
    },
  };
}
