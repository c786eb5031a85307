// Answers of sqld that several replicas share: one request to sqld for all that ask the same at the same time or until the next commit.

import type { Life } from "../lives.ts";
import type { News } from "../news.ts";
import { openLine } from "./line.ts";
import { askForLog, type LogAnswer } from "./log-answers.ts";
import type { ReplicaRequest } from "./sqld-requests.ts";

export type SharedAnswers = {
  /** Resolves with an answer that sqld began after the newest commit. Rejects when sqld does not answer. */
  ask(life: Life, request: ReplicaRequest): Promise<LogAnswer>;
  /** Requests sent to sqld, requests that took the answer of another, commits merged into another, and the bytes kept. */
  state(): { asked: number; taken: number; merged: number; keptBytes: number };
};

type Entry = { answer: Promise<LogAnswer>; bytes: number };

const KEPT_BYTES_MAX = 32 * 1_024 * 1_024;
/** Further requests wait, because each answer may have 4 MB. */
const UNDER_WAY_MAX = 8;

/**
 * Opens the answers without any. An answer is shared by requests in the same life of sqld with the same body and the same headers,
 * among them the session token: a new life counts its frames anew, and frames of another life destroy a replica.
 */
export function openSharedAnswers(news: Pick<News, "count">, ask = askForLog): SharedAnswers {
  const entries = new Map<string, Entry>();
  const counts = { asked: 0, taken: 0, merged: 0 };
  const line = openLine(UNDER_WAY_MAX);
  let of: { life: Life; news: number } | undefined;
  let keptBytes = 0;

  const askInTurn = async (life: Life, request: ReplicaRequest): Promise<LogAnswer> => {
    const leave = await line.enter(life.ended);
    try {
      return await ask(life, request);
    } finally {
      leave();
    }
  };
  const drop = (key: string, entry: Entry) => {
    if (entries.get(key) !== entry) return;
    entries.delete(key);
    keptBytes -= entry.bytes;
  };
  /** Begins anew: what began before a commit may lack its frames, and another life must see nothing of this one. */
  const beginWith = (life: Life) => {
    if (of?.life !== life)
      life.ended.addEventListener("abort", () => of?.life === life && dropAll(), { once: true });
    of = { life, news: news.count() };
    dropAll();
  };
  const dropAll = () => {
    entries.clear();
    keptBytes = 0;
  };
  const keep = (key: string, entry: Entry, answer: LogAnswer) => {
    if (entries.get(key) !== entry) return;
    if (answer.kind !== "frames" || answer.body.length > KEPT_BYTES_MAX) return drop(key, entry);
    entry.bytes = answer.body.length;
    keptBytes += entry.bytes;
    for (const [oldKey, old] of entries) {
      if (keptBytes <= KEPT_BYTES_MAX) return;
      if (old.bytes > 0) drop(oldKey, old);
    }
  };

  return {
    async ask(life, request) {
      if (of?.life !== life || of.news !== news.count()) beginWith(life);
      const key = keyOf(request);
      const known = entries.get(key);
      if (known) {
        counts.taken += 1;
        return await known.answer;
      }
      counts.asked += 1;
      const entry: Entry = { answer: askInTurn(life, request), bytes: 0 };
      entries.set(key, entry);
      try {
        const answer = await entry.answer;
        counts.merged += Math.max(0, answer.commits - 1);
        keep(key, entry, answer);
        return answer;
      } catch (thrown) {
        drop(key, entry);
        throw thrown;
      }
    },
    state: () => ({ ...counts, keptBytes }),
  };
}

const keyOf = ({ path, headers, body }: ReplicaRequest): string =>
  JSON.stringify([path, headers, Buffer.from(body).toString("latin1")]);
