// The write queue of several clients: none of them waits longer, or fails, because of another.
import { describe, expect, test } from "bun:test";
import type { Statement } from "../database.ts";
import { DatabaseError } from "../errors.ts";
import { failure } from "../testing/contract-parts.ts";
import { until } from "../until.ts";
import type { Outcome } from "./commit.ts";
import { openWriteQueue, type WriteQueueOptions, type WriteTerms } from "./queue.ts";

const PATIENCE_MS = 2_000;

type Group = { sqls: string[]; attempt: number };

/** The text of a member, whose first statement records its id. */
const textOf = (statements: Statement[]): string => statements.at(-1)?.sql ?? "";

/** A queue in front of a database that does what `decide` says with each group; `groups` are those it got. */
function openQueue(decide: (group: Group) => void | Promise<void>, options: WriteQueueOptions = {}) {
  const groups: Group[] = [];
  const queue = openWriteQueue(
    async (members, _, attempt): Promise<Outcome[]> => {
      const group = { sqls: members.map(textOf), attempt };
      groups.push(group);
      await decide(group);
      return members.map((statements) => ({
        ok: true,
        results: statements.map(() => ({ changes: 1, rows: [] })),
      }));
    },
    { isolates: { patienceMs: PATIENCE_MS }, ...options },
  );
  /** Writes one statement of a client; resolves with the kind of its error, or with a text. */
  const write = async (sql: string, terms: WriteTerms = {}) => {
    const outcome = await failure(queue.write([{ sql }], sql, terms));
    return outcome instanceof DatabaseError ? outcome.kind : outcome;
  };
  return { queue, groups, write };
}

const DONE = "it was done";
const holds = (group: Group, sql: string) => group.sqls.includes(sql);

describe("a group that fails as a whole", () => {
  test("goes again member by member: only the bad one fails, and the breaker stays closed", async () => {
    const { queue, groups, write } = openQueue((group) => {
      if (holds(group, "bad")) throw new DatabaseError("failed", "cannot be read");
    });
    const outcomes = await Promise.all(["first", "a", "bad", "b"].map((sql) => write(sql)));
    expect(outcomes).toEqual([DONE, DONE, "failed", DONE]);
    expect(groups.map(({ sqls }) => sqls)).toEqual([["first"], ["a", "bad", "b"], ["a"], ["bad"], ["b"]]);
    for (let index = 0; index < 10; index += 1) expect(await write("bad")).toBe("failed");
    expect(queue.state().breaker).toBe("closed");
  });

  test("goes in turn with the groups of others", async () => {
    let isFirst = true;
    const { groups, write } = openQueue((group) => {
      const fails = isFirst && holds(group, "b");
      if (fails) isFirst = false;
      if (fails) others.push(...["x", "y", "z"].map((sql) => write(sql)));
      if (fails) throw new DatabaseError("failed", "cannot be read");
    });
    const others: Promise<unknown>[] = [];
    await Promise.all(["first", "a", "b", "c"].map((sql) => write(sql)));
    await Promise.all(others);
    expect(groups.slice(2).map(({ sqls }) => sqls)).toEqual([["a"], ["x", "y", "z"], ["b"], ["c"]]);
  });
});

describe("a group that runs out of time", () => {
  const lost = new DatabaseError("uncertain", "no answer");

  test("goes again member by member, the slow one at last and behind those that wait; then it is given up", async () => {
    const { queue, groups, write } = openQueue(
      (group) => {
        if (holds(group, "slow") && group.attempt === 1) others.push(write("x"));
        if (holds(group, "slow")) throw lost;
      },
      { opensOn: ["uncertain"] },
    );
    const others: Promise<unknown>[] = [];
    const outcomes = await Promise.all(["first", "slow", "a"].map((sql) => write(sql)));
    expect(outcomes).toEqual([DONE, "failed", DONE]);
    expect(await Promise.all(others)).toEqual([DONE]);
    expect(groups.slice(1)).toEqual([
      { sqls: ["slow", "a"], attempt: 0 },
      { sqls: ["slow"], attempt: 1 },
      { sqls: ["x"], attempt: 0 },
      { sqls: ["a"], attempt: 1 },
      { sqls: ["slow"], attempt: 2 },
    ]);
    expect(queue.state().breaker).toBe("closed");
  });

  test("gives up one that ran out of time alone where its client does not wait for it", async () => {
    const { groups, write } = openQueue((group) => {
      if (holds(group, "slow")) throw lost;
    });
    const writes = ["slow", "a"].map((sql) => write(sql, { deadlineMs: PATIENCE_MS / 2 }));
    expect(await Promise.all([write("first"), ...writes])).toEqual([DONE, "failed", DONE]);
    expect(groups.filter((group) => holds(group, "slow")).map(({ attempt }) => attempt)).toEqual([0, 1]);
  });

  test("tells the members that were done that their outcome is unknown, and does none twice", async () => {
    const { groups, write } = openQueue(
      (group) => {
        if (group.sqls.length > 1) throw lost;
      },
      { findDone: (ids) => ids.filter((id) => id === "done") },
    );
    const outcomes = await Promise.all(["first", "done", "open"].map((sql) => write(sql)));
    expect(outcomes).toEqual([DONE, "uncertain", DONE]);
    expect(groups.map(({ sqls }) => sqls)).toEqual([["first"], ["done", "open"], ["open"]]);
  });

  test("stays a group while others hold the lock, however often", async () => {
    let left = 6;
    const { groups, write } = openQueue(
      (group) => {
        if (group.sqls.length > 1 && left > 0) throw lost;
      },
      {
        async isLocked() {
          left -= 1;
          return true;
        },
      },
    );
    expect(await Promise.all(["first", "a", "b"].map((sql) => write(sql)))).toEqual([DONE, DONE, DONE]);
    expect(groups.slice(1)).toEqual(Array(7).fill({ sqls: ["a", "b"], attempt: 0 }));
  });

  test("opens the breaker where the database does not answer either", async () => {
    const { queue, write } = openQueue(
      () => {
        throw lost;
      },
      { opensOn: ["uncertain"], findDone: () => Promise.reject(lost) },
    );
    expect(await write("a")).toBe("uncertain");
    expect(queue.state().breaker).toBe("open");
    expect(await write("b")).toBe("overloaded");
    queue.closeBreaker();
    expect(await write("c")).toBe("uncertain");
  });
});

test("a busy database is waited for, opens no breaker, and a late write is refused by the kind of the queue", async () => {
  let isBusy = true;
  const options = { retriesBusy: true, lateKind: "busy" } as const;
  const { queue, groups, write } = openQueue(() => {
    if (isBusy) throw new DatabaseError("busy", "database is locked");
  }, options);
  const patient = write("patient");
  const late = await failure(queue.write([], "late", { deadlineMs: 20 }));
  expect(late).toMatchObject({ kind: "busy", message: "the write waited too long" });
  await until("it was tried often", () => groups.length > 6);
  expect(queue.state().breaker).toBe("closed");
  isBusy = false;
  expect(await patient).toBe(DONE);
});

test("a busy database fails the group of a queue that does not wait for it, and opens no breaker", async () => {
  const { queue, write } = openQueue(() => {
    throw new DatabaseError("busy", "database is locked");
  });
  for (let index = 0; index < 10; index += 1) expect(await write("a")).toBe("busy");
  expect(queue.state().breaker).toBe("closed");
});

describe("groups", () => {
  const group = { members: 4, bytes: 100 };

  test("take the writes of each client in order, and those of several in turn", async () => {
    const { groups, write } = openQueue(() => {}, { group });
    const writes = [write("first", { source: "a" })];
    for (const at of [1, 2, 3, 4]) writes.push(write(`a${at}`, { source: "a" }));
    for (const at of [1, 2]) writes.push(write(`b${at}`, { source: "b" }));
    writes.push(write("c1", { source: "c" }));
    await Promise.all(writes);
    expect(groups.map(({ sqls }) => sqls)).toEqual([["first"], ["a1", "b1", "c1", "a2"], ["b2", "a3", "a4"]]);
  });

  test("end before they are too large, and one that is larger by itself goes alone", async () => {
    const { groups, write } = openQueue(() => {}, { group });
    const sizes = [1, 60, 30, 20, 500, 90, 10];
    const sqls = sizes.map((size, at) => `${at}`.padEnd(size));
    await Promise.all(sqls.map((sql) => write(sql)));
    const numbers = groups.map((each) => each.sqls.map((sql) => Number(sql)));
    expect(numbers).toEqual([[0], [1, 2], [3], [4], [5, 6]]);
  });
});
