// Merged commits: a replica that applies a merged answer ends up as one that applies each commit.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { must } from "../../../../db/must.ts";
import { answerOf, frameOf } from "../../../testing/log-frames.ts";
import { framesIn } from "./frames.ts";
import { mergeCommits } from "./merged-commits.ts";

type LogFrame = { number: number; page: number; commitPages: number };
/** By page: the number of the frame that wrote it last. */
type Pages = Map<number, number>;
type Replica = { pages: Pages; size: number; committed: number; open: Pages };

const newReplica = (): Replica => ({ pages: new Map(), size: 0, committed: -1, open: new Map() });

/** Applies an answer as a replica does: at each commit what is open counts, and pages beyond the database's end are gone. */
function apply(replica: Replica, body: Uint8Array): void {
  for (const { number, page, commitPages } of must(framesIn(body), "the frames")) {
    replica.open.set(page, number);
    if (commitPages === 0) continue;
    for (const [written, by] of replica.open) replica.pages.set(written, by);
    for (const written of replica.pages.keys()) if (written > commitPages) replica.pages.delete(written);
    Object.assign(replica, { size: commitPages, committed: number, open: new Map() });
  }
}

const bodyOf = (frames: LogFrame[]): Uint8Array<ArrayBuffer> =>
  answerOf(frames.map(({ number, page, commitPages }) => frameOf(number, { page, commitPages })));

const PAGES_MAX = 9;

/** Commits that write some pages and leave a database of some size, as numbered frames. SQLite also writes the pages that it adds. */
const logs = fc
  .array(
    fc.record({ size: fc.integer({ min: 1, max: PAGES_MAX }), pages: fc.array(fc.nat(PAGES_MAX - 1)) }),
    {
      minLength: 1,
      maxLength: 20,
    },
  )
  .map((commits) => {
    const log: LogFrame[] = [];
    let before = 0;
    for (const { size, pages } of commits) {
      const added = Array.from({ length: Math.max(0, size - before) }, (_, at) => before + 1 + at);
      const written = [...new Set([1, ...pages.map((page) => 1 + (page % size)), ...added])];
      for (const [at, page] of written.entries()) {
        const commitPages = at === written.length - 1 ? size : 0;
        log.push({ number: log.length, page, commitPages });
      }
      before = size;
    }
    return log;
  });

describe("a merged answer", () => {
  test("leaves a replica with the same pages, whatever the commits are and wherever answers end", () => {
    fc.assert(
      fc.property(logs, fc.integer({ min: 1, max: 40 }), (log, framesMax) => {
        const [single, merged] = [newReplica(), newReplica()];
        for (let from = 0; from < log.length; from += framesMax) {
          const frames = log.slice(from, from + framesMax);
          const answer = must(mergeCommits(bodyOf(frames)), "the merged answer");
          apply(single, bodyOf(frames));
          apply(merged, answer.body);
          expect(merged).toEqual(single);
          expect([answer.frames, answer.next]).toEqual([frames.length, from + frames.length]);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("has one commit, each page once, and what follows the commit as it was", () => {
    const frames = [
      { number: 10, page: 1, commitPages: 0 },
      { number: 11, page: 2, commitPages: 5 },
      { number: 12, page: 1, commitPages: 6 },
      { number: 13, page: 1, commitPages: 0 },
      { number: 14, page: 3, commitPages: 0 },
    ];
    const merged = must(mergeCommits(bodyOf(frames)), "the merged answer");
    expect([merged.frames, merged.commits, merged.next]).toEqual([5, 2, 15]);
    expect(must(framesIn(merged.body), "the frames")).toMatchObject([
      { number: 11, page: 2, commitPages: 0 },
      { number: 12, page: 1, commitPages: 6 },
      { number: 13, page: 1, commitPages: 0 },
      { number: 14, page: 3, commitPages: 0 },
    ]);
  });

  test("ends with sqld's trailers", () => {
    const two = [1, 2].map((number) => frameOf(number, { commitPages: 3 }));
    const merged = must(mergeCommits(answerOf(two)), "the merged answer");
    expect(Buffer.from(merged.body.slice(-15)).toString()).toBe("grpc-status:0\r\n");
    expect(merged.body.length).toBe(answerOf(two.slice(0, 1)).length);
  });
});

test.each([
  ["one commit", [frameOf(1), frameOf(2, { commitPages: 3 })]],
  ["no commit", [frameOf(1), frameOf(2)]],
])("an answer with %s stays as it is", (_, frames) => {
  const body = answerOf(frames);
  expect(mergeCommits(body)?.body).toBe(body);
});

test("an answer that the door cannot read stays as it is", () => {
  expect(mergeCommits(answerOf([frameOf(2, { commitPages: 3 }), frameOf(1, { commitPages: 3 })]))).toBeNull();
  expect(mergeCommits(answerOf([]))).toBeNull();
});
