// How the process stands in detail, for those who may look inside.
import type { MetricServices } from "./metrics.ts";

/** The phase, the newest change known here, the write door, the cache and who waits. */
export function readiness({ status, db, cache, passwords, limits }: MetricServices) {
  const { isReady, why: phase } = status.readiness();
  const { version, uptimeSeconds, role, seq, lagMs } = status.health();
  return {
    status: isReady ? "ready" : "not ready",
    phase,
    version,
    uptimeSeconds,
    role,
    seq,
    lagMs,
    writeDoor: db.writeDoor(),
    cache: cache.state(),
    passwords: passwords.state(),
    limits: limits.state(),
  };
}
