// What a row of nginx/check is: a rule about the edge, and the requests that show whether the edge keeps it.
import { messageOf } from "../../db/message.ts";
import { type HttpRequest, type HttpResponse, request } from "./client.ts";

/** URLs of the edge's listeners; rows that need one that is `null` are skipped. */
type Listeners = { edge: string; tls: string | null; status: string | null };

export type EdgeClient = Listeners & {
  /** Sends a request to the edge. */
  send(path: string, more?: RequestOptions): Promise<HttpResponse>;
  /** The path of a shoe; each call gives another, whose responses this run has not requested yet. */
  nextShoe(): string;
};

type RequestOptions = Omit<HttpRequest, "path">;

/** `check` throws when the rule is broken. `needs` names a listener without which the row is skipped. */
export type Row = { rule: string; needs?: "tls" | "status"; check(client: EdgeClient): Promise<void> };

/** The outcome of a row; `why` says what failed. */
type RowResult = { outcome: "ok" | "failed" | "skipped"; why: string };

/** Cache-Status of a response out of the edge's cache. */
export const HIT = "insole-edge; hit";

/** One or two for each row. */
const SHOES = 60;
const SECONDS_MAX = 6;
const PAUSE_MS = 50;

/** Reads which shoes there are; throws when the edge does not list any. */
export async function openEdgeClient(listeners: Listeners): Promise<EdgeClient> {
  const send = (path: string, more: RequestOptions = {}) => request(listeners.edge, { ...more, path });
  const { status, body } = await send(`/api/shoes?limit=${SHOES}&sort=name`);
  if (status !== 200) throw new Error(`the edge does not list shoes: ${status}`);
  const ids = (JSON.parse(body) as { data: { id: string }[] }).data.map(({ id }) => id);
  let next = 0;
  return {
    ...listeners,
    send,
    nextShoe() {
      const id = ids[next % ids.length];
      next += 1;
      if (id === undefined) throw new Error("the shop has no shoes");
      return `/api/shoes/${id}`;
    },
  };
}

/** Runs a row; never throws. */
export async function runRow({ needs, check }: Row, client: EdgeClient): Promise<RowResult> {
  if (needs !== undefined && client[needs] === null) return { outcome: "skipped", why: `needs --${needs}` };
  try {
    await check(client);
    return { outcome: "ok", why: "" };
  } catch (thrown) {
    return { outcome: "failed", why: messageOf(thrown) };
  }
}

/** Throws unless the header has this value, matches this pattern, or with `null` is missing. */
export function expectHeader(
  { headers }: HttpResponse,
  name: string,
  expected: string | RegExp | null,
): void {
  const value = headers[name];
  const isFine =
    expected === null
      ? value === undefined
      : typeof expected === "string"
        ? value === expected
        : value !== undefined && expected.test(value);
  if (!isFine) throw new Error(`${name} is ${value ?? "missing"} instead of ${expected ?? "missing"}`);
}

/** Throws unless the response has this status. */
export function expectStatus({ status, body }: HttpResponse, expected: number): void {
  if (status !== expected) throw new Error(`${status} instead of ${expected}: ${body.slice(0, 200)}`);
}

/** Throws unless the response is a problem as the API describes it, with this status and type. */
export function expectProblem(response: HttpResponse, status: number, type: string): void {
  expectStatus(response, status);
  expectHeader(response, "content-type", /^application\/problem\+json/);
  expectHeader(response, "cache-control", /no-store/);
  const problem = JSON.parse(response.body) as Record<string, unknown>;
  const { detail, error, timestamp, requestId } = problem;
  if (problem.type !== `/problems/${type}` || problem.status !== status)
    throw new Error(`the problem has type ${problem.type} and status ${problem.status}`);
  for (const name of ["title", "detail", "instance"])
    if (typeof problem[name] !== "string" || problem[name] === "")
      throw new Error(`the problem has no ${name}`);
  if (error !== detail) throw new Error("error is not the same as detail");
  if (Number.isNaN(Date.parse(String(timestamp)))) throw new Error(`the timestamp is ${timestamp}`);
  expectHeader(response, "x-request-id", String(requestId));
}

/** Repeats a request until the response is one that is wanted; throws after some seconds. */
export async function requestUntil(
  { send }: EdgeClient,
  path: string,
  isWanted: (response: HttpResponse) => boolean,
  more?: RequestOptions,
): Promise<HttpResponse> {
  const deadline = performance.now() + SECONDS_MAX * 1_000;
  for (;;) {
    const response = await send(path, more);
    if (isWanted(response)) return response;
    const { status, headers } = response;
    if (status >= 400 || performance.now() > deadline)
      throw new Error(`${path}: the last response is ${status} with Cache-Status ${headers["cache-status"]}`);
    await Bun.sleep(PAUSE_MS);
  }
}

/** Repeats a request until the edge's cache has its response: it may expire between two requests. */
export const requestUntilHit = (
  client: EdgeClient,
  path: string,
  more?: RequestOptions,
): Promise<HttpResponse> =>
  requestUntil(client, path, ({ headers }) => headers["cache-status"] === HIT, more);

/** Waits until every response that the edge cached before this call is stale. */
export async function waitUntilStale(client: EdgeClient): Promise<void> {
  const path = client.nextShoe();
  const untilForwarded = (forwarded: RegExp) =>
    requestUntil(client, path, ({ headers }) => forwarded.test(headers["cache-status"] ?? ""));
  // This response is cached after all others, so it is the last of them to be stale.
  await untilForwarded(/fwd=(miss|stale)/);
  await untilForwarded(/fwd=stale/);
}
