// The status of the process: its uptime in whole seconds, its lag, and whether it is ready for traffic.
import { expect, test } from "bun:test";
import { openStatus } from "./status.ts";

const STARTED_AT_MS = 1_700_000_000_000;

function open() {
  const state = { nowMs: STARTED_AT_MS, seq: 7, lagMs: 0, trouble: null as string | null };
  const status = openStatus({
    version: "1.2.3",
    startedAtMs: STARTED_AT_MS,
    now: () => state.nowMs,
    seq: () => state.seq,
    topology: {
      role: "node",
      lagMs: () => state.lagMs,
      trouble: () => state.trouble,
      details: () => null,
    },
  });
  return { state, status };
}

test("the health has the whole seconds since the start, the newest change and the lag", () => {
  const { state, status } = open();
  const first = { status: "ok", version: "1.2.3", uptimeSeconds: 0, role: "node", seq: 7, lagMs: 0 } as const;
  expect(status.health()).toEqual(first);
  state.nowMs += 61_999;
  state.seq = 8;
  state.lagMs = 90;
  expect(status.health()).toEqual({ ...first, uptimeSeconds: 61, seq: 8, lagMs: 90 });
});

test("the process is ready in the phase ready only, and not while the topology is in trouble", () => {
  const { state, status } = open();
  expect(status.readiness()).toEqual({ isReady: false, phase: "starting", why: "starting" });
  status.enter("ready");
  expect(status.readiness()).toEqual({ isReady: true, phase: "ready", why: "ready" });
  state.trouble = "lagging: the primary does not answer";
  expect(status.readiness()).toEqual({ isReady: false, phase: "ready", why: state.trouble });
  state.trouble = null;
  status.enter("draining");
  expect(status.readiness()).toEqual({ isReady: false, phase: "draining", why: "draining" });
});
