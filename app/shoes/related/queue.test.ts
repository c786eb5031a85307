// The queue of related lists: shoes of a node wait for a round, and a closed queue starts none.
import { expect, test } from "bun:test";
import type { Database, Statement } from "../../../db/database.ts";
import { DatabaseError } from "../../../db/errors.ts";
import { until } from "../../../db/until.ts";
import { openRelatedQueue } from "./related.ts";

const ROUND_MS = 250;

/** A node whose replica shows one pending shoe; `writes` are the groups that reached the primary. */
function openStub(write: (statements: Statement[]) => Promise<unknown>) {
  const writes: Statement[][] = [];
  let rounds = 0;
  const db = {
    isRemote: true,
    read: {
      all: (sql: string) => {
        if (!sql.includes("related_pending")) return [];
        rounds += 1;
        return [[1, 1, "Shoe", null, null, null, null, 1, "a"]];
      },
    },
    write: async (statements: Statement[]) => {
      writes.push(statements);
      return write(statements);
    },
  } as unknown as Database;
  return { db, writes, rounds: () => rounds };
}

const done = async () => [
  { changes: 1, rows: [] },
  { changes: 1, rows: [[1]] },
];

test("a shoe is written once, in the next round", async () => {
  const { db, writes } = openStub(done);
  const queue = openRelatedQueue(db);
  await Promise.all([queue.add("a"), queue.add("a")]);
  expect(writes).toEqual([]);
  await until("a write begins", () => writes.length > 0);
  await Bun.sleep(2 * ROUND_MS);
  expect(writes.length).toBe(1);
  await queue.close();
});

test("while the primary does not answer, the shoe waits on", async () => {
  const { db, rounds } = openStub(() => Promise.reject(new DatabaseError("unreachable", "gone")));
  const queue = openRelatedQueue(db);
  await queue.add("a");
  await until("another round begins", () => rounds() > 1);
  expect(rounds()).toBeGreaterThan(1);
  await queue.close();
});

test("a closed queue waits for its round, and starts no other", async () => {
  const answer = Promise.withResolvers<unknown>();
  const { db, writes, rounds } = openStub(() => answer.promise);
  const queue = openRelatedQueue(db);
  await queue.add("a");
  await until("a write begins", () => writes.length > 0);
  let isClosed = false;
  const closing = queue.close().then(() => {
    isClosed = true;
  });
  await Bun.sleep(20);
  expect(isClosed).toBe(false);
  answer.reject(new DatabaseError("unreachable", "gone"));
  await closing;
  await queue.add("b");
  await Bun.sleep(2 * ROUND_MS);
  expect(rounds()).toBe(1);
});
