// Wrong logins beside a right one: how long the right one takes, and how many guesses at one account are checked.
import { waitMsAfter } from "../../app/accounts/throttle.ts";
import { GUESS, guessAt, SIGN_IN } from "./people.ts";

/** The flood is there before the right login comes; a few of its passwords have been hashed by then. */
const HEAD_START_MS = 300;
const FAILURES = 8;

type Shop = { base: string };

/** Where wrong logins come from and whom they name, and where the right login comes from. */
export type Flood = {
  name: string;
  /** The accounts of the wrong logins: one each, or all that of the right login. */
  at: "other accounts" | "the account";
  /** The address of the wrong login with this number. */
  addressOf(number: number): string;
  /** The address of the right login, and its access token if it has one. */
  right: { address: string; token?: string };
};

/** Sends so many wrong logins at once and a right one after them; returns the milliseconds that the right one took. */
export async function loginDuring(shop: Shop, flood: Flood, wrong: number): Promise<number> {
  const end = new AbortController();
  const guesses = Array.from({ length: wrong }, (_, number) =>
    post(shop, flood.at === "the account" ? GUESS : guessAt(number), flood.addressOf(number), {
      signal: end.signal,
    }).catch(() => null),
  );
  await Bun.sleep(HEAD_START_MS);
  const ms = await loginMs(shop, flood.right);
  end.abort();
  await Promise.all(guesses);
  return ms;
}

/** The milliseconds of one right login. */
export async function loginMs(
  shop: Shop,
  { address, token }: { address: string; token?: string },
): Promise<number> {
  const startedAtMs = performance.now();
  const response = await post(shop, SIGN_IN, address, token === undefined ? {} : { token });
  if (response.status !== 200) throw new Error(`the right login answers ${response.status}`);
  return performance.now() - startedAtMs;
}

/**
 * Lets guesses at one account fail until they are delayed, then sends so many at once. Returns how many of these were
 * checked in a second, and how many the throttle promises in that time.
 */
export async function guessesChecked(
  shop: Shop,
  number: number,
  atOnce: number,
): Promise<{ perSecond: number; promisedPerSecond: number }> {
  const guess = (from: number) => post(shop, guessAt(number), `198.19.0.${from}`);
  for (let count = 0; count < FAILURES; count += 1) await guess(0);
  const startedAtMs = performance.now();
  let lastMs = 0;
  const guesses = Array.from({ length: atOnce }, async (_, from) => {
    const { status } = await guess(from);
    if (status === 401) lastMs = Math.max(lastMs, performance.now() - startedAtMs);
    return status;
  });
  const checked = (await Promise.all(guesses)).filter((status) => status === 401).length;
  if (checked === 0) throw new Error("no guess was checked");
  const delays = Array.from({ length: checked }, (_, index) => waitMsAfter(FAILURES + index));
  const promisedMs = delays.reduce((sum, ms) => sum + ms, 0);
  return { perSecond: (checked / lastMs) * 1_000, promisedPerSecond: (checked / promisedMs) * 1_000 };
}

/** Signs in from another address; only a shop that trusts this machine as a proxy takes it for another client. */
function post(
  { base }: Shop,
  body: string,
  address: string,
  { token, signal }: { token?: string; signal?: AbortSignal } = {},
): Promise<Response> {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-forwarded-for": address,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return fetch(`${base}/api/auth/login`, { method: "POST", headers, body, ...(signal ? { signal } : {}) });
}
