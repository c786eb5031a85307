// The bodies of commits and queries, whose length the door has bounded: their shapes, and the answers that are errors.
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler } from "@sinclair/typebox/compiler";
import type { Statement, Value } from "../../../../db/database.ts";
import { DatabaseError, type DatabaseErrorKind } from "../../../../db/errors.ts";
import { toValue } from "../../../../db/server/cells.ts";
import type {
  CommitRequest,
  DoorError,
  QueryRequest,
  WireStatement,
} from "../../../../db/server/door-protocol.ts";
import type { Cell } from "../../../../db/server/pipeline.ts";
import { Refusal, refuse } from "../refusal.ts";

const MEMBERS_MAX = 2_000;
const STATEMENTS_MAX = 1_000;
const QUERIES_MAX = 100;
const WAIT_MS_MAX = 600_000;
const WRITE_ID_CHARS_MAX = 200;

const cell = Type.Union([
  Type.Object({ type: Type.Literal("null") }),
  Type.Object({ type: Type.Literal("text"), value: Type.String() }),
  Type.Object({ type: Type.Literal("integer"), value: Type.String({ pattern: "^-?\\d{1,19}$" }) }),
  Type.Object({ type: Type.Literal("float"), value: Type.Number() }),
  Type.Object({ type: Type.Literal("blob"), base64: Type.String() }),
]);
const statement = Type.Object({ sql: Type.String(), args: Type.Array(cell) });
const dataset = Type.Union([Type.Null(), Type.String()]);
const waitMs = Type.Number({ minimum: 0, maximum: WAIT_MS_MAX });
const writeId = Type.Union([Type.Null(), Type.String({ minLength: 1, maxLength: WRITE_ID_CHARS_MAX })]);
const member = Type.Object({ writeId, statements: Type.Array(statement, { maxItems: STATEMENTS_MAX }) });
const commitShape = TypeCompiler.Compile(
  Type.Object({ dataset, waitMs, members: Type.Array(member, { minItems: 1, maxItems: MEMBERS_MAX }) }),
);
const queryShape = TypeCompiler.Compile(
  Type.Object({
    dataset,
    waitMs,
    queries: Type.Array(statement, { minItems: 1, maxItems: QUERIES_MAX }),
  }),
);

/** Reads the body of a commit. Throws `Refusal`. */
export const readCommit = (request: Request): Promise<CommitRequest> => read(request, commitShape);

/** Reads the body of queries. Throws `Refusal`. */
export const readQueries = (request: Request): Promise<QueryRequest> => read(request, queryShape);

async function read<T extends TSchema>(request: Request, shape: TypeCheck<T>): Promise<Static<T>> {
  const body: unknown = await request.json().catch(() => {
    throw new Refusal(400, "failed", "the body of the request is not JSON");
  });
  if (shape.Check(body)) return body;
  const [first] = shape.Errors(body);
  const field = first?.path.slice(1).replaceAll("/", ".") || "the body";
  throw new Refusal(400, "failed", `${field}: ${first?.message}`);
}

/** The statement with its values; whole numbers keep all digits. */
export const toStatement = ({ sql, args }: WireStatement): Statement => ({ sql, args: args.map(exactValue) });

function exactValue(from: Cell): Value {
  const value = toValue(from);
  return from.type === "integer" && !Number.isSafeInteger(value) ? BigInt(from.value) : value;
}

const STATUS: Partial<Record<DatabaseErrorKind, number>> = {
  busy: 503,
  overloaded: 503,
  unreachable: 503,
  closed: 503,
  unwritable: 503,
  uncertain: 504,
};
const FAULTY = 422;

/** The body that tells of an error. */
export const errorBody = ({ kind, message, columns }: DatabaseError): DoorError => ({
  kind,
  message,
  columns,
});

/** The answer that tells of an error. Throws what is none of the database. */
export function errorResponse(thrown: unknown): Response {
  if (thrown instanceof Refusal) return refuse(thrown.status, thrown.kind, thrown.message);
  if (!(thrown instanceof DatabaseError)) throw thrown;
  return Response.json(errorBody(thrown), { status: STATUS[thrown.kind] ?? FAULTY });
}
