// Likes that wait for their commit: merged by verb in the order they came, bounded in number and in time.
import { DatabaseError } from "../../db/errors.ts";

/** What became of a like: the shoe's likes now, and whether it was new. */
export type Liked = { likes: number; created: boolean };

export type Verb = "like" | "unlike";

/** One request to like or unlike; `resolve(null)`: there is no such shoe. */
export type LikeRequest = {
  shoeId: string;
  userId: string;
  resolve(liked: Liked | null): void;
  reject(thrown: unknown): void;
};

/** One verb's requests of one commit; of equal pairs the first counts. */
export type Batch = { verb: Verb; requests: LikeRequest[]; deadline?: Timer };

/** Likes that wait for a commit. */
export type LikeQueue = {
  isEmpty(): boolean;
  /** Takes a request in; rejects it with `overloaded` at once when too many wait, and later when its deadline passes. */
  add(verb: Verb, request: LikeRequest): void;
  /** Takes the batches of the next commit out, in order. */
  take(): Batch[];
};

/** Likes of one commit: more changes at once than this are not applied one by one by the feed's readers. */
const COMMIT_MAX = 900;
/** The bounds of the write queue, which sees only what has left this one. */
const WAITING_MAX = 20_000;
const DEADLINE_MS = 5_000;

const overloaded = (message: string) => new DatabaseError("overloaded", message);

/** Opens an empty queue. */
export function openLikeQueue(deadlineMs = DEADLINE_MS): LikeQueue {
  const waiting: Batch[] = [];
  let size = 0;

  const leave = (batch: Batch): Batch => {
    clearTimeout(batch.deadline);
    size -= batch.requests.length;
    return batch;
  };

  const open = (verb: Verb): Batch => {
    const batch: Batch = { verb, requests: [] };
    batch.deadline = setTimeout(() => {
      waiting.splice(waiting.indexOf(batch), 1);
      for (const { reject } of leave(batch).requests) reject(overloaded("it waited too long"));
    }, deadlineMs);
    // Does not keep the process alive.
    batch.deadline.unref();
    waiting.push(batch);
    return batch;
  };

  return {
    isEmpty: () => waiting.length === 0,
    add(verb, request) {
      if (size >= WAITING_MAX) {
        request.reject(overloaded("too many likes are waiting"));
        return;
      }
      const last = waiting.at(-1);
      const batch = last?.verb === verb && last.requests.length < COMMIT_MAX ? last : open(verb);
      batch.requests.push(request);
      size += 1;
    },
    take() {
      let [batches, requests] = [0, 0];
      for (const batch of waiting) {
        requests += batch.requests.length;
        if (batches > 0 && requests > COMMIT_MAX) break;
        batches += 1;
      }
      return waiting.splice(0, batches).map(leave);
    },
  };
}
