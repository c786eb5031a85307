// The details of /readyz?verbose.
import type { Outage } from "../../db/write/outage.ts";
import { maskAddress } from "../http/mask.ts";
import type { MetricServices } from "./metrics.ts";

/**
 * The phase and the reason of unreadiness, newest change, replica, write queue with the outage of writing, cache, passwords,
 * logins, limits, the turns of reads, payments, and mail.
 */
export function readinessDetails(services: MetricServices) {
  const { status, db, cache, passwords, loginThrottle, limits, turns, payments, mail } = services;
  const { isReady, phase, why } = status.readiness();
  const replica = status.replica();
  const { outage, ...writeDoor } = db.writeQueue();
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
    ...(replica ? { replica: { ...replica, primary: maskAddress(String(replica.primary)) } } : {}),
    writeDoor: { ...writeDoor, outage: outage && outageOf(outage) },
    cache: cache.state(),
    passwords: passwords.state(),
    logins: loginThrottle.state(),
    limits: limits.state(),
    wideReads: turns.wide.state(),
    primaryReads: turns.primary.state(),
    payments: payments.state(),
    mail: mail.state(),
  };
}

/** Why the machine fails writes, since when, and how many it failed. */
const outageOf = ({ reason, error, sinceMs, writes }: Outage) => ({
  reason,
  error,
  since: new Date(sinceMs).toISOString(),
  failed: writes,
});
