// Turns at a slow read worker: who goes next, who is refused, and what happens to requests that share a computation.
import { describe, expect, test } from "bun:test";
import { expectRefusal, failure } from "../testing/contract-parts.ts";
import { openSlowReader, settle } from "../testing/turns.ts";
import { openRequesters } from "./requesters.ts";

const LATE = "it waited too long for its turn";
const GONE = "the client has gone";
const TOO_MANY = "too many are waiting";

/** Ends everything that runs or waits; returns the queries that the worker got after the call, in order. */
async function endAll(reader: ReturnType<typeof openSlowReader>): Promise<string[]> {
  await settle();
  const before = reader.begun.length;
  while (reader.underWay().length > 0) await reader.end();
  expect(reader.turns.state()).toMatchObject({ running: 0, waiting: 0, clients: 0 });
  expect(reader.clock.alarms()).toBe(0);
  return reader.begun.slice(before);
}

describe("whose turn it is", () => {
  test("a client with one computation waits for the one that runs and one of each other client", async () => {
    const reader = openSlowReader();
    for (let index = 0; index < 9; index += 1) reader.read([reader.from("flood")], `flood ${index}`);
    for (let index = 0; index < 3; index += 1) reader.read([reader.from("other")], `other ${index}`);
    reader.read([reader.from("customer")], "customer");
    expect(reader.turns.state()).toEqual({ running: 1, waiting: 12, clients: 3, refused: 0 });
    expect(await endAll(reader)).toEqual([
      "flood 1",
      "other 0",
      "customer",
      "flood 2",
      "other 1",
      "flood 3",
      "other 2",
      ...[4, 5, 6, 7, 8].map((index) => `flood ${index}`),
    ]);
  });

  test("a client that comes again after its turn goes behind the others", async () => {
    const reader = openSlowReader();
    for (const name of ["a1", "a2", "a3"]) reader.read([reader.from("a")], name);
    reader.read([reader.from("b")], "b1");
    await reader.end();
    await reader.end();
    reader.read([reader.from("b")], "b2");
    expect(await endAll(reader)).toEqual(["a3", "b2"]);
  });

  test("the queries of one computation have one turn, and only a few computations have theirs at once", async () => {
    const reader = openSlowReader({ runningMax: 2 });
    reader.read([reader.from("a")], "a1", "a2", "a3");
    reader.read([reader.from("b")], "b1", "b2");
    reader.read([reader.from("c")], "c1");
    await settle();
    expect(reader.underWay()).toEqual(["a1", "b1"]);
    for (const next of [
      ["b1", "a2"],
      ["a2", "b2"],
      ["b2", "a3"],
      ["a3", "c1"],
    ]) {
      await reader.end();
      expect(reader.underWay()).toEqual(next);
    }
    await endAll(reader);
  });

  test("work without a wide query takes no turn", async () => {
    const reader = openSlowReader();
    reader.read([reader.from("a")], "a");
    expect(await reader.turns.runReads(openRequesters(), reader.db, async () => "narrow")).toBe("narrow");
    expect(reader.turns.state()).toMatchObject({ running: 1, waiting: 0 });
    await endAll(reader);
  });

  test("a computation that fails ends its turn", async () => {
    const reader = openSlowReader();
    const first = reader.read([reader.from("a")], "a1", "a2");
    const second = reader.read([reader.from("a")], "a3");
    await settle();
    await reader.end(new Error("broken"));
    expect(await first.outcomes[0]).toBe("broken");
    expect(reader.underWay()).toEqual(["a3"]);
    await endAll(reader);
    expect(await second.outcomes[0]).toBe("a3");
  });

  test("work that is no read has a turn as well, from its beginning to its end", async () => {
    const reader = openSlowReader();
    const requesters = openRequesters();
    void requesters.add(reader.from("a"));
    const ended = Promise.withResolvers<string>();
    const running = reader.turns.run(openRequesters(), () => ended.promise);
    const broken = failure(reader.turns.run(requesters, async () => Promise.reject(new Error("broken"))));
    await settle();
    expect(reader.turns.state()).toMatchObject({ running: 1, waiting: 1 });
    ended.resolve("done");
    expect(await running).toBe("done");
    expect(await broken).toEqual(new Error("broken"));
    expect(reader.turns.state()).toMatchObject({ running: 0, waiting: 0 });
  });
});

describe("who is refused", () => {
  test("a request whose turn does not come in time, and no other", async () => {
    const reader = openSlowReader();
    const running = reader.read([reader.from("a", 10)], "a1");
    const late = reader.read([reader.from("a", 1_000)], "a2");
    const patient = reader.read([reader.from("b", 1_001)], "b1");
    await settle();
    reader.clock.pass(999);
    expect(reader.turns.state()).toMatchObject({ waiting: 2, refused: 0 });
    reader.clock.pass(1);
    expect(reader.turns.state()).toMatchObject({ waiting: 1, refused: 1 });
    expectRefusal(await failure(late.result), "overloaded");
    expect(await late.outcomes[0]).toBe(LATE);
    expect(await endAll(reader)).toEqual(["b1"]);
    expect(await Promise.all([running.outcomes[0], patient.outcomes[0]])).toEqual(["a1", "b1"]);
  });

  test("a request that is late when its turn comes, because the alarm could not ring", async () => {
    const reader = openSlowReader();
    reader.read([reader.from("a")], "a1");
    const late = reader.read([reader.from("a", 1_000)], "a2");
    const shared = reader.read([reader.from("a", 1_000), reader.from("a", 2_000)], "a3");
    await settle();
    reader.clock.pass(1_500, true);
    expect(await endAll(reader)).toEqual(["a3"]);
    expect(await late.outcomes[0]).toBe(LATE);
    expect(await Promise.all(shared.outcomes)).toEqual(["a3", "a3"]);
    expect(reader.turns.state().refused).toBe(1);
  });

  test("when too many wait, the newest of the client with the most, never one of a client with few", async () => {
    const reader = openSlowReader({ waitingMax: 4 });
    const flood = Array.from({ length: 6 }, (_, index) =>
      reader.read([reader.from("flood")], `flood ${index}`),
    );
    const few = ["b", "c"].map((client) => reader.read([reader.from(client)], client));
    expect(reader.turns.state()).toEqual({ running: 1, waiting: 4, clients: 3, refused: 3 });
    for (const index of [5, 4, 3]) expect(await flood[index]?.outcomes[0]).toBe(TOO_MANY);
    expect(await endAll(reader)).toEqual(["flood 1", "b", "c", "flood 2"]);
    expect(await Promise.all(few.map(({ outcomes }) => outcomes[0]))).toEqual(["b", "c"]);
  });

  test("a request whose client has gone is dropped, also when it went before it had to wait", async () => {
    const reader = openSlowReader();
    reader.read([reader.from("a")], "a1");
    const [leaving, gone] = [reader.from("a"), reader.from("b")];
    const left = reader.read([leaving], "a2");
    gone.leave();
    const late = reader.read([gone], "b1");
    await settle();
    expect(reader.turns.state()).toMatchObject({ waiting: 1, clients: 1 });
    leaving.leave();
    expect(reader.turns.state()).toEqual({ running: 1, waiting: 0, clients: 0, refused: 0 });
    expect([await left.outcomes[0], await late.outcomes[0]]).toEqual([GONE, GONE]);
    expect(await endAll(reader)).toEqual([]);
  });

  test("a client that goes while its computation runs stops nothing", async () => {
    const reader = openSlowReader();
    const leaving = reader.from("a");
    const { result } = reader.read([leaving], "a1", "a2");
    await settle();
    leaving.leave();
    expect(await endAll(reader)).toEqual(["a2"]);
    expect(await result).toBe("a1 a2");
  });
});

describe("a computation that several requests share", () => {
  test("stands in the line of each client, and runs once, in the first turn that comes", async () => {
    const reader = openSlowReader();
    for (const name of ["a1", "a2", "a3"]) reader.read([reader.from("a")], name);
    const shared = reader.read([reader.from("a")], "shared");
    void shared.shared.add(reader.from("b"));
    reader.read([reader.from("b")], "b1");
    await settle();
    expect(reader.turns.state()).toMatchObject({ waiting: 4, clients: 2 });
    expect(await endAll(reader)).toEqual(["a2", "shared", "a3", "b1"]);
  });

  test("goes on when the one that began it goes or is late", async () => {
    const reader = openSlowReader();
    reader.read([reader.from("a")], "running");
    const going = reader.from("a");
    const first = reader.read([going, reader.from("b")], "first");
    const second = reader.read([reader.from("a", 1_000), reader.from("c", 3_000)], "second");
    await settle();
    going.leave();
    reader.clock.pass(1_000);
    expect(reader.turns.state()).toEqual({ running: 1, waiting: 2, clients: 2, refused: 1 });
    expect(await endAll(reader)).toEqual(["first", "second"]);
    expect(await Promise.all(first.outcomes)).toEqual([GONE, "first"]);
    expect(await Promise.all(second.outcomes)).toEqual([LATE, "second"]);
  });

  test("whose client has too many still answers all its requests while another client holds it", async () => {
    const reader = openSlowReader({ waitingMax: 3 });
    reader.read([reader.from("a")], "running");
    for (const name of ["a1", "a2"]) reader.read([reader.from("a")], name);
    const shared = reader.read([reader.from("a"), reader.from("b")], "shared");
    const more = reader.read([reader.from("c")], "c1");
    await settle();
    // `shared` lost its place in the line of `a`, and then `a2` was dropped.
    expect(reader.turns.state()).toEqual({ running: 1, waiting: 3, clients: 3, refused: 1 });
    expect(await endAll(reader)).toEqual(["a1", "shared", "c1"]);
    expect(await Promise.all([...shared.outcomes, ...more.outcomes])).toEqual(["shared", "shared", "c1"]);
  });

  test("two clients that share everything cannot keep a third one out", async () => {
    const reader = openSlowReader({ waitingMax: 5 });
    for (let index = 0; index < 20; index += 1)
      reader.read([reader.from("a"), reader.from("b")], `shared ${index}`);
    const customer = reader.read([reader.from("c")], "customer");
    await settle();
    expect(reader.turns.state()).toMatchObject({ waiting: 5, clients: 3 });
    const ran = await endAll(reader);
    expect(ran.indexOf("customer")).toBe(2);
    expect(await customer.outcomes[0]).toBe("customer");
  });

  test("is given up when the last one leaves, and no request can join it then", async () => {
    const reader = openSlowReader();
    reader.read([reader.from("a")], "a1");
    const [one, two] = [reader.from("a"), reader.from("b")];
    const { shared, result } = reader.read([one, two], "shared");
    await settle();
    one.leave();
    expect(shared.isClosed()).toBe(false);
    two.leave();
    expect(shared.isClosed()).toBe(true);
    expectRefusal(await failure(result), "abandoned");
    expectRefusal(await failure(shared.add(reader.from("c"))), "overloaded");
    expect(await endAll(reader)).toEqual([]);
  });

  test("that a client has too often is refused to it, not abandoned, when the other client goes", async () => {
    const reader = openSlowReader({ waitingMax: 2 });
    for (const name of ["running", "a1"]) reader.read([reader.from("a")], name);
    const going = reader.from("b");
    const shared = reader.read([going, reader.from("a")], "shared");
    // Takes `shared` out of the line of `a`.
    const late = reader.read([reader.from("c")], "late");
    await settle();
    expect(await late.outcomes[0]).toBe(TOO_MANY);
    going.leave();
    expect(await Promise.all(shared.outcomes)).toEqual([GONE, TOO_MANY]);
    expect(await endAll(reader)).toEqual(["a1"]);
  });

  test("is joined by a client that has gone already without a trace", async () => {
    const reader = openSlowReader();
    reader.read([reader.from("a")], "a1");
    const { shared, outcomes } = reader.read([reader.from("a")], "a2");
    await settle();
    const gone = reader.from("b");
    gone.leave();
    expectRefusal(await failure(shared.add(gone)), "abandoned");
    expect(reader.turns.state()).toMatchObject({ waiting: 1, clients: 1 });
    await endAll(reader);
    expect(await outcomes[0]).toBe("a2");
  });
});
