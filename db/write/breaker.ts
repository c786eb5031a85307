// The circuit breaker of a write queue: it opens after failures in a row, then admits one write a second until one succeeds.

/** So many failed groups in a row open the breaker; it then lets one write a second through to try. */
const FAILURES_MAX = 5;
const RETRY_MS = 1_000;

export type Breaker = {
  isOpen(): boolean;
  /** Whether a write may be tried now. */
  admits(): boolean;
  /** Notes a failed group; `opensAtOnce` opens the breaker whatever went before. */
  failed(opensAtOnce: boolean): void;
  succeeded(): void;
};

/** Opens a closed breaker. */
export function openBreaker(now: () => number): Breaker {
  let failures = 0;
  let retryAtMs = 0;
  const isOpen = () => failures >= FAILURES_MAX;
  return {
    isOpen,
    admits() {
      if (!isOpen()) return true;
      if (now() < retryAtMs) return false;
      retryAtMs = now() + RETRY_MS;
      return true;
    },
    failed(opensAtOnce) {
      failures = opensAtOnce ? FAILURES_MAX : failures + 1;
      if (isOpen()) retryAtMs = now() + RETRY_MS;
    },
    succeeded() {
      failures = 0;
    },
  };
}
