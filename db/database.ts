// The two doors of the database, the same on one file and on a node of the cluster.

/** What SQLite can bind and return; whole numbers are bound as integers. */
export type Value = string | number | bigint | null | Uint8Array;

/** A row as a tuple, in the order of the selected columns. */
export type Row = Value[];

export type Statement = { sql: string; args?: Value[] };

/** What one statement of a write did: `rows` are those of its RETURNING clause. */
export type WriteResult = { changes: number; rows: Row[] };

/** Statements prepared once per text and kept; for questions that look at a bounded number of rows. */
export type Reader = {
  get<R extends Row = Row>(sql: string, ...args: Value[]): R | undefined;
  all<R extends Row = Row>(sql: string, ...args: Value[]): R[];
};

/**
 * How the write door stands: waiting members, the size of the last group, commits so far, how long the last one took,
 * and whether the breaker refuses at once because commits keep failing.
 */
export type WriteQueueState = {
  queued: number;
  groupSize: number;
  commits: number;
  lastCommitMs: number;
  /** Members of all commits, and how long all of them took. */
  members: number;
  commitMsTotal: number;
  breaker: "closed" | "open";
};

/** What answers questions. */
export type Readable = Pick<Database, "read" | "scan">;

/** How new something is: the newest change of the feed that it knows, in the life of the dataset that counted it. */
export type Position = { generation: string; seq: number };

export type Database = {
  /** Whether writes, and questions to `newest`, are round trips to another machine. */
  isRemote: boolean;
  /** Reads on the serving thread; see `scan` for anything that may look at many rows. */
  read: Reader;
  /** Answers the questions on one snapshot in the read worker. Throws `overloaded` when its queue is full. */
  scan(queries: Statement[]): Promise<Row[][]>;
  /**
   * Reads where writes go, so that whatever was acknowledged is seen, whoever wrote it: for what is personal, and for
   * what a write is planned by. On a node each question is a round trip to the primary, and `work` begins anew with every
   * answer, so it must do nothing but ask. Throws `unreachable` when the primary does not answer in time.
   */
  onPrimary<T>(work: (primary: Readable) => T | Promise<T>): Promise<T>;
  /**
   * Commits the statements together or not at all; resolves when they are durable. Throws `DatabaseError`. A write id
   * is recorded with the effect, so that an unknown outcome can be asked for: such a write is tried again by itself.
   */
  write(statements: Statement[], writeId?: string): Promise<WriteResult[]>;
  writeQueue(): WriteQueueState;
  /** How new the writes of this process have made the shop, as far as the read door may not show it yet. */
  written(): Position | null;
  /** Waits for writes under way, checkpoints the log and closes every handle. */
  close(): Promise<void>;
};
