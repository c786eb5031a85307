// Traffic of a shop: browsing, likes and registrations as addresses and bodies, and how runs of them are summed up.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Libsql from "libsql";
import { must } from "../../db/must.ts";
import { randomFrom, written } from "../harness/stats.ts";
import { errorsOf, faultOf, type Run } from "./oha.ts";
import { customerId } from "./people.ts";
import { demoId, relatedPath } from "./urls.ts";

/** Pages of the whole catalogue and of its most common categories, in the sorts that shops show. */
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
/** Oha picks bodies at random; among this many it rarely picks one twice. */
const REGISTRATIONS = 200_000;

/** Page views: 45 % shoes and 35 % related shoes, both Zipf-distributed (exponent 1), and 20 % lists. */
export function browsingPaths(shoes: number, count: number, seed: number): string[] {
  const random = randomFrom(seed);
  const rank = zipfRank(shoes);
  return Array.from({ length: count }, () => {
    const kind = random();
    if (kind < LIST_SHARE) return `/api/shoes${LISTS[Math.floor(random() * LISTS.length)]}`;
    const shoe = rank(random());
    return kind < LIST_SHARE + RELATED_SHARE ? relatedPath(shoe) : `/api/shoes/${demoId(shoe)}`;
  });
}

/** Maps a number in [0, 1) to a rank from 1 to `count`; rank r comes 1 / r times as often as rank 1. */
export function zipfRank(count: number): (share: number) => number {
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
      if (must(sums[middle], "the sum") > wanted) high = middle;
      else low = middle + 1;
    }
    return low + 1;
  };
}

/** Likes of random shoes by random customers. */
export function likePaths(shoes: number, customers: number, count: number, seed: number): string[] {
  const random = randomFrom(seed);
  const draw = (below: number) => Math.floor(random() * below);
  return Array.from(
    { length: count },
    () => `/api/shoes/${demoId(1 + draw(shoes))}/likes/${customerId(draw(customers))}`,
  );
}

/** Writes a file of registration bodies with new addresses each time, and returns its path. */
export function writeRegistrations(folder: string): string {
  const path = join(folder, "registrations.bodies");
  const family = crypto.randomUUID();
  const body = (number: number) =>
    JSON.stringify({ email: `${number}@${family}.example`, password: PASSWORD, name: "New customer" });
  writeFileSync(path, `${Array.from({ length: REGISTRATIONS }, (_, at) => body(at)).join("\n")}\n`);
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

/** How many of `draws` random bodies may be repeats, except with very bad luck. */
export function repeatsMax(draws: number): number {
  const expected = draws ** 2 / (2 * REGISTRATIONS);
  return Math.ceil(expected + 4 * Math.sqrt(expected) + 2);
}

/**
 * A run of registrations without the 409 for bodies that oha picked twice. Throws when these are too many, or when fewer
 * accounts were made than 201 were sent.
 */
export function withoutRepeats(run: Run, accounts: number): Run {
  const { "409": repeats = 0, ...statuses } = run.statuses;
  if (repeats > repeatsMax(run.answers)) throw new Error(`${repeats} new addresses were refused as taken`);
  const created = statuses["201"] ?? 0;
  if (accounts < created) throw new Error(`${created} registrations answered 201 made ${accounts} accounts`);
  return { ...run, statuses };
}

/** Runs that were sent at the same time as one run. */
export const sumOf = (runs: readonly Run[]): Pick<Run, "perSecond"> => ({
  perSecond: runs.reduce((sum, { perSecond }) => sum + perSecond, 0),
});

/** The faults of several runs in words; empty when there are none. */
export const faultsOf = (runs: readonly Run[]): string =>
  [...new Set(runs.flatMap((run) => faultOf(run) ?? []))].join("; ");

/** How many responses of several runs were bad or missing. */
export const errorsIn = (runs: readonly Run[]): number => runs.reduce((sum, run) => sum + errorsOf(run), 0);

/** The number of responses of several runs, and their faults, in words. */
export function answersText(runs: readonly Run[], allGood = ""): string {
  const answers = runs.reduce((sum, run) => sum + run.answers, 0);
  const faults = faultsOf(runs) || allGood;
  return `${written(answers)} answers${faults === "" ? "" : `; ${faults}`}`;
}

/** Divides a whole number by shares (largest remainder method); each part is at least 1. */
export function apportion(total: number, shares: readonly number[]): number[] {
  const all = shares.reduce((sum, share) => sum + share, 0);
  const exact = shares.map((share) => (total * share) / all);
  const whole = exact.map((part) => Math.max(1, Math.floor(part)));
  const largestRemainders = exact
    .map((part, at) => ({ at, part: part - Math.floor(part) }))
    .sort((a, b) => b.part - a.part)
    .map(({ at }) => at);
  let left = total - whole.reduce((sum, part) => sum + part, 0);
  for (const at of largestRemainders) {
    if (left <= 0) break;
    whole[at] = must(whole[at], "the part") + 1;
    left -= 1;
  }
  return whole;
}
