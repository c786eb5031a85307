// A made-up sqld that answers requests for the log as a test says, so that what happens between two answers can be shown.

import { type Life, type Lives, openLives } from "../primary/door/lives.ts";
import { offsetOf } from "../primary/door/replication/frames.ts";
import { answerOf, frameOf } from "./log-frames.ts";

export type MadeUpSqld = {
  lives: Lives;
  life: Life;
  /** The headers of the requests that came, in order. */
  requests: Record<string, string>[];
  /** Decides the answers from now on, by the first frame that is asked for. */
  answer(next: Decide): void;
  close(): Promise<void>;
};

type Decide = (offset: number | null) => Response | Promise<Response>;

/** Opens it; its log is empty. */
export function openMadeUpSqld(): MadeUpSqld {
  const requests: MadeUpSqld["requests"] = [];
  let decide: Decide = emptyAnswer;
  const listener = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      requests.push(Object.fromEntries(request.headers));
      return await decide(offsetOf(new Uint8Array(await request.arrayBuffer())));
    },
  });
  const lives = openLives();
  lives.begin({ url: `http://127.0.0.1:${listener.port}`, writeToken: "writes", readToken: "reads" });
  return {
    lives,
    life: lives.current() as Life,
    requests,
    answer(next) {
      decide = next;
    },
    close: () => listener.stop(true),
  };
}

/** An answer without news. */
export const emptyAnswer = (): Response => responseOf([]);

/** An answer with so many frames, which begin with the number `first`. */
export const framesAnswer = (first: number, count = 1): Response =>
  responseOf(Array.from({ length: count }, (_, at) => frameOf(first + at)));

const responseOf = (frames: Uint8Array[]): Response =>
  new Response(answerOf(frames), { headers: { "content-type": "application/grpc-web+proto" } });
