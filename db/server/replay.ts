// Questions that are put to a server by work that does not wait for answers: it begins anew with each that came.
import type { Readable, Row, Statement, Value } from "../database.ts";

/** Asks the server; the answers come in the order of the questions. */
export type Ask = (questions: Statement[]) => Promise<Row[][]>;

/** Work that asks more than this never ends, or is none for a server far away. */
const ROUNDS_MAX = 200;

class Unanswered extends Error {
  constructor(readonly question: Statement) {
    super("this question has no answer yet");
  }
}

/** Runs `work` until every question it asks has its answer, and returns what it then returns. */
export async function answered<T>(ask: Ask, work: (at: Readable) => T | Promise<T>): Promise<T> {
  const answers = new Map<string, Row[]>();
  const at = readableOf(ask, answers);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    try {
      return await work(at);
    } catch (thrown) {
      if (!(thrown instanceof Unanswered)) throw thrown;
      const [rows = []] = await ask([thrown.question]);
      answers.set(nameOf(thrown.question), rows);
    }
  }
  throw new Error(`more than ${ROUNDS_MAX} questions one after the other`);
}

function readableOf(ask: Ask, answers: Map<string, Row[]>): Readable {
  const look = (sql: string, args: Value[]): Row[] => {
    const question = { sql, args };
    const rows = answers.get(nameOf(question));
    if (rows === undefined) throw new Unanswered(question);
    return rows;
  };
  return {
    read: {
      get: <R extends Row>(sql: string, ...args: Value[]) => look(sql, args)[0] as R | undefined,
      all: <R extends Row>(sql: string, ...args: Value[]) => look(sql, args) as R[],
    },
    async scan(questions) {
      const open = questions.filter((question) => !answers.has(nameOf(question)));
      const rows = open.length > 0 ? await ask(open) : [];
      for (const [index, question] of open.entries()) answers.set(nameOf(question), rows[index] ?? []);
      return questions.map((question) => answers.get(nameOf(question)) ?? []);
    },
  };
}

const nameOf = ({ sql, args = [] }: Statement): string =>
  [sql, ...args.map((value) => `${typeof value} ${value instanceof Uint8Array ? [...value] : value}`)].join(
    "\u0000",
  );
