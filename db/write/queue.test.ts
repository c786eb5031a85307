// The write queue: one group is under way at a time, its length is bounded, and every write is settled.
import { describe, expect, test } from "bun:test";
import type { Statement } from "../database.ts";
import { DatabaseError } from "../errors.ts";
import type { Outcome } from "./commit.ts";
import { openWriteQueue, type WriteQueueOptions } from "./queue.ts";

const QUEUE_MAX = 20_000;
const GROUP_MAX = 2_000;

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "it was done",
    (thrown) => thrown,
  );
const ONE = { changes: 1, rows: [] };
const done = (group: Statement[][]): Outcome[] => group.map(() => ({ ok: true, results: [] }));

/** Lets every callback run that is ready. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A queue whose commits the test ends by hand. */
function openHeldQueue(options: WriteQueueOptions = {}) {
  const groups: { group: Statement[][]; end(outcomes: Outcome[]): void; fail(thrown: unknown): void }[] = [];
  const queue = openWriteQueue((group) => {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome[]>();
    groups.push({ group, end: resolve, fail: reject });
    return promise;
  }, options);
  return { queue, groups };
}

test("writes that come while a group is under way form the next group, in order", async () => {
  const { queue, groups } = openHeldQueue();
  const writes = ["a", "b", "c"].map((sql) => queue.write([{ sql }]));
  expect(groups.map(({ group }) => group)).toEqual([[[{ sql: "a" }]]]);
  groups[0]?.end(done(groups[0].group));
  await turn();
  expect(groups.map(({ group }) => group.flat())).toEqual([[{ sql: "a" }], [{ sql: "b" }, { sql: "c" }]]);
  groups[1]?.end(done(groups[1].group));
  await Promise.all(writes);
  const { lastCommitMs, commitMsTotal, ...state } = queue.state();
  expect(state).toEqual({
    queued: 0,
    groupSize: 2,
    commits: 2,
    members: 3,
    breaker: "closed",
    outage: null,
    failures: {},
  });
  expect(lastCommitMs).toBeGreaterThan(0);
  expect(commitMsTotal).toBeGreaterThan(lastCommitMs);
});

test("the queue and the groups have a maximum size", async () => {
  const { queue, groups } = openHeldQueue();
  const writes = Array.from({ length: QUEUE_MAX + 1 }, () => queue.write([]));
  expect(queue.state().queued).toBe(QUEUE_MAX);
  expect(await failure(queue.write([]))).toMatchObject({ name: "DatabaseError", kind: "overloaded" });
  for (let index = 0; index <= QUEUE_MAX / GROUP_MAX; index += 1) {
    expect(groups[index]?.group.length).toBe(index === 0 ? 1 : GROUP_MAX);
    groups[index]?.end(done(groups[index]?.group ?? []));
    await turn();
  }
  await Promise.all(writes);
  expect(queue.state().queued).toBe(0);
});

test("a large group is answered in order, some writes in each turn, and the next one follows", async () => {
  const { queue, groups } = openHeldQueue({ answersAtOnce: 2 });
  const answered: number[] = [];
  const first = queue.write([]);
  const writes = [1, 2, 3, 4, 5].map((number) => queue.write([]).then(() => answered.push(number)));
  groups[0]?.end(done(groups[0].group));
  await first;
  await turn();
  const later = queue.write([]);
  groups[1]?.end(done(groups[1].group));
  await Promise.all(writes.slice(0, 2));
  expect([answered, groups.length]).toEqual([[1, 2], 2]);
  await turn();
  expect(answered).toEqual([1, 2, 3, 4]);
  await Promise.all(writes);
  expect(answered).toEqual([1, 2, 3, 4, 5]);
  await turn();
  groups[2]?.end(done(groups[2].group));
  expect(await later).toEqual([]);
});

test("a failing commit rejects the whole group, and the next group is tried", async () => {
  const { queue, groups } = openHeldQueue();
  const outcomes = ["a", "b"].map((sql) => failure(queue.write([{ sql }])));
  groups[0]?.fail(new Error("disk full"));
  await turn();
  expect(await outcomes[0]).toBeInstanceOf(DatabaseError);
  expect(await outcomes[0]).toMatchObject({ kind: "failed", message: "disk full" });
  groups[1]?.end(done(groups[1].group));
  expect(await outcomes[1]).toBe("it was done");
});

test("a member without an outcome is rejected", async () => {
  const { queue, groups } = openHeldQueue();
  const outcome = failure(queue.write([]));
  groups[0]?.end([]);
  expect(await outcome).toMatchObject({ name: "DatabaseError", kind: "unknown" });
});

test("is idle when every accepted write is settled, also those that came meanwhile", async () => {
  const { queue, groups } = openHeldQueue();
  const settled: string[] = [];
  const note = (name: string) => queue.write([]).then(() => void settled.push(name));
  const writes = [note("a"), note("b")];
  const idle = queue.idle().then(() => void settled.push("idle"));
  groups[0]?.end(done(groups[0].group));
  await turn();
  groups[1]?.end(done(groups[1].group));
  await Promise.all([...writes, idle]);
  expect(settled).toEqual(["a", "b", "idle"]);
  await queue.idle();
});

describe("a write id", () => {
  test("is recorded with the effect, and adds no result", async () => {
    const { queue, groups } = openHeldQueue({ now: () => 7 });
    const write = queue.write([{ sql: "a" }], "w1");
    expect(groups[0]?.group[0]?.map(({ args = [] }) => args)).toEqual([["w1", 7], []]);
    const results = [1, 2].map((changes) => ({ changes, rows: [] }));
    groups[0]?.end([{ ok: true, results }]);
    expect(await write).toEqual([{ changes: 2, rows: [] }]);
  });

  test("is looked for after an uncertain outcome: a write that was not done is retried once, none is done twice", async () => {
    const lookups: string[][] = [];
    const { queue, groups } = openHeldQueue({
      findDone(ids) {
        lookups.push(ids);
        return ids.filter((id) => id === "done");
      },
    });
    const lost = new DatabaseError("uncertain", "the thread died");
    const first = failure(queue.write([{ sql: "first" }]));
    const outcomes = ["done", "open", undefined].map((id) => failure(queue.write([{ sql: `${id}` }], id)));
    groups[0]?.fail(lost);
    expect(await first).toMatchObject({ kind: "uncertain" });
    await turn();
    groups[1]?.fail(lost);
    expect(await outcomes[0]).toMatchObject({ kind: "uncertain" });
    expect(await outcomes[2]).toMatchObject({ kind: "uncertain" });
    await turn();
    expect(groups[2]?.group.map((member) => member.at(-1)?.sql)).toEqual(["open"]);
    groups[2]?.fail(lost);
    expect(await outcomes[1]).toMatchObject({ kind: "failed" });
    expect(lookups).toEqual([[], ["done", "open"], ["open"]]);
  });
});

describe("a write that is sent again after an uncertain outcome", () => {
  const lost = new DatabaseError("uncertain", "the answer was lost");

  test("goes before the writes that came meanwhile", async () => {
    const { queue, groups } = openHeldQueue();
    const writes = [queue.write([{ sql: "first" }], "w1"), queue.write([{ sql: "second" }])];
    groups[0]?.fail(lost);
    await turn();
    expect(groups[1]?.group.map((member) => member.at(-1)?.sql)).toEqual(["first", "second"]);
    groups[1]?.end(groups[1].group.map((member) => ({ ok: true, results: member.map(() => ONE) })));
    expect(await Promise.all(writes)).toEqual([[ONE], [ONE]]);
  });

  test("stays uncertain when its id is there by then: the first attempt came late", async () => {
    const { queue, groups } = openHeldQueue();
    const outcome = failure(queue.write([], "w1"));
    groups[0]?.fail(lost);
    await turn();
    groups[1]?.end([{ ok: false, kind: "unique", message: "UNIQUE", columns: ["writes.id"] }]);
    expect(await outcome).toMatchObject({ kind: "uncertain" });
  });

  test("is refused as a duplicate when it was sent once alone", async () => {
    const { queue, groups } = openHeldQueue();
    const outcome = failure(queue.write([], "w1"));
    groups[0]?.end([{ ok: false, kind: "unique", message: "UNIQUE", columns: ["writes.id"] }]);
    expect(await outcome).toMatchObject({ kind: "unique", columns: ["writes.id"] });
  });

  test("opens the breaker only when it is lost again, where the loss of one group is forgiven", async () => {
    const { queue, groups } = openHeldQueue({ opensOn: ["uncertain"], retriesLost: true });
    const outcomes = ["w1", "w2"].map((id) => failure(queue.write([], id)));
    groups[0]?.fail(lost);
    await turn();
    expect([queue.state().breaker, groups[1]?.group.length]).toEqual(["closed", 2]);
    groups[1]?.fail(lost);
    expect(await Promise.all(outcomes)).toMatchObject([{ kind: "failed" }, { kind: "uncertain" }]);
    expect(queue.state().breaker).toBe("open");
  });

  test("is not sent again where the write ids cannot be found", async () => {
    const findDone = () => Promise.reject(new DatabaseError("unreachable", "no answer"));
    const { queue, groups } = openHeldQueue({ opensOn: ["uncertain"], retriesLost: true, findDone });
    const outcome = failure(queue.write([], "w1"));
    groups[0]?.fail(lost);
    expect(await outcome).toMatchObject({ kind: "uncertain" });
    expect([queue.state().breaker, groups.length]).toEqual(["open", 1]);
  });

  test("stays uncertain when the breaker opens, and the writes behind it were not done", async () => {
    const { queue, groups } = openHeldQueue({ opensOn: ["uncertain"] });
    const outcomes = ["w1", "w2"].map((id) => failure(queue.write([], id)));
    groups[0]?.fail(lost);
    expect(await outcomes[0]).toMatchObject({ kind: "uncertain" });
    expect(await outcomes[1]).toMatchObject({ kind: "overloaded" });
    expect(groups).toHaveLength(1);
  });
});

test("a write that was not sent by its deadline is refused as not done; one under way is waited for", async () => {
  const { queue, groups } = openHeldQueue({ deadlineMs: 20 });
  const first = queue.write([{ sql: "first" }]);
  const late = await failure(queue.write([{ sql: "late" }]));
  expect(late).toMatchObject({ kind: "overloaded" });
  expect(queue.state().queued).toBe(0);
  groups[0]?.end(done(groups[0].group));
  await first;
  expect(groups.length).toBe(1);
});

test("the breaker opens after five failed groups, refuses at once, and lets one a second try", async () => {
  let nowMs = 0;
  let works = false;
  const sent: number[] = [];
  const queue = openWriteQueue(
    async (group) => {
      sent.push(nowMs);
      if (!works) throw new Error("disk full");
      return done(group);
    },
    { now: () => nowMs },
  );
  const write = async () => {
    const outcome = await failure(queue.write([]));
    return outcome instanceof DatabaseError ? outcome.kind : outcome;
  };
  for (let round = 0; round < 5; round += 1) expect(await write()).toBe("failed");
  expect(queue.state().breaker).toBe("open");
  for (let round = 0; round < 5; round += 1) expect(await write()).toBe("overloaded");
  nowMs = 1_000;
  expect(await Promise.all([write(), write()])).toEqual(["failed", "overloaded"]);
  works = true;
  nowMs = 1_999;
  expect(await write()).toBe("overloaded");
  nowMs = 2_000;
  expect(await write()).toBe("it was done");
  expect(queue.state().breaker).toBe("closed");
  expect(await write()).toBe("it was done");
  expect(sent).toEqual([0, 0, 0, 0, 0, 1_000, 2_000, 2_000]);
});

test("writes that wait while the breaker opens are refused", async () => {
  const { queue, groups } = openHeldQueue();
  for (let index = 0; index < 4; index += 1) {
    const outcome = failure(queue.write([]));
    groups[index]?.fail(new Error("disk full"));
    await outcome;
    await turn();
  }
  const [first, second] = [failure(queue.write([])), failure(queue.write([]))];
  groups[4]?.fail(new Error("disk full"));
  expect(await first).toMatchObject({ kind: "failed" });
  expect(await second).toMatchObject({ kind: "overloaded" });
  expect(groups.length).toBe(5);
});

describe("a write that the machine fails", () => {
  const full = new Error("database or disk is full");
  const member = (message: string): Outcome => ({ ok: false, kind: "unknown", message, columns: [] });

  test("is unwritable, also those that are not tried while the breaker is open", async () => {
    let nowMs = 0;
    let isFull = true;
    const reports: [boolean, number][] = [];
    const queue = openWriteQueue(
      async (group) => {
        if (isFull) throw full;
        return done(group);
      },
      { now: () => nowMs, onOutage: ({ isOver, writes }) => reports.push([isOver, writes]) },
    );
    for (let round = 1; round <= 8; round += 1)
      expect(await failure(queue.write([]))).toMatchObject({ kind: "unwritable", message: full.message });
    expect(queue.state()).toMatchObject({
      breaker: "open",
      outage: { reason: "disk-full", error: full.message, sinceMs: 0, writes: 8 },
      failures: { "disk-full": 8 },
    });
    isFull = false;
    nowMs = 1_000;
    expect(await failure(queue.write([]))).toBe("it was done");
    expect(queue.state()).toMatchObject({ breaker: "closed", outage: null, failures: { "disk-full": 8 } });
    expect(reports).toEqual([
      [false, 1],
      [true, 8],
    ]);
  });

  test("is unwritable alone where the others of its group are committed", async () => {
    const { queue, groups } = openHeldQueue();
    const first = queue.write([]);
    const outcomes = [failure(queue.write([])), failure(queue.write([])), failure(queue.write([]))];
    groups[0]?.end(done(groups[0].group));
    await first;
    await turn();
    const malformed = "database disk image is malformed";
    groups[1]?.end([{ ok: true, results: [] }, member(malformed), member("no such table: x")]);
    expect(await outcomes[0]).toBe("it was done");
    expect(await outcomes[1]).toMatchObject({ kind: "unwritable" });
    expect(await outcomes[2]).toMatchObject({ kind: "unknown" });
    expect(queue.state()).toMatchObject({ outage: { reason: "corrupt", writes: 1 }, breaker: "closed" });
  });

  test("is no reason for one that another failure keeps from being tried", async () => {
    let thrown: Error = full;
    const queue = openWriteQueue(() => Promise.reject(thrown), { now: () => 0, opensOn: ["unreachable"] });
    expect(await failure(queue.write([]))).toMatchObject({ kind: "unwritable" });
    thrown = new DatabaseError("unreachable", "the primary does not answer");
    expect(await failure(queue.write([]))).toMatchObject({ kind: "unreachable" });
    expect(await failure(queue.write([]))).toMatchObject({ kind: "overloaded" });
  });
});
