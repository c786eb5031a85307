// Likes that wait for their commit: batched by verb in order of arrival, bounded in number and in time.
import { DatabaseError } from "../../db/errors.ts";

/** The result of a like: the shoe's likes now, and whether the like is new. */
export type Liked = { likes: number; created: boolean };

/** A request adds or removes a like. */
export type Verb = "like" | "unlike";

/** One request to like or unlike; `resolve(null)` means that the shoe does not exist. */
export type LikeRequest = {
  shoeId: string;
  userId: string;
  resolve(liked: Liked | null): void;
  reject(thrown: unknown): void;
};

/** Requests of one verb in one commit. */
export type Batch = { verb: Verb; requests: LikeRequest[]; deadline?: Timer };

/** Likes that wait for a commit. */
type LikeQueue = {
  isEmpty(): boolean;
  /** Adds a request; rejects it with `overloaded` at once when too many wait, or later at its deadline. */
  add(verb: Verb, request: LikeRequest): void;
  /** Removes and returns the batches of the next commit, in order. */
  take(): Batch[];
};

/** Likes of one commit; the feed's readers clear everything on more changes at once. */
const COMMIT_MAX = 900;
/** The same bounds as the write queue's, which does not see the likes that wait here. */
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
      for (const { reject } of leave(batch).requests) reject(overloaded("the like waited too long"));
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
