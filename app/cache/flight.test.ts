// Single flight with requests that leave: a computation that waits for its turn belongs to all who share it.
import { expect, test } from "bun:test";
import { openSlowReader, settle } from "../../db/testing/turns.ts";
import { openManualCache, textOf } from "../testing/cache.ts";
import type { Fill } from "./cache.ts";

const LIST = { key: "/shoes?q=a", scope: "list", ttlMs: 60_000 } as const;
const MS_MAX = 1_000;

/** A cache whose fill waits for its turn at a worker that is busy. */
async function openBusy() {
  const reader = openSlowReader();
  const { cache, change } = openManualCache();
  reader.read([reader.from("other")], "other");
  await settle();
  let computations = 0;
  const fill: Fill = {
    ...LIST,
    async compute(requesters) {
      computations += 1;
      const name = `computation ${computations}`;
      await reader.turns.runReads(requesters, reader.db, ({ scan }) => scan([{ sql: name }]));
      return {
        body: name,
        contentType: "text/plain",
        cacheControl: "",
        etagPrefix: "l",
        shoeIds: () => [],
      };
    },
  };
  /** Asks for the list; the result is its text, or why it was refused. */
  const ask = (requester = reader.from("a", MS_MAX)) =>
    cache.findOrCompute(fill, 0, requester).then(
      ({ entry }) => textOf(entry),
      ({ message }) => message,
    );
  const waiting = () => reader.turns.state().waiting;
  return { reader, cache, change, ask, waiting };
}

test("the first requester leaves, the second gets the response of the same computation", async () => {
  const { reader, ask, waiting } = await openBusy();
  const leaving = reader.from("a", MS_MAX);
  const answers = [ask(leaving), ask(reader.from("b", MS_MAX))];
  await settle();
  leaving.leave();
  expect(waiting()).toBe(1);
  await reader.end();
  await reader.end();
  expect(await Promise.all(answers)).toEqual(["the client has gone", "computation 1"]);
});

test("each requester waits for its own time", async () => {
  const { reader, ask } = await openBusy();
  const early = ask();
  await settle();
  reader.clock.pass(MS_MAX / 2);
  const late = ask();
  await settle();
  reader.clock.pass(MS_MAX / 2);
  expect(await early).toBe("it waited too long for its turn");
  await reader.end();
  reader.clock.pass(MS_MAX);
  await reader.end();
  expect(await late).toBe("computation 1");
});

test("a computation that was given up is not joined: the next request begins a new one", async () => {
  const { reader, ask, waiting } = await openBusy();
  const leaving = reader.from("a", MS_MAX);
  const left = ask(leaving);
  await settle();
  leaving.leave();
  // In the same moment, before anything that waits for the first one has run.
  const next = ask();
  await settle();
  expect([await left, waiting()]).toEqual(["the client has gone", 1]);
  await reader.end();
  await reader.end();
  expect(await next).toBe("computation 2");
  expect(await ask()).toBe("computation 2");
});

test("a request that comes after a change begins a computation of its own, and waits in the same line", async () => {
  const { reader, change, ask, waiting } = await openBusy();
  const before = ask();
  await settle();
  change(["collection", null]);
  const after = ask();
  await settle();
  expect(waiting()).toBe(2);
  for (let query = 0; query < 3; query += 1) await reader.end();
  expect(await Promise.all([before, after])).toEqual(["computation 1", "computation 2"]);
});

test("requests without a requester wait as long as they must", async () => {
  const { reader, cache, waiting } = await openBusy();
  const fill: Fill = {
    ...LIST,
    async compute(requesters) {
      await reader.turns.runReads(requesters, reader.db, ({ scan }) => scan([{ sql: "patient" }]));
      return null;
    },
  };
  const answers = [cache.findOrCompute(fill), cache.findOrCompute(fill)];
  await settle();
  reader.clock.pass(Number.MAX_SAFE_INTEGER);
  expect(waiting()).toBe(1);
  await reader.end();
  await reader.end();
  expect(await Promise.all(answers)).toEqual([
    { entry: null, outcome: "miss" },
    { entry: null, outcome: "miss" },
  ]);
});
