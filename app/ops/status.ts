// The status of the process: its phase (starting, ready or draining), its uptime and its lag.
import type { Topology } from "../../db/topology.ts";

export type Phase = "starting" | "ready" | "draining";

export type Status = {
  /** Begins a phase. */
  enter(next: Phase): void;
  /** The body of `GET /health`. */
  health(): {
    status: "ok";
    version: string;
    uptimeSeconds: number;
    role: Topology["role"];
    seq: number;
    lagMs: number;
  };
  /** Whether the process is ready for traffic; `why` is the topology's trouble, or else the phase. */
  readiness(): { isReady: boolean; phase: Phase; why: string };
  /** The state of a node's replica; `null` on a single machine. */
  replica: Topology["details"];
};

type StatusOptions = {
  version: string;
  startedAtMs: number;
  now(): number;
  /** The newest change that this process knows. */
  seq(): number;
  topology: Pick<Topology, "role" | "lagMs" | "trouble" | "details">;
};

/** Opens the status of a process that is starting. */
export function openStatus({ version, startedAtMs, now, seq, topology }: StatusOptions): Status {
  let phase: Phase = "starting";
  return {
    enter(next) {
      phase = next;
    },
    health: () => ({
      status: "ok",
      version,
      uptimeSeconds: Math.floor((now() - startedAtMs) / 1000),
      role: topology.role,
      seq: seq(),
      lagMs: topology.lagMs(),
    }),
    readiness() {
      const trouble = topology.trouble();
      return { isReady: phase === "ready" && trouble === null, phase, why: trouble ?? phase };
    },
    replica: topology.details,
  };
}
