// Passwords: bounded concurrency, the same work for every failed login, new hash parameters applied at login.
import { describe, expect, test } from "bun:test";
import { until } from "../../db/until.ts";
import { Problem } from "../http/problems.ts";
import { ask, PASSWORD, signUp } from "../testing/people.ts";
import { openObservedShop } from "../testing/shop.ts";
import { openPasswords, type PasswordHasher } from "./passwords.ts";
import type { Timer, Visitor } from "./places.ts";

const STRANGER: Visitor = { address: "203.0.113.1", isKnown: false, hasFailures: false, signal: null };
const OLD = { algorithm: "argon2id", memoryCost: 1_024, timeCost: 1 } as const;

/** A real hasher that counts its work. */
function countingHasher() {
  const verified: string[] = [];
  const counts = { hashed: 0, running: 0, most: 0 };
  const hasher: PasswordHasher = {
    hash(password) {
      counts.hashed += 1;
      return Bun.password.hash(password, { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 });
    },
    async verify(password, hash) {
      verified.push(hash);
      counts.running += 1;
      counts.most = Math.max(counts.most, counts.running);
      const isRight = await Bun.password.verify(password, hash);
      counts.running -= 1;
      return isRight;
    },
  };
  return { hasher, verified, counts };
}

describe("a hash", () => {
  test("is argon2id with 19 MiB and two passes, salted", async () => {
    const passwords = openPasswords();
    const [one, two] = await Promise.all([passwords.hash(PASSWORD), passwords.hash(PASSWORD)]);
    expect(one).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
    expect(one).not.toBe(two);
    expect(await passwords.verify(PASSWORD, one)).toBe(true);
    expect(await passwords.verify(`${PASSWORD} `, one)).toBe(false);
    expect(await passwords.verify("\u212b\u00e9", await passwords.hash("\u00c5e\u0301"))).toBe(true);
  });

  test("of an unknown account is verified with the same parameters, and never matches", async () => {
    const { hasher, verified } = countingHasher();
    const passwords = openPasswords({ hasher });
    expect(await passwords.verify(PASSWORD, null)).toBe(false);
    expect(verified).toHaveLength(1);
    expect(passwords.isOutdated(verified[0] ?? "")).toBe(false);
    const always = openPasswords({ hasher: { ...hasher, verify: async () => true } });
    expect(await always.verify(PASSWORD, null)).toBe(false);
  });
});

describe("the queue", () => {
  /** A hasher whose operations end when the test ends them. */
  function openWork(runningMax: number, waitingMax: number, timer?: Timer) {
    const ends: (() => void)[] = [];
    const hasher: PasswordHasher = {
      hash: () => new Promise((end) => ends.push(() => end("done"))),
      verify: () => new Promise((_end, fail) => ends.push(() => fail(new Error("broken")))),
    };
    return {
      ends,
      passwords: openPasswords({ runningMax, waitingMax, hasher, ...(timer ? { timer } : {}) }),
    };
  }

  test("runs a few operations, lets some callers wait, and refuses the next with 503", async () => {
    const { ends, passwords } = openWork(2, 2);
    const accepted = [1, 2, 3, 4].map((n) => passwords.hash(String(n)));
    expect(passwords.state()).toMatchObject({ running: 2, waiting: 2 });
    await expect(passwords.hash("5", STRANGER)).rejects.toMatchObject({
      type: "unavailable",
      headers: { "retry-after": "2" },
    });
    for (let index = 0; index < 4; index += 1) {
      ends[index]?.();
      await accepted[index];
    }
    expect(await Promise.all(accepted)).toEqual(Array(4).fill("done"));
    expect(passwords.state()).toMatchObject({ running: 0, waiting: 0 });
  });

  test.each([
    ["wrong", 20, ["first", "0", "1", "2", "newest"]],
    ["wrong", 14, ["first", "0", "1", "2", "3"]],
    ["right", 20, ["first", "0", "1", "2", "3"]],
  ])("of %s passwords with %d more of one address", async (is, count, order) => {
    const seen: string[] = [];
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const hasher: PasswordHasher = {
      hash: async () => "",
      async verify(password) {
        seen.push(password);
        if (seen.length === order.length) resolve();
        return is === "right";
      },
    };
    const passwords = openPasswords({ runningMax: 1, hasher });
    const names = ["first", ...Array.from({ length: count }, (_, n) => String(n)), "newest"];
    const all = names.map((name) => passwords.verify(name, "hash", STRANGER));
    await enough;
    expect(seen).toEqual(order);
    await Promise.all(all);
  });

  test("that is full refuses one of the address with the most, never one that is known", async () => {
    const { ends, passwords } = openWork(1, 3);
    const running = passwords.hash("first", STRANGER);
    const outcomeOf = (name: string, visitor: Visitor) =>
      passwords.hash(name, visitor).catch((problem: Problem) => `${name}: ${problem.type}`);
    const known = { ...STRANGER, isKnown: true };
    const flood = { ...STRANGER, address: "198.51.100.1" };
    const all = [
      outcomeOf("1", flood),
      outcomeOf("2", flood),
      outcomeOf("3", known),
      outcomeOf("4", STRANGER),
      outcomeOf("5", known),
      outcomeOf("6", known),
      outcomeOf("7", flood),
    ];
    expect(passwords.state()).toEqual({ running: 1, waiting: 3, waitingKnown: 3, refused: 4 });
    for (let index = 0; index < 4; index += 1) {
      await until("the next runs", () => ends.length > index);
      ends[index]?.();
    }
    expect(await Promise.all([running, ...all])).toEqual([
      "done",
      "1: unavailable",
      "2: unavailable",
      "done",
      "4: unavailable",
      "done",
      "done",
      "7: unavailable",
    ]);
  });

  test("refuses one that has waited 5 seconds, and lets go of one whose client went away", async () => {
    const timers: { ms: number; act(): void }[] = [];
    const { ends, passwords } = openWork(1, 9, (ms, act) => {
      const timer = { ms, act };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    });
    const running = passwords.hash("first");
    const gone = new Problem("invalid-request", "gone");
    const leaving = new AbortController();
    const late = passwords.hash("late", STRANGER);
    const left = passwords.verify("left", "hash", { ...STRANGER, signal: leaving.signal });
    const called = passwords.hash("called", STRANGER);
    expect(timers.map(({ ms }) => ms)).toEqual([5_000, 5_000, 5_000]);
    const both = Promise.allSettled([late, left]);
    timers[0]?.act();
    leaving.abort(gone);
    expect(await both).toMatchObject([
      { status: "rejected", reason: { type: "unavailable" } },
      { status: "rejected", reason: gone },
    ]);
    ends[0]?.();
    await running;
    expect([timers, passwords.state()]).toMatchObject([[], { running: 1, waiting: 0, refused: 1 }]);
    ends[1]?.();
    expect(await called).toBe("done");
  });

  test("continues after a failure", async () => {
    const { ends, passwords } = openWork(1, 1);
    const failing = passwords.verify("a", "b");
    const waiting = passwords.hash("c");
    ends[0]?.();
    const failed = expect(failing).rejects.toThrow("broken");
    await failed;
    ends[1]?.();
    expect(await waiting).toBe("done");
    expect(passwords.state()).toMatchObject({ running: 0, waiting: 0 });
  });
});

describe("a login", () => {
  test("runs one verification for a wrong password, an unknown address and a right password", async () => {
    const { hasher, verified, counts } = countingHasher();
    const shop = await openObservedShop([], true, { passwords: openPasswords({ hasher, runningMax: 1 }) });
    const person = await signUp(shop);
    counts.hashed = 0;
    const responses: unknown[] = [];
    for (const given of [
      { email: person.email, password: "wrong password" },
      { email: "nobody@shop.example", password: PASSWORD },
      { email: "not an address", password: "x" },
      { email: person.email, password: "p".repeat(1_000) },
    ]) {
      verified.length = 0;
      const response = await ask(shop, "POST", "/api/auth/login", { body: given });
      const { timestamp: _, requestId: __, ...body } = (await response.json()) as Record<string, unknown>;
      responses.push([response.status, body]);
      expect([verified.length, counts.hashed]).toEqual([1, 0]);
    }
    expect(new Set(responses.map((response) => JSON.stringify(response))).size).toBe(1);
    expect(responses[0]).toMatchObject([401, { type: "/problems/unauthorized" }]);
    verified.length = 0;
    const many = Array.from({ length: 6 }, () =>
      ask(shop, "POST", "/api/auth/login", { body: { email: person.email, password: PASSWORD } }),
    );
    expect((await Promise.all(many)).map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect([verified.length, counts.most]).toEqual([6, 1]);
    await shop.close();
  });

  test("is 503 with Retry-After when too many wait", async () => {
    const { promise: verified, resolve: finish } = Promise.withResolvers<void>();
    const hasher: PasswordHasher = { hash: async () => "", verify: () => verified.then(() => false) };
    const shop = await openObservedShop([], true, {
      passwords: openPasswords({ hasher, runningMax: 1, waitingMax: 0 }),
    });
    const refused: Response[] = [];
    const logins = [1, 2, 3].map(async (number) => {
      const body = { email: `a${number}@b.example`, password: PASSWORD };
      const response = await ask(shop, "POST", "/api/auth/login", { body });
      refused.push(response);
      return response.status;
    });
    // Before all have arrived, one that comes later would be verified instead of refused.
    await until("two are refused", () => refused.length === 2);
    for (const { status, headers } of refused)
      expect([status, headers.get("retry-after")]).toEqual([503, "2"]);
    finish();
    expect((await Promise.all(logins)).toSorted()).toEqual([401, 503, 503]);
    await shop.close();
  });

  test("renews a hash with outdated parameters, and ends no session", async () => {
    const shop = await openObservedShop([], true, { passwords: openPasswords() });
    const person = await signUp(shop);
    const hashOf = () =>
      shop.db.read.get<[string]>("SELECT password_hash FROM users WHERE id = ?", person.id)?.[0] ?? "";
    const old = await Bun.password.hash(PASSWORD, OLD);
    await shop.db.write([{ sql: "UPDATE users SET password_hash = ? WHERE id = ?", args: [old, person.id] }]);
    const body = { email: person.email, password: PASSWORD };
    expect(
      (await ask(shop, "POST", "/api/auth/login", { body: { ...body, password: "wrong one" } })).status,
    ).toBe(401);
    expect(hashOf()).toBe(old);
    expect((await ask(shop, "POST", "/api/auth/login", { body })).status).toBe(200);
    const renewed = hashOf();
    expect(renewed).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
    expect((await ask(shop, "POST", "/api/auth/login", { body })).status).toBe(200);
    expect(hashOf()).toBe(renewed);
    expect((await ask(shop, "GET", "/api/auth/profile", { token: person.token })).status).toBe(200);
    await shop.close();
  });
});
