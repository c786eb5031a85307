// How the process stands in detail, for those who may look inside.
import type { MetricServices } from "./metrics.ts";

/** The phase and what is wrong, the newest change known here, the replica, the write door, the cache and who waits. */
export function readinessDetails({ status, db, cache, passwords, limits }: MetricServices) {
  const { isReady, phase, why } = status.readiness();
  const replica = status.replica();
  const { version, uptimeSeconds, role, seq, lagMs } = status.health();
  return {
    status: isReady ? "ready" : "not ready",
    phase,
    ...(why === phase ? {} : { why }),
    version,
    uptimeSeconds,
    role,
    seq,
    lagMs,
    ...(replica ? { replica } : {}),
    writeDoor: db.writeQueue(),
    cache: cache.state(),
    passwords: passwords.state(),
    limits: limits.state(),
  };
}
