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

/** Statuses of requests that were refused unseen, which a flood can cause as fast as it sends. */
const REFUSED: ReadonlySet<number> = new Set([429, 503]);
const WINDOW_MS = 1_000;
/** Lines of one such status a second: a flood must not fill the disk, and a log on a full disk not fill it further. */
const REFUSED_MAX = 20;
const REFUSED_MAX_WHILE_FAILING = 1;

/** Opens the request log; `sample` is the share of fast successful requests that it logs. */
export function openRequestLog(log: Log, sample: number, machine: Machine): RequestLog {
  const leavesOut = openThinning(machine);
  return ({ method, url }, { status, answer }, ms, requestId) => {
    const isQuiet = status < 400 && ms < SLOW_MS;
    if (isQuiet && Math.random() >= sample) return;
    const unlogged = REFUSED.has(status) ? leavesOut(status) : 0;
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

/** Returns how many of a status were left out since its last line, or `null` where this one is left out too. */
function openThinning({ isFailing, now }: Machine): (status: number) => number | null {
  const windows = new Map<number, { beganAtMs: number; lines: number; leftOut: number }>();
  return (status) => {
    const nowMs = now();
    const window = windows.get(status) ?? { beganAtMs: nowMs, lines: 0, leftOut: 0 };
    windows.set(status, window);
    // A clock that was set back begins a window too.
    if (Math.abs(nowMs - window.beganAtMs) >= WINDOW_MS)
      Object.assign(window, { beganAtMs: nowMs, lines: 0 });
    if (window.lines >= (isFailing() ? REFUSED_MAX_WHILE_FAILING : REFUSED_MAX)) {
      window.leftOut += 1;
      return null;
    }
    const { leftOut } = window;
    Object.assign(window, { lines: window.lines + 1, leftOut: 0 });
    return leftOut;
  };
}
