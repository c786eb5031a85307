// Sets how long the edge caches a catalogue response: NGINX counts whole seconds, so `s-maxage=1` alone means up to two.

const ROUNDED_MS = 500;

export type EdgeExpiry = {
  /**
   * Limits the edge's copy of a response with `s-maxage=1` to between 0.5 and 1.5 s; other responses, such as pictures
   * at their version, keep their own lifetime. NGINX removes the header.
   */
  limit(headers: Headers): void;
};

/** Opens the setter of `X-Accel-Expires` for a process behind the edge. */
export function openEdgeExpiry(now: () => number): EdgeExpiry {
  let second = 0;
  let value = "";
  return {
    limit(headers) {
      if (!headers.get("cache-control")?.includes("s-maxage=1,")) return;
      const expiresAt = Math.floor((now() + ROUNDED_MS) / 1_000);
      if (expiresAt !== second) {
        second = expiresAt;
        value = `@${expiresAt}`;
      }
      headers.set("x-accel-expires", value);
    },
  };
}
