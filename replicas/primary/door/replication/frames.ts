// What the door reads of the replication protocol (gRPC-web): the offset of a request, and the frames of an answer.

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
/** A frame's header: its number (8 bytes), a checksum (8), its page (4), the pages after a commit (4). */
const HEADER_BYTES = 24;
const PAGE_AT = 16;
const COMMIT_PAGES_AT = 20;

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

/**
 * A frame of the log in an answer: from `start` to `end` in the body, where its own header begins at `header`. `commitPages` is the
 * size of the database after the commit that the frame ends, 0 where it ends none.
 */
export type Frame = {
  start: number;
  end: number;
  header: number;
  number: number;
  page: number;
  commitPages: number;
};

/** Reads the frames of an answer with frames; `null` where it has anything that the door does not know. */
export function framesIn(body: Uint8Array): Frame[] | null {
  const messageEnd = PREFIX_BYTES + lengthAt(body, 1);
  const frames: Frame[] = [];
  for (let start = PREFIX_BYTES; start < messageEnd; ) {
    const frame = frameAt(body, start);
    if (frame === null || frame.end > messageEnd) return null;
    if (frame.number <= (frames.at(-1)?.number ?? -1)) return null;
    frames.push(frame);
    start = frame.end;
  }
  return frames;
}

function frameAt(body: Uint8Array, start: number): Frame | null {
  const outer = varintAt(body, start + 1);
  const data = varintAt(body, outer.end + 1);
  const [header, end] = [data.end, outer.end + outer.value];
  const isFrame = body[start] === BYTES_TAG && body[outer.end] === BYTES_TAG;
  if (!isFrame || data.value < HEADER_BYTES || header + data.value > end || end > body.length) return null;
  const view = viewOf(body);
  return {
    start,
    end,
    header,
    number: Number(view.getBigUint64(header, true)),
    page: view.getUint32(header + PAGE_AT, true),
    commitPages: view.getUint32(header + COMMIT_PAGES_AT, true),
  };
}

/** Writes what `Frame` calls `commitPages`. */
export const setCommitPages = (body: Uint8Array, header: number, pages: number): void =>
  viewOf(body).setUint32(header + COMMIT_PAGES_AT, pages, true);

/** The answer with another message before its trailers. */
export function withMessage(body: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const trailers = body.subarray(PREFIX_BYTES + lengthAt(body, 1));
  const changed = new Uint8Array(PREFIX_BYTES + message.length + trailers.length);
  viewOf(changed).setUint32(1, message.length);
  changed.set(message, PREFIX_BYTES);
  changed.set(trailers, PREFIX_BYTES + message.length);
  return changed;
}

const viewOf = (body: Uint8Array): DataView => new DataView(body.buffer, body.byteOffset, body.byteLength);

const lengthAt = (body: Uint8Array, at: number): number => viewOf(body).getUint32(at);

function varintAt(body: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  for (let at = start, factor = 1; ; at += 1, factor *= 128) {
    const byte = body[at] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: at + 1 };
  }
}
