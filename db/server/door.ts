// The client of a primary's door: commits of members with their write ids, and queries, each one request.
import type { Row, Statement, WriteResult } from "../database.ts";
import { DatabaseError, toDatabaseError } from "../errors.ts";
import { messageOf } from "../message.ts";
import type { Outcome } from "../write/commit.ts";
import { toCell, toRow } from "./cells.ts";
import {
  type CommitReply,
  type CommitRequest,
  DOOR,
  type DoorError,
  type QueryReply,
  type QueryRequest,
  type WireMember,
  type WireOutcome,
  type WireStatement,
} from "./door-protocol.ts";
import type { Committed } from "./hrana.ts";
import type { Server } from "./pipeline.ts";
import { refusalOfStatus, sendTo, UnknownPath } from "./request.ts";

export type DoorClient = {
  /**
   * Commits the members, each of which records its write id first where it has one. The door refuses what it could not send to the
   * server in time, as `busy`, before `ms` are over. Throws `busy`, `unreachable` and `failed` when nothing was done, and
   * `uncertain` when no answer came within `ms`.
   */
  commit(members: Statement[][], writeIds: (string | undefined)[], ms: number): Promise<Committed>;
  /** Runs the queries on one snapshot and returns the rows of each. Throws `unreachable` when no answer comes within `ms`. */
  query(queries: Statement[], ms: number): Promise<Row[][]>;
};

/** The time that an answer of the door has left when the door gives up waiting for the server. */
const ANSWER_MS = 200;

const RECORDED: WriteResult = { changes: 1, rows: [] };

/** How long a door may wait with a request whose client gives up after `ms`. */
const waitMsOf = (ms: number): number => Math.floor(ms - Math.min(ANSWER_MS, ms / 4));

/** Opens the client; nothing is sent before its first use. */
export function openDoorClient(server: Server): DoorClient {
  const dataset = () => server.dataset?.() ?? null;
  return {
    async commit(members, writeIds, ms) {
      const body: CommitRequest = {
        dataset: dataset(),
        waitMs: waitMsOf(ms),
        members: members.map((statements, index) => toWireMember(statements, writeIds[index])),
      };
      const { outcomes, position } = await ask<CommitReply>(server, DOOR.commit, body, ms);
      return {
        outcomes: outcomes.map((outcome, index) => toOutcome(outcome, writeIds[index])),
        position,
      };
    },
    async query(queries, ms) {
      const body: QueryRequest = { dataset: dataset(), waitMs: waitMsOf(ms), queries: queries.map(toWire) };
      try {
        const { rows } = await ask<QueryReply>(server, DOOR.query, body, ms);
        return rows.map((each) => each.map(toRow));
      } catch (thrown) {
        // A query changes nothing and can be repeated.
        const error = toDatabaseError(thrown);
        throw error.kind === "uncertain" ? new DatabaseError("unreachable", error.message) : error;
      }
    },
  };
}

/** The error of an answer that is not 2xx, by its body or else its status; `uncertain` where neither tells. */
export async function errorOf(response: Response): Promise<DatabaseError> {
  const { status } = response;
  if (status === 404) return new UnknownPath();
  const body = await response.json().catch(() => null);
  if (isDoorError(body)) return new DatabaseError(body.kind, body.message, body.columns);
  if (status === 413) return new DatabaseError("failed", "the primary refuses a request of this size");
  return refusalOfStatus(status) ?? new DatabaseError("uncertain", `the primary answered ${status}`);
}

/** Posts the body; resolves with the reply. A door that dies while it answers leaves half of it: the outcome is unknown. */
async function ask<Reply>(server: Server, path: string, body: unknown, ms: number): Promise<Reply> {
  const response = await sendTo(server, path, { method: "POST", body, signal: AbortSignal.timeout(ms) });
  if (!response.ok) throw await errorOf(response);
  try {
    return (await response.json()) as Reply;
  } catch (thrown) {
    throw new DatabaseError("uncertain", messageOf(thrown));
  }
}

const isDoorError = (body: unknown): body is DoorError =>
  typeof body === "object" &&
  body !== null &&
  "kind" in body &&
  typeof body.kind === "string" &&
  "message" in body &&
  typeof body.message === "string";

const toWire = ({ sql, args = [] }: Statement): WireStatement => ({ sql, args: args.map(toCell) });

/** Without the statement that records the write id: the door does that by itself. */
const toWireMember = (statements: Statement[], writeId: string | undefined): WireMember =>
  writeId === undefined
    ? { writeId: null, statements: statements.map(toWire) }
    : { writeId, statements: statements.slice(1).map(toWire) };

/** With the result of that statement, where there is one. */
function toOutcome(outcome: WireOutcome, writeId: string | undefined): Outcome {
  if (!outcome.ok) return outcome;
  const results = outcome.results.map(({ changes, rows }) => ({ changes, rows: rows.map(toRow) }));
  return { ok: true, results: writeId === undefined ? results : [RECORDED, ...results] };
}
