// Snapshots of sqld, streamed to replicas: never whole in memory, and two at once in all.

import type { Life } from "../lives.ts";
import { type Line, openLine } from "./line.ts";
import { type ReplicaRequest, sendToSqld } from "./sqld-requests.ts";

export type Snapshots = Pick<Line, "running" | "waiting"> & {
  /** Resolves with the answer once it is the request's turn. Rejects when `end` is aborted or sqld does not answer. */
  open(life: Life, request: ReplicaRequest, end: AbortSignal): Promise<Response>;
};

/** Each reads much of sqld's disk and sends it all. A replica asks for one at a time. */
const RUNNING_MAX = 2;
/** The longest times without a byte. */
const IDLE = { sqldMs: 5_000, replicaMs: 30_000 };

/** Opens the line of snapshots. A stream ends when sqld sends nothing, or the replica takes nothing, for such a time. */
export function openSnapshots(idle = IDLE): Snapshots {
  const line = openLine(RUNNING_MAX);
  return {
    async open(life, request, end) {
      const leave = await line.enter(end);
      const flow = openFlow(end, idle, leave);
      try {
        const answer = await sendToSqld(life, request, flow.end);
        const { status, headers } = answer;
        return new Response(streamOf(answer, flow), { status, headers });
      } catch (thrown) {
        flow.finish();
        throw thrown;
      }
    },
    running: line.running,
    waiting: line.waiting,
  };
}

type Flow = {
  /** Aborted when the stream ends early, and after its end. */
  end: AbortSignal;
  /** Gives sqld, or the replica, its time from now on. */
  waitFor(whom: "sqld" | "replica"): void;
  finish(): void;
};

function openFlow(end: AbortSignal, idle: typeof IDLE, onFinish: () => void): Flow {
  const ending = new AbortController();
  const abort = () => ending.abort();
  let timer = setTimeout(abort, idle.sqldMs);
  end.addEventListener("abort", abort);
  if (end.aborted) abort();
  return {
    end: ending.signal,
    waitFor(whom) {
      clearTimeout(timer);
      timer = setTimeout(abort, whom === "sqld" ? idle.sqldMs : idle.replicaMs);
    },
    finish() {
      clearTimeout(timer);
      end.removeEventListener("abort", abort);
      ending.abort();
      onFinish();
    },
  };
}

/** The body of the answer, read from sqld as fast as the replica takes it. */
function streamOf(answer: Response, flow: Flow): ReadableStream<Uint8Array> {
  const body = answer.body?.getReader();
  let toReplica: ReadableStreamDefaultController<Uint8Array> | undefined;
  const breakOff = () => {
    // Without a reason, which Bun would print. It closes the connection, so the replica knows that the snapshot is not whole.
    toReplica?.error();
    flow.finish();
  };
  flow.end.addEventListener("abort", breakOff, { once: true });
  return new ReadableStream<Uint8Array>({
    start(controller) {
      toReplica = controller;
    },
    async pull(controller) {
      try {
        flow.waitFor("sqld");
        const chunk = await body?.read();
        flow.waitFor("replica");
        if (chunk?.value) return controller.enqueue(chunk.value);
        flow.end.removeEventListener("abort", breakOff);
        controller.close();
        flow.finish();
      } catch {
        breakOff();
      }
    },
    cancel() {
      flow.finish();
    },
  });
}
