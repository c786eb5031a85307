// What the door reads of the replication protocol (gRPC-web): the offset of a request, and whether an answer has frames.

/** `empty`: there is no news. `other`: an error, or a body that the door cannot read. */
export type AnswerKind = "frames" | "empty" | "other";

/** sqld puts at most this many frames into an answer; an answer with fewer holds all that there was. */
export const FRAMES_MAX = 1_024;

/** The flag byte and the length of a message or of the trailers. */
const PREFIX_BYTES = 5;
const TRAILERS_FLAG = 0x80;
const OFFSET_TAG = 0x08;
/** A field with a length: a frame in the message, and the data in a frame. */
const BYTES_TAG = 0x0a;
const FRAME_NUMBER_BYTES = 8;

/** Reads the kind of an answer to BatchLogEntries. */
export function kindOf(status: number, headers: Headers, body: Uint8Array): AnswerKind {
  const isReadable = status === 200 && !headers.has("content-encoding") && body.length >= PREFIX_BYTES;
  if (!isReadable || (headers.get("grpc-status") ?? "0") !== "0") return "other";
  const messageEnd = PREFIX_BYTES + lengthAt(body, 1);
  if (body[0] !== 0 || (body[messageEnd] ?? 0) < TRAILERS_FLAG) return "other";
  const trailers = Buffer.from(body.subarray(messageEnd + PREFIX_BYTES)).toString("latin1");
  if (!/^grpc-status: ?0\r?$/m.test(trailers)) return "other";
  return messageEnd === PREFIX_BYTES ? "empty" : "frames";
}

/** The first frame that a request asks for; 0 for a replica without any, `null` where the body is another message. */
export function offsetOf(body: Uint8Array): number | null {
  if (body.length === PREFIX_BYTES) return 0;
  return body[PREFIX_BYTES] === OFFSET_TAG ? varintAt(body, PREFIX_BYTES + 1).value : null;
}

/** The number of frames in an answer with frames, and the one that its replica asks for next. */
export function framesIn(body: Uint8Array): { count: number; next: number } {
  const end = PREFIX_BYTES + lengthAt(body, 1);
  let count = 0;
  let next = 0;
  for (let at = PREFIX_BYTES; at < end && body[at] === BYTES_TAG; count += 1) {
    const frame = varintAt(body, at + 1);
    const data = varintAt(body, frame.end + 1);
    next = numberAt(body, data.end) + 1;
    at = frame.end + frame.value;
  }
  return { count, next };
}

const viewOf = (body: Uint8Array): DataView => new DataView(body.buffer, body.byteOffset, body.byteLength);

const lengthAt = (body: Uint8Array, at: number): number => viewOf(body).getUint32(at);

const numberAt = (body: Uint8Array, at: number): number =>
  at + FRAME_NUMBER_BYTES <= body.length ? Number(viewOf(body).getBigUint64(at, true)) : 0;

function varintAt(body: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  for (let at = start, factor = 1; ; at += 1, factor *= 128) {
    const byte = body[at] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: at + 1 };
  }
}
