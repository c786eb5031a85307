// How long the edge keeps a catalogue answer: NGINX counts whole seconds, so that `s-maxage=1` alone would be up to two.

const ROUNDED_MS = 500;

export type EdgeExpiry = ReturnType<typeof openEdgeExpiry>;

/** Opens the teller for a process behind the edge. NGINX takes the header for itself and shows it to nobody. */
export function openEdgeExpiry(now: () => number) {
  let second = 0;
  let value = "";
  return {
    /** Lets the edge keep this answer for half a second at least and one and a half at most. */
    tell(headers: Headers): void {
      const until = Math.floor((now() + ROUNDED_MS) / 1_000);
      if (until !== second) {
        second = until;
        value = `@${until}`;
      }
      headers.set("x-accel-expires", value);
    },
  };
}
