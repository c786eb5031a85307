// The limit on queries: how many at once, and how a server is tried again that did not answer.
import { expect, test } from "bun:test";
import { DatabaseError } from "../errors.ts";
import { expectRefusal, failure } from "../testing/contract-parts.ts";
import { openQueryLimit } from "./query-limit.ts";

const QUERIES_MAX = 8;
const RETRY_MS = 1_000;
/** Lets every callback run that is ready. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const gone = async () => {
  throw new DatabaseError("unreachable", "no answer");
};

test("eight queries are under way at once, the next ones follow in order, and then the limit is idle", async () => {
  const limit = openQueryLimit();
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const runs = Array.from({ length: QUERIES_MAX + 2 }, (_, index) =>
    limit.run(() => {
      begun.push(index);
      return new Promise<void>((resolve) => ends.push(resolve));
    }),
  );
  let isIdle = false;
  void limit.idle().then(() => {
    isIdle = true;
  });
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  ends[3]?.();
  await turn();
  expect(begun.slice(QUERIES_MAX)).toEqual([8]);
  ends[0]?.();
  await turn();
  expect(begun.slice(QUERIES_MAX)).toEqual([8, 9]);
  for (const end of ends.slice(0, -1)) end();
  await turn();
  expect(isIdle).toBe(false);
  ends.at(-1)?.();
  await Promise.all(runs);
  await turn();
  expect(isIdle).toBe(true);
});

test("while a server does not answer, one query a second tries it, and an answer opens it again", async () => {
  let nowMs = 0;
  const sent: number[] = [];
  const limit = openQueryLimit(() => nowMs);
  const run = (work: () => Promise<unknown>) =>
    failure(
      limit.run(() => {
        sent.push(nowMs);
        return work();
      }),
    );
  expectRefusal(await run(gone), "unreachable");
  nowMs = RETRY_MS - 1;
  expectRefusal(await run(gone), "unreachable");
  expect(sent).toEqual([0]);
  nowMs = RETRY_MS;
  const tried = await Promise.all([run(gone), run(gone), run(gone)]);
  for (const refusal of tried) expectRefusal(refusal, "unreachable");
  expect(sent).toEqual([0, RETRY_MS]);
  nowMs = 2 * RETRY_MS;
  expect(await run(async () => "an answer")).toBe("it was done");
  expect(await run(async () => "another")).toBe("it was done");
  expect(sent).toEqual([0, RETRY_MS, 2 * RETRY_MS, 2 * RETRY_MS]);
});

test("a query that SQL refuses says nothing about the server", async () => {
  const limit = openQueryLimit(() => 0);
  const faulty = async () => {
    throw new DatabaseError("unknown", "no such table");
  };
  expectRefusal(await failure(limit.run(faulty)), "unknown");
  expect(await limit.run(async () => "an answer")).toBe("an answer");
});
