// The login throttle: one attempt at a time per account, delays after failures, and lines that no client can fill.
import { describe, expect, test } from "bun:test";
import { must } from "../../db/must.ts";
import { Problem } from "../http/problems.ts";
import type { Visitor } from "./places.ts";
import { type AttemptedAccount, openLoginThrottle, waitMsAfter } from "./throttle.ts";

const OWNER = { email: "owner@shop.example" };
const visitor = (address = "198.51.100.1", more: Partial<Visitor> = {}): Visitor => ({
  address,
  isKnown: false,
  hasFailures: false,
  signal: null,
  ...more,
});

/** A throttle with a clock that its own waits move. */
function openTimed(options: Partial<Parameters<typeof openLoginThrottle>[0]> = {}) {
  const clock = { nowMs: 1_000_000 };
  const waits: number[] = [];
  const throttle = openLoginThrottle({
    now: () => clock.nowMs,
    async wait(ms) {
      waits.push(ms);
      clock.nowMs += ms;
    },
    ...options,
  });
  const fail = (account: AttemptedAccount, from = visitor()) =>
    throttle.attempt(account, from, async () => null);
  const failTimes = async (count: number, account: AttemptedAccount = OWNER, from = visitor()) => {
    for (let index = 0; index < count; index += 1) await fail(account, from);
  };
  return { clock, waits, throttle, fail, failTimes };
}

/** Resolves when everything that waits for nothing but promises is done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Attempts whose checks a test ends one by one; `begun` holds their names in the order of their turns. */
function openChecks(throttle: ReturnType<typeof openLoginThrottle>) {
  const begun: string[] = [];
  const ends: ((isRight: boolean) => void)[] = [];
  const attempt = (name: string, from: Visitor, account: AttemptedAccount = OWNER) =>
    throttle.attempt(account, from, () => {
      begun.push(name);
      return new Promise<true | null>((resolve) => ends.push((isRight) => resolve(isRight ? true : null)));
    });
  const end = async (isRight = false) => {
    await settled();
    must(ends.shift(), "a check under way")(isRight);
    await settled();
  };
  return { begun, attempt, end };
}

const refusalOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => "answered",
    (thrown: unknown) => (thrown instanceof Problem ? [thrown.type, thrown.headers["retry-after"]] : thrown),
  );

test("the delay doubles from the fifth failure on, up to two seconds", () => {
  const counts = [0, 4, 5, 6, 7, 8, 9, 10, 11, 1_000_000];
  expect(counts.map(waitMsAfter)).toEqual([0, 0, 60, 120, 240, 480, 960, 1_920, 2_000, 2_000]);
});

describe("guesses at one account", () => {
  test.each([
    ["at once, from one address", 40, () => "198.51.100.1"],
    ["at once, from as many addresses", 40, (n: number) => `198.51.100.${n}`],
    ["at once, from three", 40, (n: number) => `198.51.100.${n % 3}`],
  ])("%s, take as long as the throttle promises", async (_how, count, addressOf) => {
    const { clock, throttle, failTimes } = openTimed();
    await failTimes(8);
    const startedAtMs = clock.nowMs;
    let [running, most] = [0, 0];
    const check = async () => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      return null;
    };
    await Promise.all(
      Array.from({ length: count }, (_, n) => throttle.attempt(OWNER, visitor(addressOf(n)), check)),
    );
    const promisedMs = Array.from({ length: count }, (_, n) => waitMsAfter(8 + n)).reduce((a, b) => a + b);
    expect([clock.nowMs - startedAtMs, promisedMs, most]).toEqual([77_360, 77_360, 1]);
  });

  test("one after the other wait for what is left of the delay", async () => {
    const { clock, waits, failTimes } = openTimed();
    await failTimes(8);
    waits.length = 0;
    clock.nowMs += 100;
    await failTimes(1);
    clock.nowMs += 10_000;
    await failTimes(1);
    clock.nowMs -= 60_000;
    await failTimes(1);
    // The clock was set back: no more than the whole delay.
    expect(waits).toEqual([380, 1_920]);
  });

  test("do not delay others, and are forgotten 15 minutes after the last", async () => {
    const { clock, waits, fail, failTimes } = openTimed();
    await failTimes(5);
    await fail({ email: "other@shop.example" });
    expect(waits).toEqual([]);
    clock.nowMs += 15 * 60_000 - 1;
    await failTimes(2);
    expect(waits).toEqual([120]);
    clock.nowMs += 15 * 60_000;
    await failTimes(5);
    expect(waits).toEqual([120]);
  });

  test("end with a right one, which forgets the failures", async () => {
    const { throttle, waits, failTimes } = openTimed();
    await failTimes(6);
    expect(await throttle.attempt(OWNER, visitor(), async () => "session")).toBe("session");
    waits.length = 0;
    await failTimes(5);
    expect(waits).toEqual([]);
  });

  test("that could not be checked are no failures, and the line goes on", async () => {
    const { throttle, waits, failTimes } = openTimed();
    await failTimes(4);
    const broken = throttle.attempt(OWNER, visitor(), () => Promise.reject(new Error("no primary")));
    const after = throttle.attempt(OWNER, visitor(), async () => "session");
    await expect(broken).rejects.toThrow("no primary");
    expect([await after, waits, throttle.state().lines]).toEqual(["session", [], 0]);
  });
});

describe("in the line of an account", () => {
  test("another address goes before the rest of a guesser's attempts", async () => {
    const { throttle } = openTimed();
    const { begun, attempt, end } = openChecks(throttle);
    const all = Array.from({ length: 20 }, (_, n) => attempt(`guess ${n}`, visitor()));
    await end();
    all.push(attempt("owner", visitor("203.0.113.1")));
    await end();
    expect(begun.at(-1)).toBe("owner");
    await end(true);
    while (throttle.state().lines > 0) await end();
    expect((await Promise.all(all)).filter((result) => result)).toHaveLength(1);
  });

  test("an address from which its owner signed in goes before new ones", async () => {
    const { throttle } = openTimed();
    const home = visitor("203.0.113.1");
    throttle.welcome(OWNER.email, home);
    const { begun, attempt, end } = openChecks(throttle);
    const all = Array.from({ length: 30 }, (_, n) => attempt(`guess ${n}`, visitor(`198.51.100.${n}`)));
    all.push(attempt("owner", home), attempt("guess 31", visitor("198.51.100.31")));
    await end();
    expect(begun[1]).toBe("owner");
    while (throttle.state().lines > 0) await end();
    await Promise.all(all);
  });

  test("clients whose address is unknown are strangers, also after one of them signed in", async () => {
    const { throttle } = openTimed();
    throttle.welcome(OWNER.email, visitor(""));
    expect(await throttle.attempt(OWNER, visitor(""), async ({ isKnown }) => [isKnown])).toEqual([false]);
    throttle.welcome(OWNER.email, visitor("203.0.113.1"));
    expect(await throttle.attempt(OWNER, visitor("203.0.113.1"), async ({ isKnown }) => [isKnown])).toEqual([
      true,
    ]);
  });

  test("somebody with a session does not wait for strangers, and has failures of their own", async () => {
    const { throttle, waits, failTimes } = openTimed();
    await failTimes(12);
    const { attempt, end } = openChecks(throttle);
    const stranger = attempt("stranger", visitor());
    await settled();
    waits.length = 0;
    const session = throttle.attempt({ userId: "u1" }, visitor(), async () => "session");
    expect([await session, waits]).toEqual(["session", []]);
    await end();
    await stranger;
    waits.length = 0;
    await failTimes(7, { userId: "u1" });
    expect(waits).toEqual([60, 120]);
    await failTimes(1, { userId: "u2" });
    expect(waits).toEqual([60, 120]);
    // Whoever holds a stolen session does not delay the owner elsewhere, and its success ends no stranger's delay.
    await throttle.attempt({ userId: "u1" }, visitor(), async () => "session");
    await failTimes(1);
    // What its own delays left of the strangers' 2,000 ms.
    expect(waits).toEqual([60, 120, 240, 1_580]);
  });

  test("a client that went away leaves unchecked, before or while it waits", async () => {
    const { throttle } = openTimed();
    const { begun, attempt, end } = openChecks(throttle);
    const first = attempt("first", visitor());
    const gone = new Problem("invalid-request", "gone");
    const leaving = new AbortController();
    const second = refusalOf(attempt("second", visitor("a", { signal: leaving.signal })));
    const third = refusalOf(attempt("third", visitor("b", { signal: AbortSignal.abort(gone) })));
    leaving.abort(gone);
    expect([await second, await third]).toEqual([
      ["invalid-request", undefined],
      ["invalid-request", undefined],
    ]);
    await end();
    expect([await first, begun, throttle.state()]).toEqual([
      null,
      ["first"],
      { lines: 0, waiting: 0, refused: 0 },
    ]);
  });

  test("an attempt whose patience ends is refused with the time until all have had their turns", async () => {
    const { throttle, failTimes } = openTimed({ wait: () => new Promise(() => undefined) });
    await failTimes(4);
    const { begun, attempt, end } = openChecks(throttle);
    const first = attempt("first", visitor());
    const patience = new AbortController();
    const late = refusalOf(attempt("late", visitor("a", { signal: patience.signal })));
    void attempt("behind", visitor("b"));
    void attempt("behind", visitor("c"));
    await settled();
    void end().catch(() => undefined);
    await first;
    patience.abort();
    expect(await late).toEqual(["too-many-requests", "1"]);
    expect(begun).toEqual(["first"]);
  });

  test("a closing shop refuses those that wait, not the one that is checked", async () => {
    const { throttle } = openTimed();
    const { attempt, end } = openChecks(throttle);
    const first = attempt("first", visitor());
    const second = refusalOf(attempt("second", visitor()));
    throttle.close();
    const third = refusalOf(attempt("third", visitor()));
    await end(true);
    expect([await first, await second, await third]).toEqual([
      true,
      ["too-many-requests", "1"],
      ["too-many-requests", "1"],
    ]);
  });
});

describe("bounds", () => {
  test("one address has so many places at an account: its oldest attempt is refused", async () => {
    const { throttle } = openTimed({ addressPlacesMax: 2 });
    const { begun, attempt, end } = openChecks(throttle);
    const [, second] = [1, 2, 3, 4].map((n) => refusalOf(attempt(`guess ${n}`, visitor())));
    const owner = attempt("owner", visitor("203.0.113.1"));
    expect(await second).toEqual(["too-many-requests", "1"]);
    expect(throttle.state()).toEqual({ lines: 1, waiting: 3, refused: 1 });
    while (throttle.state().lines > 0) await end(begun.at(-1) === "owner");
    expect([await owner, begun.length]).toEqual([true, 4]);
  });

  test("all lines together have so many: one of the address with the most is refused", async () => {
    const { throttle } = openTimed({ placesMax: 3 });
    const { attempt, begun, end } = openChecks(throttle);
    const under = (n: number) => ({ email: `account${n}@shop.example` });
    void attempt("owner 1", visitor("203.0.113.1"), under(1));
    const owner = refusalOf(attempt("owner 2", visitor("203.0.113.1"), under(1)));
    void attempt("guess 1", visitor(), under(2));
    const [second] = [2, 3, 4].map((n) => refusalOf(attempt(`guess ${n}`, visitor(), under(2))));
    expect(await second).toEqual(["too-many-requests", "1"]);
    while (throttle.state().lines > 0) await end();
    expect([await owner, begun]).toEqual([
      "answered",
      ["owner 1", "guess 1", "owner 2", "guess 3", "guess 4"],
    ]);
  });

  test("a bounded number of accounts is remembered, but always one with attempts", async () => {
    const { throttle, waits, failTimes } = openTimed({ accountsMax: 1 });
    await failTimes(8);
    await failTimes(1, { email: "b@shop.example" });
    waits.length = 0;
    await failTimes(5);
    expect(waits).toEqual([]);
    await failTimes(3);
    waits.length = 0;
    const { attempt, end } = openChecks(throttle);
    const both = [attempt("first", visitor()), attempt("second", visitor())];
    await settled();
    await failTimes(1, { email: "b@shop.example" });
    await end();
    await end();
    expect([await Promise.all(both), waits]).toEqual([
      [null, null],
      [480, 960],
    ]);
  });
});
