// How the process stands: starting, ready or draining, and since when.

export type Phase = "starting" | "ready" | "draining";
export type Status = ReturnType<typeof openStatus>;

/** Keeps the phase of the process; `seq` tells the newest change known here. */
export function openStatus(version: string, startedAtMs: number, now: () => number, seq: () => number) {
  let phase: Phase = "starting";
  return {
    enter(next: Phase): void {
      phase = next;
    },
    health: () => ({
      status: "ok" as const,
      version,
      uptimeSeconds: Math.floor((now() - startedAtMs) / 1000),
      role: "single",
      seq: seq(),
      lagMs: 0,
    }),
    readiness: () => ({ isReady: phase === "ready", why: phase }),
  };
}
