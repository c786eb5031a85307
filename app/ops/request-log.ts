// The request log: every failed or slow request, and a share of the others.
import { URL_LENGTH_MAX } from "../http/checks.ts";
import { maskAddress } from "../http/mask.ts";
import type { Log } from "../log.ts";

const SLOW_MS = 1_000;

/** The status to log, and that of the response, which differs where no client was left to receive it. */
type Outcome = { status: number; answer: number };

/** Logs a request that the memory cache did not answer, with its status and duration. */
type RequestLog = (request: Request, outcome: Outcome, ms: number, requestId: string) => void;

/** Whether the machine fails writes now, and the time in milliseconds. */
type Machine = { isFailing(): boolean; now(): number };

const REFUSED = 503;
/** While the machine fails writes, the refused ones have so many lines: a log on a full disk must not fill it further. */
const REFUSED_EVERY_MS = 1_000;

/** Opens the request log; `sample` is the share of fast successful requests that it logs. */
export function openRequestLog(log: Log, sample: number, machine: Machine): RequestLog {
  const leavesOut = openThinning(machine);
  return ({ method, url }, { status, answer }, ms, requestId) => {
    const isQuiet = status < 400 && ms < SLOW_MS;
    if (isQuiet && Math.random() >= sample) return;
    const unlogged = status === REFUSED ? leavesOut(method) : 0;
    if (unlogged === null) return;
    log[status >= 500 ? "error" : "info"](method, {
      url: maskAddress(url).slice(0, URL_LENGTH_MAX),
      status,
      ...(answer === status ? {} : { answer }),
      ms: Math.round(ms * 10) / 10,
      requestId,
      ...(unlogged > 0 ? { unlogged } : {}),
    });
  };
}

/** Returns how many refused writes were left out since the last line, or `null` where this one is left out too. */
function openThinning({ isFailing, now }: Machine): (method: string) => number | null {
  let [loggedAtMs, leftOut] = [Number.NEGATIVE_INFINITY, 0];
  return (method) => {
    if (method === "GET" || method === "HEAD" || !isFailing()) return 0;
    const nowMs = now();
    if (nowMs - loggedAtMs < REFUSED_EVERY_MS) {
      leftOut += 1;
      return null;
    }
    const before = leftOut;
    [loggedAtMs, leftOut] = [nowMs, 0];
    return before;
  };
}
