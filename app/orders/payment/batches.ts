// Batches: what is written in one turn of the event loop goes into one statement for all, which costs half of many.
import { DatabaseError } from "../../../db/errors.ts";

const SIZE_MAX = 200;
const REFUSED = ["unique", "check", "reference"];

/**
 * Returns a function that writes an item with the others of its turn: the members of a group are answered in one turn, so that
 * what follows each of them is written together again. `write` returns a result for each item, in their order. Where the
 * database refuses a batch, each of its items is written alone.
 */
export function openBatches<Item, Result>(
  write: (items: Item[]) => Promise<Result[]>,
): (item: Item) => Promise<Result> {
  type Waiter = { item: Item; resolve(result: Result): void; reject(error: unknown): void };
  let waiting: Waiter[] = [];

  const send = async (batch: Waiter[]): Promise<void> => {
    try {
      const results = await write(batch.map(({ item }) => item));
      for (const [at, { resolve }] of batch.entries()) resolve(results[at] as Result);
    } catch (thrown) {
      if (batch.length > 1 && isRefused(thrown)) await Promise.all(batch.map((waiter) => send([waiter])));
      else for (const { reject } of batch) reject(thrown);
    }
  };
  const sendAll = () => {
    const all = waiting;
    waiting = [];
    for (let from = 0; from < all.length; from += SIZE_MAX) void send(all.slice(from, from + SIZE_MAX));
  };

  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ item, resolve, reject }) === 1) setImmediate(sendAll);
    });
}

const isRefused = (thrown: unknown): boolean =>
  thrown instanceof DatabaseError && REFUSED.includes(thrown.kind);
