// Maps anything thrown to a `Problem`, with one table of the database's constraints for every backing.
import { DatabaseError } from "../../db/errors.ts";
import type { Log } from "../log.ts";
import { maskAddress, maskMessage } from "./mask.ts";
import { Problem, type ProblemType, problemResponse } from "./problems.ts";

type Rule = { type: ProblemType; pointer: string; detail: string };

const rule = (type: ProblemType, pointer: string, detail: string): Rule => ({ type, pointer, detail });
const taken = rule("conflict", "/shoe_id", "is taken");

// By kind and column; the column of a CHECK comes without its table.
const RULES: Record<string, Rule> = {
  "unique shoes.shoe_id": taken,
  "unique shoes.slug": taken,
  "unique idempotency.key": rule(
    "request-under-way",
    "",
    "the first request with this Idempotency-Key is still running",
  ),
  "unique sizes.size": rule("conflict", "/sizes", "has a size twice"),
  "unique facets.key": rule("conflict", "/name", "is taken"),
  "unique users.email_key": rule("conflict", "/email", "is taken"),
  "check stock": rule("out-of-stock", "/stock", "must stay from 0 to 1000000"),
  "check price_cents": rule("invalid-request", "/price", "must be above 0 and at most 1000000"),
  "check list_price_cents": rule("invalid-request", "/listPrice", "must be above 0 and at most 1000000"),
  "check title": rule("invalid-request", "/title", "must have 1 to 300 characters"),
};

const RETRY = { "retry-after": "1" };
/** A machine does not mend within a second; the write queue itself tries every second. */
const RETRY_LATER = { "retry-after": "10" };
const UNWRITABLE =
  "the shop cannot write at the moment: nothing was changed, and the request is not the reason";
const FAILED = "the server failed";

/** The problem of anything thrown; `subject` names the record of the write. An unexpected error is hidden from the client. */
export function toProblem(thrown: unknown, subject = ""): Problem {
  if (thrown instanceof Problem) return thrown;
  if (!(thrown instanceof DatabaseError)) return new Problem("internal-error", FAILED);
  const { kind, columns } = thrown;
  switch (kind) {
    case "unique":
    case "check":
      return broken(kind, columns, subject);
    case "reference":
      return new Problem(
        "not-found",
        subject === "" ? "it refers to a record that does not exist" : `${subject} does not exist`,
      );
    case "overloaded":
    case "busy":
    case "closed":
    case "failed":
    case "unreachable":
      return new Problem("unavailable", "the shop is busy", [], RETRY);
    case "unwritable":
      return new Problem("unavailable", UNWRITABLE, [], RETRY_LATER);
    case "abandoned":
      // Nobody receives it; as a 4xx it is logged and counted as a hang-up.
      return new Problem("invalid-request", "the connection was closed before the answer");
    case "uncertain":
      return new Problem("outcome-unknown", "the write may or may not be committed", [], RETRY);
    default:
      return new Problem("internal-error", FAILED);
  }
}

/** The response to a request that threw; an unexpected error is logged under the id of the request. */
export function problemOf(thrown: unknown, pathname: string, requestId: string, log: Log): Response {
  const problem = toProblem(thrown);
  if (problem.type === "internal-error")
    log.error("unexpected error", {
      requestId,
      error: maskMessage(thrown instanceof Error ? (thrown.stack ?? "") : String(thrown)),
    });
  return problemResponse(problem, maskAddress(pathname), requestId, new Date());
}

function broken(kind: "unique" | "check", columns: string[], subject: string): Problem {
  const known = columns
    // SQLite names the column of a wrong type with its table, that of a broken CHECK without it.
    .map((column) => RULES[`${kind} ${kind === "check" ? column.replace(/^\w+\./, "") : column}`])
    .find((each) => each !== undefined);
  if (!known) return new Problem("conflict", "it conflicts with existing data");
  const name = subject === "" ? known.pointer.slice(1) : `${known.pointer.slice(1)} ${subject}`;
  return new Problem(known.type, `${name} ${known.detail}`, [
    { pointer: known.pointer, detail: known.detail },
  ]);
}
