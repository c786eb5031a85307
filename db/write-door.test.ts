// The write door: one group under way at a time, bounded, and every write is settled.
import { expect, test } from "bun:test";
import type { Outcome } from "./commit.ts";
import type { Statement } from "./database.ts";
import { DatabaseError } from "./errors.ts";
import { openWriteDoor } from "./write-door.ts";

const QUEUE_MAX = 20_000;
const GROUP_MAX = 2_000;

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "it was done",
    (thrown) => thrown,
  );
const done = (group: Statement[][]): Outcome[] => group.map(() => ({ ok: true, results: [] }));

/** Lets everything run that is ready to. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A door whose commits end when they are told to. */
function openHeldDoor() {
  const groups: { group: Statement[][]; end(outcomes: Outcome[]): void; fail(thrown: unknown): void }[] = [];
  const door = openWriteDoor((group) => {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome[]>();
    groups.push({ group, end: resolve, fail: reject });
    return promise;
  });
  return { door, groups };
}

test("what comes while a group is under way goes together in the next, in order", async () => {
  const { door, groups } = openHeldDoor();
  const writes = ["a", "b", "c"].map((sql) => door.write([{ sql }]));
  expect(groups.map(({ group }) => group)).toEqual([[[{ sql: "a" }]]]);
  groups[0]?.end(done(groups[0].group));
  await turn();
  expect(groups.map(({ group }) => group.flat())).toEqual([[{ sql: "a" }], [{ sql: "b" }, { sql: "c" }]]);
  groups[1]?.end(done(groups[1].group));
  await Promise.all(writes);
  expect(door.state()).toEqual({ queued: 0, groupSize: 2, commits: 2 });
});

test("holds so many and no more; groups have a bound too", async () => {
  const { door, groups } = openHeldDoor();
  const writes = Array.from({ length: QUEUE_MAX + 1 }, () => door.write([]));
  expect(door.state().queued).toBe(QUEUE_MAX);
  expect(await failure(door.write([]))).toMatchObject({ name: "DatabaseError", kind: "overloaded" });
  for (let at = 0; at <= QUEUE_MAX / GROUP_MAX; at += 1) {
    expect(groups[at]?.group.length).toBe(at === 0 ? 1 : GROUP_MAX);
    groups[at]?.end(done(groups[at]?.group ?? []));
    await turn();
  }
  await Promise.all(writes);
  expect(door.state().queued).toBe(0);
});

test("a group that fails, fails for all of it, and the next is tried", async () => {
  const { door, groups } = openHeldDoor();
  const outcomes = ["a", "b"].map((sql) => failure(door.write([{ sql }])));
  groups[0]?.fail(new Error("disk full"));
  await turn();
  expect(await outcomes[0]).toBeInstanceOf(DatabaseError);
  expect(await outcomes[0]).toMatchObject({ kind: "unknown", message: "disk full" });
  groups[1]?.end(done(groups[1].group));
  expect(await outcomes[1]).toBe("it was done");
});

test("a member that the commit does not speak of is not a success", async () => {
  const { door, groups } = openHeldDoor();
  const outcome = failure(door.write([]));
  groups[0]?.end([]);
  expect(await outcome).toMatchObject({ name: "DatabaseError", kind: "unknown" });
});

test("is idle when everything accepted is settled, what came meanwhile included", async () => {
  const { door, groups } = openHeldDoor();
  const settled: string[] = [];
  const note = (name: string) => door.write([]).then(() => void settled.push(name));
  const writes = [note("a"), note("b")];
  const idle = door.idle().then(() => void settled.push("idle"));
  groups[0]?.end(done(groups[0].group));
  await turn();
  groups[1]?.end(done(groups[1].group));
  await Promise.all([...writes, idle]);
  expect(settled).toEqual(["a", "b", "idle"]);
  await door.idle();
});
