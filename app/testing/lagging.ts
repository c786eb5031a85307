// A node whose copy of the database stands still, for tests: it shows what was there when it was last made.
import type { Database, Row, Statement } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { stateOf } from "../../db/position.ts";
import { openHandle } from "../../db/read/reader.ts";
import { answered } from "../../db/server/questions.ts";

const CACHE_KB = 2_048;

/** What a test does to the way to the primary. */
type PrimaryInterceptor = (questions: Statement[], ask: () => Promise<Row[][]>) => Promise<Row[][]>;

export type LaggingNode = ReturnType<typeof openLagging>;

/** Copies the file; reads see the copy, while writes and `newest` go to the shop as it is, a question at a time. */
export function openLagging(live: Database, path: string) {
  let copies = 0;
  const copyNow = (): Database => {
    const copyPath = `${path}.copy${++copies}`;
    const handle = openHandle(path, CACHE_KB);
    handle.exec(`VACUUM INTO '${copyPath}'`);
    handle.close();
    return openFile(copyPath, CACHE_KB);
  };
  let copy = copyNow();
  const node = {
    /** Questions that went to the primary, in their order. */
    primaryQueries: [] as string[],
    interceptPrimary: ((_, ask) => ask()) as PrimaryInterceptor,
    /** Makes the copy anew. */
    async catchUp(): Promise<void> {
      const old = copy;
      copy = copyNow();
      await old.close();
    },
  };
  const ask = (questions: Statement[]) => {
    node.primaryQueries.push(...questions.map(({ sql }) => sql));
    return node.interceptPrimary(questions, () => live.scan(questions));
  };
  const db: Database = {
    ...live,
    read: {
      get: (sql, ...args) => copy.read.get(sql, ...args),
      all: (sql, ...args) => copy.read.all(sql, ...args),
    },
    scan: (questions) => copy.scan(questions),
    onPrimary: (work) => answered(ask, work),
    written() {
      const { generation, seq } = stateOf(live.read);
      return stateOf(copy.read).seq < seq ? { generation, seq } : null;
    },
    close: () => copy.close(),
  };
  return Object.assign(node, { db });
}
