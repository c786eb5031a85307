// How long the edge keeps a catalogue answer: NGINX counts whole seconds, so that `s-maxage=1` alone would be up to two.

const ROUNDED_MS = 500;

export type EdgeExpiry = {
  /**
   * Lets the edge keep an answer of `s-maxage=1` for half a second at least and one and a half at most; other answers,
   * such as pictures, say for themselves. NGINX removes the header.
   */
  limit(headers: Headers): void;
};

/** Opens the setter for a process behind the edge. */
export function openEdgeExpiry(now: () => number): EdgeExpiry {
  let second = 0;
  let value = "";
  return {
    limit(headers) {
      if (!headers.get("cache-control")?.includes("s-maxage=1,")) return;
      const until = Math.floor((now() + ROUNDED_MS) / 1_000);
      if (until !== second) {
        second = until;
        value = `@${until}`;
      }
      headers.set("x-accel-expires", value);
    },
  };
}
