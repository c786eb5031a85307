// How the process stands: starting, ready or draining, and since when; and how far it is behind.
import type { Topology } from "../../db/topology.ts";

export type Phase = "starting" | "ready" | "draining";
export type Status = ReturnType<typeof openStatus>;

export type StatusOptions = {
  version: string;
  startedAtMs: number;
  now(): number;
  /** The newest change known here. */
  seq(): number;
  topology: Pick<Topology, "role" | "lagMs" | "trouble" | "details">;
};

/** Keeps the phase of the process. */
export function openStatus({ version, startedAtMs, now, seq, topology }: StatusOptions) {
  let phase: Phase = "starting";
  return {
    enter(next: Phase): void {
      phase = next;
    },
    health: () => ({
      status: "ok" as const,
      version,
      uptimeSeconds: Math.floor((now() - startedAtMs) / 1000),
      role: topology.role,
      seq: seq(),
      lagMs: topology.lagMs(),
    }),
    readiness(): { isReady: boolean; phase: Phase; why: string } {
      const trouble = topology.trouble();
      return { isReady: phase === "ready" && trouble === null, phase, why: trouble ?? phase };
    },
    replica: topology.details,
  };
}
