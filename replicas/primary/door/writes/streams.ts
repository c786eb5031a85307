// The door's streams at sqld: those of the writer and of queries, which begin anew with each life.
import type { Row, Statement } from "../../../../db/database.ts";
import { DatabaseError } from "../../../../db/errors.ts";
import { must } from "../../../../db/must.ts";
import { commitOnServer, queryServer } from "../../../../db/server/hrana.ts";
import { openPipeline, type Pipeline } from "../../../../db/server/pipeline.ts";
import { FIND_DONE } from "../../../../db/write/queue.ts";
import type { Life, Lives } from "../lives.ts";

/** How long an uncertain outcome is looked for: sqld that was killed is rarely back within that time, one that is busy answers. */
const FIND_MS = 500;
/** The longest time of one attempt to find it. */
const FIND_TRY_MS = 400;
const FIND_PAUSE_MS = 50;
/** A write lock that no one holds is given within that time. */
const LOCK_MS = 150;
/** A query that takes longer is given up, and sqld stops it. */
const QUERY_MS = 1_500;
const WRITE_MS = 2_000;

type OfLife = { life: Life; writing: Pipeline; locking: Pipeline; finding: Pipeline; querying: Pipeline };

export type Streams = {
  /** As `commitOnServer`; sqld stops a group that takes longer than `ms`. */
  commit(members: Statement[][], dataset: string | null, ms: number): ReturnType<typeof commitOnServer>;
  /** As `queryServer`, with a token that only reads; `signal` gives the queries up. */
  query(queries: Statement[], dataset: string | null, signal: AbortSignal): Promise<Row[][]>;
  /** Those of the write ids that were done. Throws `unreachable` when sqld does not answer for a while. */
  findDone(ids: string[], dataset: string | null): Promise<string[]>;
  /** Whether the write lock is not to be had at once. */
  isLocked(): Promise<boolean>;
};

/** Opens no stream yet. `queriesMax` streams are kept for queries. */
export function openStreams(lives: Lives, queriesMax: number): Streams {
  let current: OfLife | null = null;

  /** Throws `unreachable` while sqld does not run. */
  const streams = (): OfLife => {
    const life = lives.current();
    if (life === null) throw new DatabaseError("unreachable", "the primary's server does not run");
    if (current?.life !== life) {
      const writer = { url: life.url, authToken: life.writeToken };
      const reader = { url: life.url, authToken: life.readToken };
      current = {
        life,
        writing: openPipeline(writer, { ms: WRITE_MS, keptMax: 1 }),
        locking: openPipeline(writer, { ms: LOCK_MS, keptMax: 0 }),
        finding: openPipeline(reader, { ms: FIND_TRY_MS, keptMax: 0 }),
        querying: openPipeline(reader, { ms: QUERY_MS, keptMax: queriesMax }),
      };
    }
    return current;
  };

  const findOnce = async (ids: string[], dataset: string | null): Promise<string[]> => {
    const { life, finding } = streams();
    const query = { sql: FIND_DONE, args: [JSON.stringify(ids)] };
    const [rows] = await queryServer(finding, [query], dataset, { signal: life.ended });
    return must(rows, "the rows of a query").map(([id]) => String(id));
  };

  return {
    commit(members: Statement[][], dataset: string | null, ms: number) {
      const { life, writing } = streams();
      return commitOnServer(writing, members, dataset, { ms, signal: life.ended });
    },
    query(queries: Statement[], dataset: string | null, signal: AbortSignal) {
      const { life, querying } = streams();
      return queryServer(querying, queries, dataset, { signal: AbortSignal.any([life.ended, signal]) });
    },
    async findDone(ids: string[], dataset: string | null): Promise<string[]> {
      const end = performance.now() + FIND_MS;
      for (;;) {
        try {
          return await findOnce(ids, dataset);
        } catch (thrown) {
          if (performance.now() > end) throw thrown;
          await Bun.sleep(FIND_PAUSE_MS);
        }
      }
    },
    async isLocked() {
      const { life, locking } = streams();
      const steps = ["BEGIN IMMEDIATE", "ROLLBACK"].map((sql) => ({
        condition: null,
        stmt: { sql, args: [], want_rows: false },
      }));
      const run = locking.run(steps, { signal: life.ended });
      return run.then(
        ({ step_errors: [error] }) => Boolean(error),
        () => true,
      );
    },
  };
}
