// The two tokens of a node: when each ends, and the log's warnings before and after that.
import { expiryOfToken } from "../dataset.ts";
import type { NodeLog } from "./log.ts";

/** The token that writes, and the one that syncs the replica; both may be the same. */
export type Tokens = { write: string; sync: string };

export type TokenWatch = {
  /** When each token ends, as ISO 8601; `null`: never. */
  endsAt(): { writeTokenEndsAt: string | null; syncTokenEndsAt: string | null };
  stop(): void;
};

type WatchOptions = { now?: () => number; everyMs?: number };

const DAY_MS = 86_400_000;
/** Time enough to renew tokens (replicas/README.md) once the first warning is seen. */
const WARN_MS = 14 * DAY_MS;

/** Looks at the tokens now and once a day: a node runs longer than its tokens are valid. */
export function openTokenWatch(
  tokens: Tokens,
  log: NodeLog,
  { now = Date.now, everyMs = DAY_MS }: WatchOptions = {},
): TokenWatch {
  const check = () => {
    for (const [use, token] of Object.entries(tokens)) warn(use, token, log, now());
  };
  check();
  const timer = setInterval(check, everyMs);
  timer.unref();
  return {
    endsAt: () => ({ writeTokenEndsAt: timeOf(tokens.write), syncTokenEndsAt: timeOf(tokens.sync) }),
    stop: () => clearInterval(timer),
  };
}

function warn(use: string, token: string, log: NodeLog, nowMs: number): void {
  const endsAtMs = (expiryOfToken(token) ?? Number.POSITIVE_INFINITY) * 1_000;
  if (endsAtMs - nowMs >= WARN_MS) return;
  const facts = { token: use, endsAt: timeOf(token) };
  if (endsAtMs > nowMs)
    log("warn", "a token for the primary ends soon: renew it with run primary token", facts);
  else log("error", "a token for the primary has ended: renew it with run primary token", facts);
}

function timeOf(token: string): string | null {
  const seconds = expiryOfToken(token);
  const time = new Date((seconds ?? Number.NaN) * 1_000);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}
