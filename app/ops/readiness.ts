// The details of /readyz?verbose.
import type { MetricServices } from "./metrics.ts";

/** The phase and the reason of unreadiness, newest change, replica, write queue, cache, password queue and limits. */
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
