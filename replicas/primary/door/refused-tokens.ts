// Refused tokens, counted by reason; the operator hears of the first of each reason in a minute.
import type { Metric } from "./metric.ts";
import type { TokenFault } from "./tokens.ts";

/** `read-only`: a right token that may only read, where one that may write is needed. */
type Reason = TokenFault | "read-only";

export type RefusedTokens = {
  note(reason: Reason, from: string): void;
  metrics(): Metric[];
};

const SAY_EVERY_MS = 60_000;
const SENTENCES: Record<Reason, string> = {
  missing: "there was none",
  malformed: "it is no token",
  algorithm: "it is not signed by EdDSA",
  signature: "no key of the dataset signed it",
  access: "it says neither ro nor rw",
  dataset: "it is for another dataset",
  expiry: "it does not say when it ends",
  early: "it is not valid yet",
  ended: "it has ended",
  revoked: "it was revoked",
  "read-only": "it may only read",
};

/** Opens the counts; `now` is a time in milliseconds. */
export function openRefusedTokens(say: (line: string) => void, now: () => number): RefusedTokens {
  const counts = new Map<Reason, { total: number; said: number; saidAtMs: number }>();
  return {
    note(reason, from) {
      const count = counts.get(reason) ?? { total: 0, said: 0, saidAtMs: Number.NEGATIVE_INFINITY };
      counts.set(reason, count);
      count.total += 1;
      if (now() - count.saidAtMs < SAY_EVERY_MS) return;
      const times = count.total - count.said;
      say(
        `refused a token from ${from}: ${SENTENCES[reason]}${times > 1 ? ` (${times} times since the last line)` : ""}`,
      );
      count.said = count.total;
      count.saidAtMs = now();
    },
    metrics: () =>
      [...counts].map(([reason, { total }]) => ({
        name: "refused_tokens_total",
        help: "Requests whose token was refused",
        type: "counter",
        value: total,
        labels: { reason },
      })),
  };
}
