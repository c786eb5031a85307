// What nodes and commands send to the primary's door, and what it answers: paths, bodies and errors, as JSON over HTTP.
import type { Position } from "../database.ts";
import type { DatabaseErrorKind } from "../errors.ts";
import type { Cell } from "./pipeline.ts";

/**
 * The paths. Reading tokens open `dataset`, `waiting` and replication; writing tokens open all. A bare libSQL server answers 404
 * to those of the door, and the door answers 404 to the server's `/v2/pipeline` and `/v3/pipeline` outside `migrations`.
 */
export const DOOR = {
  /** GET: `DatasetReply`, as the server holds it now. */
  dataset: "/dataset",
  /** POST `CommitRequest`: `CommitReply`. */
  commit: "/v1/commit",
  /** POST `QueryRequest`: `QueryReply`. */
  query: "/v1/query",
  /** POST `Position`: 204; a node's requests wait for this version, so its held request is let go within 50 ms. */
  waiting: "/v1/waiting",
  /** The address for `@libsql/client`, which has the server to itself from its first request to the end of its stream. */
  migrations: "/migrations",
} as const;

/** The door holds a request for the log this long while there is no news, and looks once more before it answers. */
export const HOLD_MS = 1_000;

/** The token stands in `authorization: Bearer`; in replication in `x-authorization: Bearer`. */
export type DatasetReply = { id: string; generation: string };

export type WireStatement = { sql: string; args: Cell[] };

/** A write of a node: its statements are done together or not at all; where it has a `writeId` the door records that with them. */
export type WireMember = { writeId: string | null; statements: WireStatement[] };

/**
 * `dataset`: the only one that may be written, `null` accepts any. `waitMs`: a member that was not sent to the server by then is
 * refused as `busy`, and was not done.
 */
export type CommitRequest = { dataset: string | null; waitMs: number; members: WireMember[] };

export type WireOutcome =
  | { ok: true; results: { changes: number; rows: Cell[][] }[] }
  | ({ ok: false } & DoorError);

/** The outcome of each member in their order; `position` is at least as new as each of them. */
export type CommitReply = { outcomes: WireOutcome[]; position: Position | null };

/** Queries on one snapshot; they can change nothing. */
export type QueryRequest = { dataset: string | null; waitMs: number; queries: WireStatement[] };

/** The rows of each query, in their order. */
export type QueryReply = { rows: Cell[][][] };

/** The body of every answer that is not 2xx, and of a member that was not done; `columns` as in `DatabaseError`. */
export type DoorError = { kind: DatabaseErrorKind; message: string; columns: string[] };
