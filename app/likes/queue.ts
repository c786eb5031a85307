// Likes that wait for their commit: merged by verb in the order they came, bounded in number and in time.
import { DatabaseError } from "../../db/errors.ts";

/** What became of a like: the shoe's likes now, and whether it was new. */
export type Liked = { likes: number; created: boolean };

export type Verb = "like" | "unlike";
export type Ask = {
  shoeId: string;
  userId: string;
  resolve(liked: Liked | null): void;
  reject(thrown: unknown): void;
};
/** One verb's asks of one commit; the first of each pair is the one that counts. */
export type Batch = { verb: Verb; asks: Ask[]; deadline?: Timer };

/** Likes of one commit: more changes at once than this are not gone through one by one by the feed's readers. */
const COMMIT_MAX = 900;
/** The bounds of the write door, which sees only what has left this queue. */
const WAITING_MAX = 20_000;
const DEADLINE_MS = 5_000;

const overloaded = (message: string) => new DatabaseError("overloaded", message);

/** Opens an empty queue; what was not taken by its deadline is refused. */
export function openLikeQueue(deadlineMs = DEADLINE_MS) {
  const waiting: Batch[] = [];
  let size = 0;

  const leave = (batch: Batch): Batch => {
    clearTimeout(batch.deadline);
    size -= batch.asks.length;
    return batch;
  };

  const open = (verb: Verb): Batch => {
    const batch: Batch = { verb, asks: [] };
    batch.deadline = setTimeout(() => {
      waiting.splice(waiting.indexOf(batch), 1);
      for (const { reject } of leave(batch).asks) reject(overloaded("it waited too long"));
    }, deadlineMs);
    // The program need not stay for it.
    batch.deadline.unref();
    waiting.push(batch);
    return batch;
  };

  return {
    isEmpty: (): boolean => waiting.length === 0,
    /** Takes an ask in, or refuses it at once when too many wait. */
    add(verb: Verb, ask: Ask): void {
      if (size >= WAITING_MAX) {
        ask.reject(overloaded("too many likes are waiting"));
        return;
      }
      const last = waiting.at(-1);
      const batch = last?.verb === verb && last.asks.length < COMMIT_MAX ? last : open(verb);
      batch.asks.push(ask);
      size += 1;
    },
    /** The batches of the next commit, in order. */
    take(): Batch[] {
      let [count, asks] = [0, 0];
      for (const batch of waiting) {
        asks += batch.asks.length;
        if (count > 0 && asks > COMMIT_MAX) break;
        count += 1;
      }
      return waiting.splice(0, count).map(leave);
    },
  };
}
