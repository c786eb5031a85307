// The follower of the change feed: what it applies, when it clears, and that it polls by itself until it is closed.
import { afterEach, expect, test } from "bun:test";
import type { Change, FeedUpdate } from "../../db/feed.ts";
import { until } from "../../db/until.ts";
import { openLog } from "../log.ts";
import { type Follower, openFollower, openPolls } from "./follow.ts";

const NEVER_MS = 1_000_000;
const changes: Change[] = [
  { seq: 7, kind: "facts", shoeId: "a" },
  { seq: 8, kind: "session", shoeId: "u" },
];

let follower: Follower | undefined;
afterEach(() => follower?.close());

/** Opens a follower of these updates, the last one repeated; `done` lists what it did to a cache and to a memory without `tick`. */
function open(updates: (FeedUpdate | Error)[], pollMs = NEVER_MS) {
  const done: string[] = [];
  const logged: string[] = [];
  let polls = 0;
  const kept = (name: string) => ({
    apply: (given: Change[]) => done.push(`${name} applies ${given.map(({ seq }) => seq)}`),
    clear: () => done.push(`${name} clears`),
  });
  const opened = openFollower({
    feed: {
      poll() {
        const update = updates[Math.min(polls++, updates.length - 1)] as FeedUpdate | Error;
        if (update instanceof Error) throw update;
        return update;
      },
    },
    kept: [{ ...kept("cache"), tick: () => done.push("cache ticks") }, kept("callers")],
    log: openLog("info", "json", (line) => logged.push(line)),
    pollMs,
  });
  follower = opened;
  return { poll: opened.poll, close: opened.close, done, logged, polls: () => polls };
}

test("applies changes to everything that is kept, in order", () => {
  const { poll, done, logged } = open([{ kind: "changes", changes }]);
  poll();
  expect(done).toEqual(["cache applies 7,8", "callers applies 7,8"]);
  expect(logged).toEqual([]);
});

test("ticks where there is no change", () => {
  const { poll, done } = open([{ kind: "changes", changes: [] }]);
  poll();
  poll();
  expect(done).toEqual(["cache ticks", "cache ticks"]);
});

test("clears everything when the feed has a gap", () => {
  const { poll, done, logged } = open([{ kind: "lost" }]);
  poll();
  expect(done).toEqual(["cache clears", "callers clears"]);
  expect(logged).toEqual([]);
});

test("clears everything when the feed cannot be read, logs it, and goes on", () => {
  const { poll, done, logged } = open([new Error("disk I/O error"), { kind: "changes", changes }]);
  poll();
  expect(done).toEqual(["cache clears", "callers clears"]);
  expect(logged.map((line) => JSON.parse(line))).toMatchObject([
    { level: "error", message: "the change feed could not be read", error: "Error: disk I/O error" },
  ]);
  poll();
  expect(done.slice(2)).toEqual(["cache applies 7,8", "callers applies 7,8"]);
});

test("polls by itself until it is closed", async () => {
  const { polls, close } = open([{ kind: "changes", changes: [] }], 2);
  await until("three polls", () => polls() >= 3);
  close();
  const before = polls();
  await Bun.sleep(20);
  expect(polls()).toBe(before);
});

test("after a commit the feed is polled once for all of its writes", () => {
  let [commits, polls] = [3, 0];
  const { pollFeed, pollCommitted } = openPolls({ writeQueue: () => ({ ...STATE, commits }) }, () => {
    polls += 1;
  });
  pollCommitted();
  pollCommitted();
  expect(polls).toBe(1);
  commits += 1;
  pollCommitted();
  pollCommitted();
  expect(polls).toBe(2);
  pollFeed();
  expect(polls).toBe(3);
});

const STATE = {
  queued: 0,
  groupSize: 1,
  members: 1,
  commitMsTotal: 1,
  lastCommitMs: 1,
  breaker: "closed",
  outage: null,
  failures: {},
} as const;
