// The login throttle: guessing delays an account's logins, blocks no other account, and never locks the owner out.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { until } from "../../db/until.ts";
import { ask, PASSWORD, signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop } from "../testing/shop.ts";
import { openPasswords } from "./passwords.ts";
import { openLoginThrottle, waitMsAfter } from "./throttle.ts";

let nowMs = 1_800_000_000_000;
const waits: number[] = [];
const passwords = openPasswords({ runningMax: 1 });
let shop: ObservedShop;
beforeAll(async () => {
  shop = await openObservedShop([], true, { now: () => nowMs, waits, passwords, trustProxy: ["loopback"] });
});
afterAll(() => shop.close());

const login = async (email: string, password: string, address = "203.0.113.1") => {
  const headers = { "x-forwarded-for": address };
  return (await ask(shop, "POST", "/api/auth/login", { body: { email, password }, headers })).status;
};

test("the delay doubles from the fifth failure on, up to two seconds", () => {
  const counts = [0, 4, 5, 6, 7, 8, 9, 10, 11, 1_000_000];
  expect(counts.map(waitMsAfter)).toEqual([0, 0, 60, 120, 240, 480, 960, 1_920, 2_000, 2_000]);
});

test("guesses from many addresses delay an account, and its owner can still log in", async () => {
  const owner = await signUp(shop);
  waits.length = 0;
  for (let index = 0; index < 7; index += 1)
    expect(await login(owner.email.toUpperCase(), "a guess", `203.0.113.${index}`)).toBe(401);
  expect(waits).toEqual([60, 120]);
  expect(await login(owner.email, PASSWORD)).toBe(200);
  expect(waits).toEqual([60, 120, 240]);
  expect(await login(owner.email, "a guess")).toBe(401);
  expect(waits).toHaveLength(3);
});

test("an account that does not exist is delayed too", async () => {
  waits.length = 0;
  for (let index = 0; index < 6; index += 1) expect(await login("nobody@shop.example", "a guess")).toBe(401);
  expect(waits).toEqual([60]);
});

test("other accounts are not delayed, and failures are forgotten after 15 minutes", async () => {
  const [one, other] = [await signUp(shop), await signUp(shop)];
  for (let index = 0; index < 5; index += 1) await login(one.email, "a guess");
  waits.length = 0;
  expect(await login(other.email, PASSWORD)).toBe(200);
  expect(waits).toEqual([]);
  nowMs += 15 * 60_000 - 1;
  await login(one.email, "a guess");
  expect(waits).toEqual([60]);
  nowMs += 15 * 60_000;
  await login(one.email, "a guess");
  expect(waits).toEqual([60]);
});

test("a delayed login takes no slot of the password queue", async () => {
  let go = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    go = resolve;
  });
  const seen: unknown[] = [];
  const slow = await openObservedShop([], true, {
    passwords,
    wait: async () => {
      seen.push(passwords.state());
      await released;
    },
  });
  try {
    const [victim, other] = [await signUp(slow), await signUp(slow)];
    const attempt = ({ email }: { email: string }, password: string) =>
      ask(slow, "POST", "/api/auth/login", { body: { email, password } });
    for (let index = 0; index < 5; index += 1) await attempt(victim, "a guess");
    const waiting = attempt(victim, "a guess");
    await until("the guess is delayed", () => seen.length > 0);
    expect((await attempt(other, PASSWORD)).status).toBe(200);
    go();
    expect((await waiting).status).toBe(401);
    expect(seen).toEqual([{ running: 0, waiting: 0 }]);
  } finally {
    await slow.close();
  }
});

test("remembers a bounded number of accounts", async () => {
  const waited: number[] = [];
  const loginThrottle = openLoginThrottle({
    now: () => 0,
    wait: async (ms) => waited.push(ms),
    accountsMax: 1,
  });
  for (let index = 0; index < 9; index += 1) loginThrottle.failed("a");
  loginThrottle.failed("b");
  await loginThrottle.before("a");
  expect(waited).toEqual([]);
});
