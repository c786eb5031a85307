// Snapshots of sqld, streamed to replicas: never whole in memory, and two at once in all.
import type { Life } from "./lives.ts";
import { type ReplicaRequest, sendToSqld } from "./sqld-requests.ts";

export type Snapshots = {
  /** Resolves with the answer once it is the request's turn. Rejects when `end` is aborted or sqld does not answer. */
  open(life: Life, request: ReplicaRequest, end: AbortSignal): Promise<Response>;
  running(): number;
  waiting(): number;
};

/** A node asks for one at a time. Further ones wait: each reads much of sqld's disk and sends it all. */
const RUNNING_MAX = 2;
/** The longest time without a byte, from sqld or to the replica. */
const IDLE_MS_MAX = 5_000;

/** Opens the line of snapshots. */
export function openSnapshots(): Snapshots {
  const line: (() => void)[] = [];
  let running = 0;

  const enter = async (end: AbortSignal): Promise<void> => {
    end.throwIfAborted();
    if (running < RUNNING_MAX) {
      running += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        line.splice(line.indexOf(go), 1);
        reject(end.reason);
      };
      const go = () => {
        end.removeEventListener("abort", leave);
        resolve();
      };
      line.push(go);
      end.addEventListener("abort", leave, { once: true });
    });
  };
  const leave = () => {
    const next = line.shift();
    if (next) next();
    else running -= 1;
  };

  return {
    async open(life, request, end) {
      await enter(end);
      return await stream(life, request, end, leave);
    },
    running: () => running,
    waiting: () => line.length,
  };
}

/** Calls `onEnd` once, after the last byte or when the stream ends early. */
async function stream(
  life: Life,
  request: ReplicaRequest,
  end: AbortSignal,
  onEnd: () => void,
): Promise<Response> {
  const ending = new AbortController();
  let timer: Timer | undefined;
  const abort = () => ending.abort();
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(abort, IDLE_MS_MAX);
  };
  const finish = () => {
    clearTimeout(timer);
    end.removeEventListener("abort", abort);
    onEnd();
  };
  end.addEventListener("abort", abort);
  watch();
  try {
    const answer = await sendToSqld(life, request, ending.signal);
    const body = answer.body?.getReader();
    const passed = new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const chunk = await body?.read();
          watch();
          if (chunk && !chunk.done) return controller.enqueue(chunk.value);
          controller.close();
        } catch {
          // Without a reason, which Bun would print: it closes the connection.
          controller.error();
        }
        finish();
      },
      cancel() {
        abort();
        finish();
      },
    });
    return new Response(passed, { status: answer.status, headers: answer.headers });
  } catch (thrown) {
    finish();
    throw thrown;
  }
}
