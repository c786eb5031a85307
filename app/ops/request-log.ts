// The request log: every failed or slow request, and a share of the others.
import { URL_LENGTH_MAX } from "../http/checks.ts";
import { maskAddress } from "../http/mask.ts";
import type { Log } from "../log.ts";

const SLOW_MS = 1_000;

/** The status to log, and that of the response, which differs where no client was left to receive it. */
type Outcome = { status: number; answer: number };

/** Logs a request that the memory cache did not answer, with its status and duration. */
type RequestLog = (request: Request, outcome: Outcome, ms: number, requestId: string) => void;

/** Opens the request log; `sample` is the share of fast successful requests that it logs. */
export function openRequestLog(log: Log, sample: number): RequestLog {
  return ({ method, url }, { status, answer }, ms, requestId) => {
    const isQuiet = status < 400 && ms < SLOW_MS;
    if (isQuiet && Math.random() >= sample) return;
    log[status >= 500 ? "error" : "info"](method, {
      url: maskAddress(url).slice(0, URL_LENGTH_MAX),
      status,
      ...(answer === status ? {} : { answer }),
      ms: Math.round(ms * 10) / 10,
      requestId,
    });
  };
}
