// The database as the rooms of the shop use it, the same on one file and on a node of the cluster.
import type { Outage, OutageReason } from "./write/outage.ts";

/** What SQLite can bind and return; whole numbers are bound as integers. */
export type Value = string | number | bigint | null | Uint8Array;

/** A row as a tuple, in the order of the selected columns. */
export type Row = Value[];

export type Statement = { sql: string; args?: Value[] };

/** What one statement of a write did: `rows` are those of its RETURNING clause. */
export type WriteResult = { changes: number; rows: Row[] };

/**
 * Synchronous reads, for queries that look at a bounded number of rows; each statement text is prepared once. They throw the
 * driver's error for a faulty query, and `DatabaseError`: `closed` after `close`, `unreachable` while there is nothing to read.
 */
export type Reader = {
  get<R extends Row = Row>(sql: string, ...args: Value[]): R | undefined;
  all<R extends Row = Row>(sql: string, ...args: Value[]): R[];
};

/** The state of the write queue, for operators. */
export type WriteQueueState = {
  /** Writes that wait for a group. */
  queued: number;
  /** Members of the last group. */
  groupSize: number;
  /** Commits so far, their members, and the time they took. */
  commits: number;
  members: number;
  commitMsTotal: number;
  lastCommitMs: number;
  /** Open: writes are refused at once, because commits keep failing. */
  breaker: "closed" | "open";
  /** Why writes fail now where the machine is the reason, else `null`. */
  outage: Outage | null;
  /** Writes that were not done because of the machine, by reason. */
  failures: Partial<Record<OutageReason, number>>;
};

/** The reading half of a database. */
export type Readable = Pick<Database, "read" | "scan">;

/** How new a copy of the data is: the newest change that it contains, and the generation of the dataset that counted it. */
export type Position = { generation: string; seq: number };

export type Database = {
  /** Whether writes, and queries of `onPrimary`, are round trips to another machine. */
  isRemote: boolean;
  /** Reads on the serving thread; use `scan` for queries that may look at many rows. */
  read: Reader;
  /**
   * Runs the queries on one snapshot in the read worker and resolves with the rows of each. Rejects with `DatabaseError`:
   * `overloaded` when the queue is full, `busy` when the worker ended meanwhile.
   */
  scan(queries: Statement[]): Promise<Row[][]>;
  /**
   * Reads where writes go, so that every acknowledged write of any process is seen: for personal data, and for planning a
   * write. On a node each query is a round trip to the primary, and `work` is run again after every answer, so it must do
   * nothing but read. Rejects with what `work` throws, and with `unreachable` when the primary does not answer in time.
   */
  onPrimary<T>(work: (primary: Readable) => T | Promise<T>): Promise<T>;
  /**
   * Commits the statements together or not at all; resolves with the result of each when they are durable. Rejects with
   * `DatabaseError`; the write may have been done only where its kind is `uncertain`. A write id is recorded with the effect:
   * after an unknown outcome the queue looks for it, and retries the write by itself where it was not done.
   */
  write(statements: Statement[], writeId?: string): Promise<WriteResult[]>;
  writeQueue(): WriteQueueState;
  /** The position of this process's newest write where `read` may not show it yet, else `null`. */
  written(): Position | null;
  /** Waits for writes under way, checkpoints the log and closes every handle. A second call waits for the first. */
  close(): Promise<void>;
};
