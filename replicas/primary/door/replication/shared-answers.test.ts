// Shared answers: who shares with whom, what is kept and until when, and how much.
import { describe, expect, test } from "bun:test";
import { type Life, openLives } from "../lives.ts";
import { openNews } from "../news.ts";
import type { LogAnswer } from "./log-answers.ts";
import { openSharedAnswers } from "./shared-answers.ts";
import type { ReplicaRequest } from "./sqld-requests.ts";

const MB = 1_024 * 1_024;
const LOG = "/wal_log.ReplicationLog/BatchLogEntries";

type Asked = { request: ReplicaRequest; life: Life; settle(answer: Partial<LogAnswer>): void; fail(): void };

/** Shared answers before a server that answers when the test says so. */
function open() {
  const asked: Asked[] = [];
  const news = openNews();
  const lives = openLives();
  const begin = (): Life => {
    lives.begin({ url: "http://server", writeToken: "", readToken: "" });
    return lives.current() as Life;
  };
  const shared = openSharedAnswers(news, (life, request) => {
    const { promise, resolve, reject } = Promise.withResolvers<LogAnswer>();
    const parts = { headers: new Headers(), body: new Uint8Array(8), frames: 1, commits: 2, next: 6 };
    const settle = (answer: Partial<LogAnswer>) =>
      resolve({ kind: "frames", status: 200, ...parts, ...answer });
    asked.push({ request, life, settle, fail: () => reject(new Error("no answer")) });
    return promise;
  });
  return { shared, asked, news, begin };
}

const requestOf = (offset: number, headers: Record<string, string> = {}): ReplicaRequest => ({
  path: LOG,
  headers: Object.entries({ "x-session-token": "one", "x-namespace-bin": "MTI3", ...headers }),
  body: new Uint8Array([0, 0, 0, 0, 2, 8, offset]),
});

/** Lets what was settled arrive. */
const turn = () => Bun.sleep(0);

describe("requests at the same time", () => {
  test("are one where all is the same", async () => {
    const { shared, asked, begin } = open();
    const life = begin();
    const answers = [1, 2, 3].map(() => shared.ask(life, requestOf(5)));
    await turn();
    expect(asked).toHaveLength(1);
    asked[0]?.settle({});
    expect(new Set(await Promise.all(answers)).size).toBe(1);
    expect(shared.state()).toEqual({ asked: 1, taken: 2, merged: 1, keptBytes: 8 });
  });

  test.each([
    ["another offset", requestOf(6)],
    ["another session", requestOf(5, { "x-session-token": "two" })],
    ["another namespace", requestOf(5, { "x-namespace-bin": "MTI4" })],
    ["another encoding", requestOf(5, { "accept-encoding": "gzip" })],
    ["another version of the client", requestOf(5, { "x-libsql-client-version": "2" })],
  ])("are two with %s", async (_, other) => {
    const { shared, asked, begin } = open();
    const life = begin();
    void shared.ask(life, requestOf(5));
    void shared.ask(life, other);
    await turn();
    expect(asked).toHaveLength(2);
  });

  test("all fail with the one, and the next asks anew", async () => {
    const { shared, asked, begin } = open();
    const life = begin();
    const answers = [1, 2].map(() => shared.ask(life, requestOf(5)).catch(() => "failed"));
    await turn();
    asked[0]?.fail();
    expect(await Promise.all(answers)).toEqual(["failed", "failed"]);
    void shared.ask(life, requestOf(5));
    await turn();
    expect(asked).toHaveLength(2);
  });

  test("of which one began before a commit are two", async () => {
    const { shared, asked, news, begin } = open();
    const life = begin();
    void shared.ask(life, requestOf(5));
    news.raise();
    const after = shared.ask(life, requestOf(5));
    await turn();
    expect(asked).toHaveLength(2);
    asked[0]?.settle({ kind: "empty" });
    asked[1]?.settle({});
    expect((await after).kind).toBe("frames");
  });

  test("are sent eight at once", async () => {
    const { shared, asked, begin } = open();
    const life = begin();
    for (let offset = 0; offset < 20; offset += 1) void shared.ask(life, requestOf(offset));
    await turn();
    expect(asked).toHaveLength(8);
    asked[0]?.settle({});
    await turn();
    expect(asked).toHaveLength(9);
  });
});

describe("an answer", () => {
  test("with frames is kept until the next commit", async () => {
    const { shared, asked, news, begin } = open();
    const life = begin();
    const first = shared.ask(life, requestOf(5));
    await turn();
    asked[0]?.settle({});
    expect(await shared.ask(life, requestOf(5))).toBe(await first);
    news.raise();
    void shared.ask(life, requestOf(5));
    await turn();
    expect(asked).toHaveLength(2);
  });

  test.each(["empty", "other"] as const)("that is %s is not kept", async (kind) => {
    const { shared, asked, begin } = open();
    const life = begin();
    const first = shared.ask(life, requestOf(5));
    await turn();
    asked[0]?.settle({ kind });
    await first;
    void shared.ask(life, requestOf(5));
    await turn();
    expect([asked.length, shared.state().keptBytes]).toEqual([2, 0]);
  });

  test("that began before a commit is not kept", async () => {
    const { shared, asked, news, begin } = open();
    const life = begin();
    const old = shared.ask(life, requestOf(5));
    await turn();
    news.raise();
    const other = shared.ask(life, requestOf(6));
    await turn();
    for (const { settle } of asked) settle({});
    await Promise.all([old, other]);
    void shared.ask(life, requestOf(5));
    await turn();
    expect(asked).toHaveLength(3);
  });

  test("of a life that ended is dropped with it, and not seen in the next", async () => {
    const { shared, asked, begin } = open();
    const old = begin();
    const first = shared.ask(old, requestOf(5));
    await turn();
    asked[0]?.settle({});
    await first;
    const next = begin();
    expect(shared.state().keptBytes).toBe(0);
    void shared.ask(next, requestOf(5));
    await turn();
    expect(asked.map(({ life }) => life)).toEqual([old, next]);
  });

  test("pushes out the oldest beyond 32 MB", async () => {
    const { shared, asked, begin } = open();
    const life = begin();
    for (let offset = 0; offset < 12; offset += 1) {
      const answer = shared.ask(life, requestOf(offset));
      await turn();
      asked.at(-1)?.settle({ body: new Uint8Array(4 * MB) });
      await answer;
    }
    expect(shared.state().keptBytes).toBe(32 * MB);
    void shared.ask(life, requestOf(11));
    void shared.ask(life, requestOf(0));
    await turn();
    expect(asked).toHaveLength(13);
  });
});
