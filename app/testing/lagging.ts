// A node for tests whose replica does not sync by itself: it shows the database at the time of its last copy.
import type { Database, Row, Statement } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { stateOf } from "../../db/position.ts";
import { openHandle } from "../../db/read/reader.ts";
import { replay } from "../../db/server/replay.ts";

const CACHE_KB = 2_048;

/** Intercepts queries to the primary; `send` sends them. */
type PrimaryInterceptor = (questions: Statement[], send: () => Promise<Row[][]>) => Promise<Row[][]>;

/** `db` is the node's database. */
export type LaggingNode = {
  /** The SQL of all queries to the primary, in their order. */
  primaryQueries: string[];
  interceptPrimary: PrimaryInterceptor;
  /** Replaces the replica by a new copy. */
  catchUp(): Promise<void>;
  db: Database;
};

/** Opens the node on a copy of the file: reads see the copy; writes and `onPrimary` go to the live database. */
export function openLagging(live: Database, path: string): LaggingNode {
  let copies = 0;
  const copyNow = (): Database => {
    const copyPath = `${path}.copy${++copies}`;
    const handle = openHandle(path, CACHE_KB);
    handle.exec(`VACUUM INTO '${copyPath}'`);
    handle.close();
    return openFile(copyPath, CACHE_KB);
  };
  let copy = copyNow();
  const node: Omit<LaggingNode, "db"> = {
    primaryQueries: [],
    interceptPrimary: (_, send) => send(),
    async catchUp() {
      const old = copy;
      copy = copyNow();
      await old.close();
    },
  };
  const scanPrimary = (questions: Statement[]) => {
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
    onPrimary: (work) => replay(scanPrimary, work),
    written() {
      const { generation, seq } = stateOf(live.read);
      return stateOf(copy.read).seq < seq ? { generation, seq } : null;
    },
    close: () => copy.close(),
  };
  return Object.assign(node, { db });
}
