// What visitors of a shop do, as loads: they browse, like, sign up, and something asks whether the shop is well.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Libsql from "libsql";
import { randomFrom, written } from "../harness/stats.ts";
import { errorsOf, faultOf, type Run } from "./oha.ts";
import { customerId } from "./people.ts";
import { demoId, relatedPath } from "./urls.ts";

/** A page of the whole catalogue, of its commonest categories, and in the orders that shops show. */
const LISTS = [
  "",
  "?page=2",
  "?sort=popular",
  "?sort=price_asc",
  "?category=running",
  "?category=boots",
  "?category=running&sort=price_asc",
  "?category=boots&sort=popular",
];
const LIST_SHARE = 0.2;
const RELATED_SHARE = 0.35;
const PASSWORD = "a-password-of-the-bench";
/** Oha draws bodies by chance; among so many a second draw of the same one is rare. */
const NEWCOMERS = 200_000;

/** Pages as visitors open them: 45 % shoes, 35 % related shoes, both by a Zipf law (exponent 1), and 20 % lists. */
export function browsingPaths(shoes: number, count: number, seed: number): string[] {
  const random = randomFrom(seed);
  const rank = openZipf(shoes);
  return Array.from({ length: count }, () => {
    const kind = random();
    if (kind < LIST_SHARE) return `/api/shoes${LISTS[Math.floor(random() * LISTS.length)]}`;
    const shoe = rank(random());
    return kind < LIST_SHARE + RELATED_SHARE ? relatedPath(shoe) : `/api/shoes/${demoId(shoe)}`;
  });
}

/** A number from 1 to `count` for each one in [0, 1): r comes 1 / r times as often as 1. */
export function openZipf(count: number): (share: number) => number {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let at = 0; at < count; at += 1) {
    sum += 1 / (at + 1);
    sums[at] = sum;
  }
  return (share) => {
    const wanted = share * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) > wanted) high = middle;
      else low = middle + 1;
    }
    return low + 1;
  };
}

/** Likes of shoes and customers drawn by chance. */
export function likePaths(shoes: number, customers: number, count: number, seed: number): string[] {
  const random = randomFrom(seed);
  const draw = (below: number) => Math.floor(random() * below);
  return Array.from(
    { length: count },
    () => `/api/shoes/${demoId(1 + draw(shoes))}/likes/${customerId(draw(customers))}`,
  );
}

/** Writes a file of registrations, new ones each time since nobody can register twice, and returns its path. */
export function writeNewcomers(folder: string): string {
  const path = join(folder, "newcomers.bodies");
  const family = crypto.randomUUID();
  const body = (number: number) =>
    JSON.stringify({ email: `${number}@${family}.example`, password: PASSWORD, name: "Newcomer" });
  writeFileSync(path, `${Array.from({ length: NEWCOMERS }, (_, at) => body(at)).join("\n")}\n`);
  return path;
}

/** How many accounts there are. */
export function countAccounts(dataDir: string): number {
  const handle = new Libsql(join(dataDir, "insole.db"), { timeout: 5_000 });
  try {
    const [count] = handle.prepare("SELECT count(*) FROM users").raw(true).get([]) as [number];
    return count;
  } finally {
    handle.close();
  }
}

/** So many of a number of draws can have been drawn before, short of very bad luck. */
export function repeatsMax(draws: number): number {
  const expected = draws ** 2 / (2 * NEWCOMERS);
  return Math.ceil(expected + 4 * Math.sqrt(expected) + 2);
}

/**
 * A run of registrations without those that oha drew twice, which are rightly refused. Throws when there are too many of
 * them, or fewer new accounts than there were answers 201.
 */
export function withoutRepeats(run: Run, accounts: number): Run {
  const { "409": repeats = 0, ...statuses } = run.statuses;
  if (repeats > repeatsMax(run.answers)) throw new Error(`${repeats} new addresses were refused as taken`);
  const created = statuses["201"] ?? 0;
  if (accounts < created) throw new Error(`${created} registrations answered 201 made ${accounts} accounts`);
  return { ...run, statuses };
}

/** Runs that were sent at the same time, as one: how many were answered a second. */
export const sumOf = (runs: readonly Run[]): Pick<Run, "perSecond"> => ({
  perSecond: runs.reduce((sum, { perSecond }) => sum + perSecond, 0),
});

/** What is wrong in several runs, in words; empty when nothing is. */
export const faultsOf = (runs: readonly Run[]): string =>
  [...new Set(runs.flatMap((run) => faultOf(run) ?? []))].join("; ");

/** How many answers of several runs were bad or did not come. */
export const errorsIn = (runs: readonly Run[]): number => runs.reduce((sum, run) => sum + errorsOf(run), 0);

/** How many answers several runs had, in words, and what is wrong in them. */
export function answersText(runs: readonly Run[], allGood = ""): string {
  const answers = runs.reduce((sum, run) => sum + run.answers, 0);
  const faults = faultsOf(runs) || allGood;
  return `${written(answers)} answers${faults === "" ? "" : `; ${faults}`}`;
}

/** A whole number dealt out by shares, each at least 1; what rounding leaves goes to the largest rests. */
export function dealt(total: number, shares: readonly number[]): number[] {
  const all = shares.reduce((sum, share) => sum + share, 0);
  const exact = shares.map((share) => (total * share) / all);
  const whole = exact.map((part) => Math.max(1, Math.floor(part)));
  const rest = exact
    .map((part, at) => ({ at, part: part - Math.floor(part) }))
    .sort((a, b) => b.part - a.part)
    .map(({ at }) => at);
  let left = total - whole.reduce((sum, part) => sum + part, 0);
  for (const at of rest) {
    if (left <= 0) break;
    whole[at] = (whole[at] ?? 0) + 1;
    left -= 1;
  }
  return whole;
}
