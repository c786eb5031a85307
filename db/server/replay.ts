// Synchronous work on a server that answers asynchronously: the work runs again with each answer until it needs no more.
import type { Readable, Row, Statement, Value } from "../database.ts";
import { must } from "../must.ts";

/** Sends queries to the server; resolves with the rows of each, in their order. */
type SendQueries = (queries: Statement[]) => Promise<Row[][]>;

/** Work with more queries than this one after the other never ends, or is too slow on a remote server. */
const ROUNDS_MAX = 200;

class MissingAnswer extends Error {
  constructor(readonly query: Statement) {
    super("this query has no answer yet");
  }
}

/** Runs `work` until every query it makes has an answer; resolves with its result, or rejects with what it or `send` throws. */
export async function replay<T>(send: SendQueries, work: (primary: Readable) => T | Promise<T>): Promise<T> {
  const answers = new Map<string, Row[]>();
  const primary = readableOf(send, answers);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    try {
      return await work(primary);
    } catch (thrown) {
      if (!(thrown instanceof MissingAnswer)) throw thrown;
      const [rows] = await send([thrown.query]);
      answers.set(keyOf(thrown.query), must(rows, "the rows of a query"));
    }
  }
  throw new Error(`the work makes more than ${ROUNDS_MAX} queries one after the other`);
}

function readableOf(send: SendQueries, answers: Map<string, Row[]>): Readable {
  const find = (sql: string, args: Value[]): Row[] => {
    const query = { sql, args };
    const rows = answers.get(keyOf(query));
    if (rows === undefined) throw new MissingAnswer(query);
    return rows;
  };
  return {
    read: {
      get: <R extends Row>(sql: string, ...args: Value[]) => find(sql, args)[0] as R | undefined,
      all: <R extends Row>(sql: string, ...args: Value[]) => find(sql, args) as R[],
    },
    async scan(queries) {
      const missing = queries.filter((query) => !answers.has(keyOf(query)));
      const rows = missing.length > 0 ? await send(missing) : [];
      for (const [index, query] of missing.entries())
        answers.set(keyOf(query), must(rows[index], "the rows of a query"));
      return queries.map((query) => must(answers.get(keyOf(query)), "the rows of a query"));
    },
  };
}

const keyOf = ({ sql, args = [] }: Statement): string =>
  [sql, ...args.map((value) => `${typeof value} ${value instanceof Uint8Array ? [...value] : value}`)].join(
    "\u0000",
  );
