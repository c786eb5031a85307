// Answers of the door that are not a room's: an error as JSON, always with a constant message.
import type { DatabaseErrorKind } from "../../../db/errors.ts";
import type { DoorError } from "../../../db/server/door-protocol.ts";

/** Nothing was done for a request that is refused. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    readonly status: number,
    readonly kind: DatabaseErrorKind,
    message: string,
  ) {
    super(message);
  }
}

/** The refusal as a response. */
export function refuse(
  status: number,
  kind: DatabaseErrorKind,
  message: string,
  headers: Record<string, string> = {},
): Response {
  const error: DoorError = { kind, message, columns: [] };
  return Response.json(error, { status, headers });
}
