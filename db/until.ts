// Waits for a condition that another thread, process or server brings about.

const POLL_MS = 5;
const WAIT_MS_MAX = 15_000;

/**
 * Polls until `holds` answers true, and resolves with the milliseconds that took. Throws one sentence that names `what` after
 * `msMax`, and whatever `holds` throws at once.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  msMax = WAIT_MS_MAX,
): Promise<number> {
  const startedAtMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedAtMs > msMax) throw new Error(`not within ${msMax / 1_000} s: ${what}`);
    await Bun.sleep(POLL_MS);
  }
  return performance.now() - startedAtMs;
}
