// The supervisor's messages as lines of JSON, checked before the door believes them.
import { type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { DoorMessage } from "./messages.ts";

const shape = <T extends Record<string, TSchema>>(kind: string, fields: T) =>
  Type.Object({ kind: Type.Literal(kind), ...fields }, { additionalProperties: false });
const SHAPES: Record<DoorMessage["kind"], TSchema> = {
  open: shape("open", {
    listen: Type.String(),
    tls: Type.Union([Type.Null(), Type.Object({ cert: Type.String(), key: Type.String() })]),
  }),
  keys: shape("keys", {
    datasetId: Type.String({ minLength: 1 }),
    publicKeys: Type.Array(Type.String(), { minItems: 1 }),
    revoked: Type.Array(Type.String()),
  }),
  sqld: shape("sqld", { url: Type.String(), writeToken: Type.String(), readToken: Type.String() }),
  gone: shape("gone", {}),
  end: shape("end", {}),
};

/** Reads one line. Throws one sentence, which repeats nothing of the line, where it is no message. */
export function readMessage(line: string): DoorMessage {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    throw new Error("a line from the supervisor is not JSON");
  }
  const kind =
    typeof message === "object" && message !== null && "kind" in message ? String(message.kind) : "";
  const known = Object.hasOwn(SHAPES, kind) ? SHAPES[kind as DoorMessage["kind"]] : null;
  if (!known) throw new Error("a line from the supervisor is no message that the door knows");
  const wrong = Value.Errors(known, message).First();
  if (wrong)
    throw new Error(`a message from the supervisor (${kind}) is wrong at ${wrong.path || "its fields"}`);
  return message as DoorMessage;
}

/** The lines of a stream, without the last one if it is not ended. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
