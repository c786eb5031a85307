// Synchronous work on a server: each query is sent once, no two are mistaken for one another, and endless work ends.
import { expect, test } from "bun:test";
import type { Row, Statement, Value } from "../database.ts";
import { replay } from "./replay.ts";

/** A server that answers each query with its own text and arguments, and notes what it was sent. */
function openEcho() {
  const sent: Statement[][] = [];
  const send = async (queries: Statement[]): Promise<Row[][]> => {
    sent.push(queries);
    return queries.map(({ sql, args = [] }) => [[sql, ...args] as Row]);
  };
  return { sent, send };
}

test("a query is sent once, however often the work makes it", async () => {
  const { sent, send } = openEcho();
  const result = await replay(send, ({ read }) => {
    const [first, second] = [read.get("a", 1), read.get("b")];
    return [first, second, read.get("a", 1), read.all("b")];
  });
  expect(result).toEqual([["a", 1], ["b"], ["a", 1], [["b"]]]);
  expect(sent.flat().map(({ sql }) => sql)).toEqual(["a", "b"]);
});

test("queries that differ in the type or the number of their arguments are different ones", async () => {
  const { sent, send } = openEcho();
  const all: Value[][] = [
    [1],
    ["1"],
    [1n],
    [null],
    ["null"],
    [],
    [""],
    ["1", "1"],
    ["1,1"],
    [new Uint8Array([1])],
  ];
  const rows = await replay(send, ({ read }) => all.map((args) => read.get("a", ...args)));
  expect(rows).toEqual(all.map((args) => ["a", ...args]));
  expect(sent).toHaveLength(all.length);
});

test("the queries of a scan are sent together, but for those that have an answer", async () => {
  const { sent, send } = openEcho();
  const queries = ["a", "b", "c"].map((sql) => ({ sql }));
  const rows = await replay(send, async ({ read, scan }) => [read.get("b"), await scan(queries)]);
  expect(rows).toEqual([["b"], [[["a"]], [["b"]], [["c"]]]]);
  expect(sent.map((group) => group.map(({ sql }) => sql))).toEqual([["b"], ["a", "c"]]);
});

test("work that asks on and on is given up after 200 queries", async () => {
  const { sent, send } = openEcho();
  const endless = replay(send, ({ read }) => {
    for (let index = 0; index < 1_000; index += 1) read.get("a", index);
  });
  await expect(endless).rejects.toThrow("more than 200 queries one after the other");
  expect(sent).toHaveLength(200);
});

test("an error of the work, or of the server, ends it", async () => {
  const { send } = openEcho();
  const failing = replay(send, ({ read }) => {
    read.get("a");
    throw new Error("of the work");
  });
  await expect(failing).rejects.toThrow("of the work");
  const unanswered = replay(
    async () => {
      throw new Error("of the server");
    },
    ({ read }) => read.get("a"),
  );
  await expect(unanswered).rejects.toThrow("of the server");
});
