// Requests of replicas for the log (BatchLogEntries): sqld's answer goes out when it has frames, at the pace of the releases.
import { HOLD_MS } from "../../../../db/server/door-protocol.ts";
import type { Life } from "../lives.ts";
import type { News } from "../news.ts";
import { FRAMES_MAX, offsetOf } from "./frames.ts";
import type { HeldRequests } from "./held-requests.ts";
import type { LogAnswer } from "./log-answers.ts";
import type { SharedAnswers } from "./shared-answers.ts";
import type { ReplicaRequest } from "./sqld-requests.ts";

export type LogRequestOptions = {
  held: HeldRequests;
  shared: SharedAnswers;
  news: Pick<News, "count">;
  now: () => number;
};

/** Answers a request of this life of sqld. Rejects when `end` is aborted or sqld does not answer. */
export type AnswerLogRequest = (life: Life, request: ReplicaRequest, end: AbortSignal) => Promise<LogAnswer>;

/** Further requests are answered at once. */
const HELD_MAX = 1_000;
/** Places of replicas that did not come back for more; the set begins anew then. */
const UNFINISHED_MAX = 1_000;

/** Opens the answering of requests for the log. */
export function openLogRequests({ held, shared, news, now }: LogRequestOptions): AnswerLogRequest {
  /** Where replicas go on that got as many frames as one answer has: the rest does not wait for a release. */
  const unfinished = new Set<string>();

  const deliver = (session: string, answer: LogAnswer): LogAnswer => {
    if (answer.frames === 0) return answer;
    const place = placeOf(session, answer.next);
    if (unfinished.size >= UNFINISHED_MAX) unfinished.clear();
    if (answer.frames >= FRAMES_MAX) unfinished.add(place);
    else held.delivered(place);
    return answer;
  };

  return async (life, request, end) => {
    const untilMs = now() + HOLD_MS;
    const session = request.headers.find(([name]) => name === "x-session-token")?.[1] ?? "";
    const place = placeOf(session, offsetOf(request.body) ?? 0);
    held.returned(place);
    const mayWait = held.size() < HELD_MAX;
    if (!unfinished.delete(place) && mayWait) await held.turn(end);
    for (let isLast = !mayWait; ; ) {
      const seen = news.count();
      const answer = await shared.ask(life, request);
      end.throwIfAborted();
      if (answer.kind !== "empty" || isLast) return deliver(session, answer);
      isLast = !(await held.news(seen, untilMs, end));
    }
  };
}

/** A replica's place in the log of one life of sqld. */
const placeOf = (session: string, offset: number): string => `${session} ${offset}`;
