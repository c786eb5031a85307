// What the door sends to sqld and lets out, around the moments at which a request is held: with a made-up sqld.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { until } from "../../../../db/until.ts";
import { emptyAnswer, framesAnswer, type MadeUpSqld, openMadeUpSqld } from "../../../testing/made-up-sqld.ts";
import { type News, openNews } from "../news.ts";
import { openReplication, type Replication } from "./replication.ts";

const LOG = "/wal_log.ReplicationLog/BatchLogEntries";
const HELLO = "/wal_log.ReplicationLog/Hello";
const HOLD_MS = 1_000;
const EMPTY_BYTES = 25;

let sqld: MadeUpSqld;
let news: News;
let replication: Replication;

beforeEach(() => {
  sqld = openMadeUpSqld();
  news = openNews();
  replication = openReplication({ lives: sqld.lives, news });
});
afterEach(async () => {
  replication.close();
  await sqld.close();
});

type Asking = { path?: string; offset?: number; signal?: AbortSignal; headers?: Record<string, string> };

function ask({ path = LOG, offset = 3, signal, headers }: Asking = {}): Promise<Response> {
  const request = new Request(`http://door${path}`, {
    method: "POST",
    headers: { "x-session-token": "one", "x-namespace-bin": "MTI3", ...headers },
    body: new Uint8Array([0, 0, 0, 0, 3, 8, (offset % 128) + 128, Math.floor(offset / 128)]),
    ...(signal && { signal }),
  });
  return replication.handle(request, path);
}

const bytesOf = async (response: Response): Promise<number> => (await response.arrayBuffer()).byteLength;
const isClosed = async (asking: Promise<Response>): Promise<boolean> => {
  const response = await asking;
  return await response.arrayBuffer().then(
    () => false,
    () => true,
  );
};
const metric = (name: string) => replication.metrics().find((one) => one.name === name)?.value;
const held = (count: number) => until(`${count} held`, () => metric("held_requests") === count);

describe("a held request", () => {
  test("is looked at again at a commit that came while sqld answered", async () => {
    const first = Promise.withResolvers<Response>();
    const heldBefore = ask({ offset: 9 });
    await held(1);
    sqld.answer((offset) => (offset === 3 ? first.promise : emptyAnswer()));
    const asking = ask({ offset: 3 });
    await until("the look", () => sqld.requests.length === 2);
    news.raise();
    sqld.answer((offset) => (offset === 3 ? framesAnswer(3) : emptyAnswer()));
    first.resolve(emptyAnswer());
    // Without another look it would wait for the end of its own hold, which comes later.
    const [answer] = await Promise.all([Promise.race([asking, heldBefore]), heldBefore]);
    expect(await bytesOf(answer)).toBeGreaterThan(EMPTY_BYTES);
  });

  test("stays held where a commit brought it nothing, and ends with a new look after the hold", async () => {
    const startedAtMs = performance.now();
    const asking = ask();
    await held(1);
    news.raise();
    await until("the look at the commit", () => sqld.requests.length === 2);
    expect(await bytesOf(await asking)).toBe(EMPTY_BYTES);
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(HOLD_MS - 1);
    expect(sqld.requests).toHaveLength(3);
  });

  test("gets what a commit that nobody told of brought", async () => {
    const asking = ask();
    await held(1);
    sqld.answer(() => framesAnswer(3));
    expect(await bytesOf(await asking)).toBeGreaterThan(EMPTY_BYTES);
  });

  test("ends at once with the life of sqld", async () => {
    const asking = ask();
    await held(1);
    sqld.lives.end();
    expect(await isClosed(asking)).toBe(true);
    expect([metric("held_requests"), sqld.requests.length]).toEqual([0, 1]);
    expect(await isClosed(ask())).toBe(true);
  });

  test("ends when its client has gone or its token has ended, and no other with it", async () => {
    const going = new AbortController();
    const [gone, other] = [ask({ signal: going.signal }), ask()];
    await held(2);
    going.abort();
    expect(await isClosed(gone)).toBe(true);
    sqld.answer(() => framesAnswer(3));
    news.raise();
    expect(await bytesOf(await other)).toBeGreaterThan(EMPTY_BYTES);
  });

  test("ends with the door", async () => {
    const asking = ask();
    await held(1);
    replication.close();
    expect(await isClosed(asking)).toBe(true);
  });
});

describe("a request under way", () => {
  test("ends at once with the life of sqld, though sqld is silent", async () => {
    sqld.answer(() => new Promise(() => {}));
    const asking = [ask(), ask(), ask({ path: HELLO })];
    await until("the requests", () => sqld.requests.length === 2);
    sqld.lives.end();
    expect(await Promise.all(asking.map(isClosed))).toEqual([true, true, true]);
  });

  test("ends without an answer where sqld breaks off", async () => {
    const broken = () => new Response(new ReadableStream({ start: (controller) => controller.error() }));
    sqld.answer(broken);
    expect(await isClosed(ask())).toBe(true);
    sqld.answer(() => framesAnswer(3));
    expect(await isClosed(ask())).toBe(false);
  });
});

test.each([200, 404, 503])("an answer with status %d and without content is none", async (status) => {
  sqld.answer(() => new Response(null, { status }));
  expect(await Promise.all([ask(), ask({ path: HELLO })].map(isClosed))).toEqual([true, true]);
});

describe("what goes to sqld", () => {
  test("has the token of its life and only the headers of the protocol", async () => {
    sqld.answer(() => framesAnswer(3));
    await ask({
      headers: { "x-authorization": "Bearer theirs", authorization: "Bearer theirs", cookie: "a=b" },
    });
    const [headers] = sqld.requests;
    expect(headers).toMatchObject({ "x-authorization": "Bearer reads", "accept-encoding": "identity" });
    expect(headers).not.toContainAnyKeys(["authorization", "cookie"]);
  });

  test.each([
    ["another path", "POST", "/v2/pipeline", 7, 404],
    ["a path that begins the same", "POST", `${LOG}2`, 7, 404],
    ["the probe of another protocol", "GET", "/info", 0, 404],
    ["another method", "GET", LOG, 0, 404],
    ["a long body", "POST", LOG, 2_000, 413],
  ])("is nothing for %s", async (_, method, path, bytes, status) => {
    const body = bytes === 0 ? null : new Uint8Array(bytes);
    const response = await replication.handle(new Request(`http://door${path}`, { method, body }), path);
    expect([response.status, sqld.requests.length]).toEqual([status, 0]);
  });

  test("is a request of its own for each Hello", async () => {
    sqld.answer(() => framesAnswer(3));
    await Promise.all([ask({ path: HELLO }), ask({ path: HELLO })]);
    await ask({ path: HELLO });
    expect(sqld.requests).toHaveLength(3);
  });

  test("is new for each answer with an error, which goes out as it is", async () => {
    const headers = { "grpc-status": "9", "grpc-message": "NO_HELLO" };
    sqld.answer(() => new Response(null, { headers }));
    for (const times of [1, 2]) {
      const answer = await ask();
      expect([answer.status, answer.headers.get("grpc-message")]).toEqual([200, "NO_HELLO"]);
      expect(sqld.requests).toHaveLength(times);
    }
  });
});

describe("bounds", () => {
  test("answer at once what comes while a thousand requests are held", async () => {
    const all = Array.from({ length: 1_000 }, () => ask());
    await held(1_000);
    expect(await bytesOf(await ask())).toBe(EMPTY_BYTES);
    expect(metric("held_requests")).toBe(1_000);
    sqld.answer(() => framesAnswer(3));
    news.raise();
    expect(new Set(await Promise.all(all.map(async (asking) => await bytesOf(await asking)))).size).toBe(1);
  });
});

describe("the pace", () => {
  let clockMs: number;
  beforeEach(() => {
    replication.close();
    clockMs = 0;
    replication = openReplication({ lives: sqld.lives, news, now: () => clockMs });
  });

  /** Brings a replica a frame, and lets it come back after `ms`, so that the gap is half as long again. */
  async function takeTurn(ms: number): Promise<Promise<Response>> {
    sqld.answer(() => framesAnswer(3));
    await ask({ offset: 3 });
    clockMs += ms;
    sqld.answer(() => framesAnswer(4));
    return ask({ offset: 4 });
  }
  const looks = () => sqld.requests.length;

  test("lets a replica that comes back early wait, though there is news", async () => {
    const early = takeTurn(40);
    await held(1);
    expect([looks(), metric("turnaround_seconds"), metric("release_gap_seconds")]).toEqual([1, 0.04, 0.06]);
    clockMs += 20;
    await early;
    expect([looks(), metric("releases_total")]).toEqual([2, 1]);
  });

  test("lets those go together that came meanwhile, with one answer", async () => {
    const first = takeTurn(40);
    await held(1);
    const second = ask({ offset: 4 });
    await held(2);
    clockMs += 20;
    await Promise.all([first, second]);
    expect([looks(), metric("shared_answers_total")]).toEqual([2, 1]);
  });

  test("does not slow down a replica that got as much as one answer holds", async () => {
    sqld.answer(() => framesAnswer(50, 1_024));
    await ask({ offset: 50 });
    void takeTurn(40);
    await held(1);
    sqld.answer(() => framesAnswer(1_074));
    await ask({ offset: 1_074 });
    expect(metric("held_requests")).toBe(1);
  });

  test("lets a replica go within 50 ms where a client waits", async () => {
    const asking = takeTurn(60);
    await held(1);
    replication.waiting({ generation: "one", seq: 5 });
    await asking;
    expect([clockMs, metric("wishes_total"), metric("releases_total")]).toEqual([60, 1, 1]);
  });
});
