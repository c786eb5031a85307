// The writing side of a door in this process, on a real sqld, as nodes of the same dataset use it.
import { readFileSync } from "node:fs";
import type {
  CommitReply,
  DoorError,
  QueryReply,
  WireMember,
  WireOutcome,
  WireStatement,
} from "../../db/server/door-protocol.ts";
import { openRemote } from "../../db/server/remote.ts";
import type { TestServer } from "../../db/testing/server.ts";
import { type Lives, openLives } from "../primary/door/lives.ts";
import { type News, openNews } from "../primary/door/news.ts";
import { openWrites, type Writes } from "../primary/door/writes/writes.ts";

/** Longer than anything that a busy machine does. */
const WAIT_MS = 30_000;
const TICK_MS = 10;

export type TestWrites = {
  writes: Writes;
  lives: Lives;
  news: News;
  datasetId: string;
  /** Commits the members as one node. */
  commit(members: WireMember[], waitMs?: number): Promise<CommitReply>;
  /** Commits each member as a node of its own; resolves with their outcomes. */
  commitEach(members: WireMember[], waitMs?: number): Promise<WireOutcome[]>;
  /** Resolves with the rows, or the error. */
  query(sqls: (string | WireStatement)[], waitMs?: number): Promise<QueryReply | DoorError>;
  /** The words that begin like this, in order. */
  wordsLike(start: string): Promise<string[]>;
  /** The value of a metric; the sum over its labels. */
  metric(name: string): number;
};

/** Opens it in the present life of the server, whose tokens are empty. */
export async function openTestWrites(server: TestServer, url = server.url): Promise<TestWrites> {
  const datasetId = await datasetOf(server);
  const lives = openLives();
  lives.begin({ url, writeToken: "", readToken: "" });
  const news = openNews();
  const writes = openWrites({ lives, news, datasetId: () => datasetId });
  const commit = async (members: WireMember[], waitMs = WAIT_MS): Promise<CommitReply> => {
    const response = await writes.commit(requestOf({ dataset: datasetId, waitMs, members }));
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as CommitReply;
  };
  const query = async (sqls: (string | WireStatement)[], waitMs = WAIT_MS) => {
    const queries = sqls.map((each) => (typeof each === "string" ? { sql: each, args: [] } : each));
    const response = await writes.query(requestOf({ dataset: datasetId, waitMs, queries }));
    return (await response.json()) as QueryReply | DoorError;
  };
  return {
    writes,
    lives,
    news,
    datasetId,
    commit,
    async commitEach(members, waitMs) {
      const replies = await Promise.all(members.map((each) => commit([each], waitMs)));
      return replies.flatMap(({ outcomes }) => outcomes);
    },
    query,
    async wordsLike(start) {
      const sql = "SELECT word FROM words WHERE word LIKE ? || '%' ORDER BY word";
      const reply = await query([{ sql, args: [{ type: "text", value: start }] }]);
      if (!("rows" in reply)) throw new Error(reply.message);
      return (reply.rows[0] ?? []).map(([cell]) => (cell?.type === "text" ? cell.value : ""));
    },
    metric: (name) =>
      writes
        .metrics()
        .filter((each) => each.name === name)
        .reduce((sum, { value }) => sum + value, 0),
  };
}

/** A request with this body. */
export const requestOf = (body: unknown, signal?: AbortSignal): Request =>
  new Request("http://door/", {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });

/** A member that adds the word, which is its id, too, and then runs these statements. */
export const member = (word: string, ...sqls: string[]): WireMember => ({
  writeId: word,
  statements: [
    { sql: "INSERT INTO words (word) VALUES (?)", args: [{ type: "text", value: word }] },
    ...sqls.map((sql) => ({ sql, args: [] })),
  ],
});

/** What the server's process computes within a time, both in milliseconds. */
export async function cpuMsIn(of: TestServer, ms: number): Promise<number> {
  const ticks = () => {
    const [, fields = ""] = readFileSync(`/proc/${of.pid()}/stat`, "utf8").split(") ");
    return fields
      .split(" ")
      .slice(11, 13)
      .reduce((sum, each) => sum + Number(each), 0);
  };
  const before = ticks();
  await Bun.sleep(ms);
  return (ticks() - before) * TICK_MS;
}

async function datasetOf(server: TestServer): Promise<string> {
  const db = openRemote(server, { queryMs: WAIT_MS });
  const [rows] = await db.scan([{ sql: "SELECT id FROM dataset" }]);
  await db.close();
  return String(rows?.[0]?.[0]);
}
