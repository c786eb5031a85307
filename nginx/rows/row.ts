// What a row of the table is: a sentence, and the questions that show whether it is kept.
import { ask, type Question, type Reply } from "./client.ts";

/** Where the edge listens; what is `null` is not asked. */
export type Places = { edge: string; tls: string | null; status: string | null };

export type Asker = Places & {
  /** Asks the edge. */
  at(path: string, more?: Omit<Question, "path">): Promise<Reply>;
  /** An address of the catalogue that this run has not asked for yet; each call gives another. */
  freshShoe(): string;
};

/** `check` throws the sentence that says what was wrong. `needs` names a place without which the row is left out. */
export type Row = { says: string; needs?: "tls" | "status"; check(asker: Asker): Promise<void> };

/** Shoes to ask for, one or two for each row. */
const SHOES = 60;
const SECONDS_MAX = 6;
const PAUSE_MS = 50;

/** Learns which shoes there are. Throws when the edge does not list any. */
export async function openAsker(places: Places): Promise<Asker> {
  const at = (path: string, more: Omit<Question, "path"> = {}) => ask(places.edge, { ...more, path });
  // Which of them others are asking for is not known: the later ones are asked for less.
  const { status, body } = await at(`/api/shoes?limit=${SHOES}&sort=name`);
  if (status !== 200) throw new Error(`the edge does not list shoes: ${status}`);
  const list = JSON.parse(body) as { data: { id: string }[] };
  const ids = list.data.map(({ id }) => id);
  let next = 0;
  return {
    ...places,
    at,
    freshShoe() {
      const id = ids[next % ids.length];
      next += 1;
      if (id === undefined) throw new Error("the shop has no shoes");
      return `/api/shoes/${id}`;
    },
  };
}

/** Runs a row; `null` when it is kept, else what was wrong. */
export async function runRow({ needs, check }: Row, asker: Asker): Promise<string | null> {
  if (needs !== undefined && asker[needs] === null) return "left out";
  try {
    await check(asker);
    return null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/** Throws unless the header has this value, matches the pattern, or with `null` is not there. */
export function expectHeader({ headers }: Reply, name: string, expected: string | RegExp | null): void {
  const value = headers[name];
  const isFine =
    expected === null
      ? value === undefined
      : typeof expected === "string"
        ? value === expected
        : value !== undefined && expected.test(value);
  if (!isFine) throw new Error(`${name} is ${value ?? "not there"} instead of ${expected ?? "not there"}`);
}

export function expectStatus({ status, body }: Reply, expected: number): void {
  if (status !== expected) throw new Error(`${status} instead of ${expected}: ${body.slice(0, 200)}`);
}

/** Throws unless it is a problem in the contract's shape, with this status. */
export function expectProblem(reply: Reply, status: number, type: string): void {
  expectStatus(reply, status);
  expectHeader(reply, "content-type", /^application\/problem\+json/);
  expectHeader(reply, "cache-control", /no-store/);
  const problem = JSON.parse(reply.body) as Record<string, unknown>;
  const { detail, error, timestamp, requestId } = problem;
  if (problem.type !== `/problems/${type}` || problem.status !== status)
    throw new Error(`the problem says ${problem.type}, ${problem.status}`);
  for (const name of ["title", "detail", "instance"])
    if (typeof problem[name] !== "string" || problem[name] === "")
      throw new Error(`the problem has no ${name}`);
  if (error !== detail) throw new Error("error is not the same as detail");
  if (Number.isNaN(Date.parse(String(timestamp)))) throw new Error(`the timestamp is ${timestamp}`);
  expectHeader(reply, "x-request-id", String(requestId));
}

export const HIT = "insole-edge; hit";

/**
 * Asks until the answer comes from the edge's memory: a second may end between two questions, and nodes may be slow.
 * Throws when none ever does.
 */
export async function askUntilHit(asker: Asker, path: string, more?: Omit<Question, "path">): Promise<Reply> {
  return askUntil(asker, path, (reply) => reply.headers["cache-status"] === HIT, more);
}

/** Waits until every answer that the edge kept before this call is stale. */
export async function waitUntilStale(asker: Asker): Promise<void> {
  const path = asker.freshShoe();
  const askUntilForwarded = (forwarded: RegExp) =>
    askUntil(asker, path, ({ headers }) => forwarded.test(headers["cache-status"] ?? ""));
  // Stored now, so it is stale after all those; an older copy would have been so before them.
  await askUntilForwarded(/fwd=(miss|stale)/);
  await askUntilForwarded(/fwd=stale/);
}

/** Asks until the answer is as wanted, for some seconds. */
export async function askUntil(
  asker: Asker,
  path: string,
  isWanted: (reply: Reply) => boolean,
  more?: Omit<Question, "path">,
): Promise<Reply> {
  const deadline = performance.now() + SECONDS_MAX * 1_000;
  let last = await asker.at(path, more);
  while (!isWanted(last)) {
    // A refusal does not become an answer by asking again.
    if (last.status >= 400 || performance.now() > deadline)
      throw new Error(`${last.status} with Cache-Status ${last.headers["cache-status"]} to the end`);
    await Bun.sleep(PAUSE_MS);
    last = await asker.at(path, more);
  }
  return last;
}
