// Questions that are put to a server by work that does not wait for answers: it begins anew with each that came.
import type { Readable, Row, Statement, Value } from "../database.ts";
import { must } from "../must.ts";

/** Asks the server; the answers come in the order of the queries. */
export type SendQueries = (queries: Statement[]) => Promise<Row[][]>;

/** Work that asks more than this never ends, or is none for a server far away. */
const ROUNDS_MAX = 200;

class MissingAnswer extends Error {
  constructor(readonly query: Statement) {
    super("this query has no answer yet");
  }
}

/** Runs `work` until every question it asks has its answer, and returns what it then returns. */
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
  throw new Error(`more than ${ROUNDS_MAX} queries one after the other`);
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
