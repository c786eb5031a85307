// What writing tokens may do at the door: commits, queries and migrations.
import { DatabaseError } from "../../../../db/errors.ts";
import { toCell } from "../../../../db/server/cells.ts";
import type { QueryReply } from "../../../../db/server/door-protocol.ts";
import type { Lives } from "../lives.ts";
import type { Metric } from "../metric.ts";
import type { News } from "../news.ts";
import { Refusal } from "../refusal.ts";
import { openCommits } from "./commits.ts";
import { openMigrations } from "./migrations.ts";
import { openQueries, QUERIES_MAX } from "./queries.ts";
import { errorResponse, readCommit, readQueries, toStatement } from "./shapes.ts";
import { openStatements } from "./statements.ts";
import { openStreams } from "./streams.ts";

export type Writes = {
  /** Answers `CommitRequest` when all its members are settled, whether or not the client is still there. */
  commit(request: Request): Promise<Response>;
  /** Answers `QueryRequest`; a client that goes away ends its queries. */
  query(request: Request): Promise<Response>;
  /** Answers the client of migrations; `rest` is the path behind `DOOR.migrations`. */
  migrations(request: Request, rest: string): Promise<Response>;
  metrics(): Metric[];
  /** Resolves when nothing is under way. Never rejects. */
  idle(): Promise<void>;
};

type Deps = { lives: Lives; news: News; datasetId(): string | null };

/** Opens the writing side of the door. */
export function openWrites({ lives, news, datasetId }: Deps): Writes {
  const statements = openStatements();
  const streams = openStreams(lives, QUERIES_MAX);
  const queries = openQueries();
  let knownLife = lives.current();

  const migrations = openMigrations({
    lives,
    onChange: news.raise,
    untilQuiet: () => commits.untilQuiet(),
  });
  const { isHeld } = migrations;
  const commits = openCommits({ streams, judge: statements.judge, news, datasetId, isHeld });

  /** Throws where nothing is done for this request now. */
  const admit = (dataset: string | null): void => {
    const life = lives.current();
    if (life === null) throw new DatabaseError("unreachable", "the primary's server does not run");
    if (dataset !== null && dataset !== datasetId())
      throw new Refusal(409, "unreachable", "the primary holds another dataset");
    // The supervisor says that sqld runs once it can write.
    if (life !== knownLife) commits.begin();
    knownLife = life;
  };

  return {
    commit: (request) =>
      answer(async () => {
        const { dataset, waitMs, members } = await readCommit(request);
        admit(dataset);
        return commits.commit(members, waitMs);
      }),
    query: (request) =>
      answer(async (): Promise<QueryReply> => {
        const { dataset, waitMs, queries: wire } = await readQueries(request);
        admit(dataset);
        statements.judge(wire, true);
        const work = () => streams.query(wire.map(toStatement), datasetId(), request.signal);
        const rows = await queries.run(waitMs, work);
        return { rows: rows.map((found) => found.map((row) => row.map(toCell))) };
      }),
    migrations: migrations.handle,
    metrics: () => [...commits.metrics(), ...statements.metrics(), ...queries.metrics()],
    async idle() {
      await Promise.all([commits.idle(), queries.idle(), migrations.close()]);
    },
  };
}

async function answer(work: () => Promise<object>): Promise<Response> {
  try {
    return Response.json(await work());
  } catch (thrown) {
    return errorResponse(thrown);
  }
}
