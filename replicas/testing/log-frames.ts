// Answers of sqld to requests for the log, made up byte by byte.

/** A frame without its page, as in the log. */
const HEADER_BYTES = 24;
const PAGE_AT = 16;
const COMMIT_PAGES_AT = 20;
const BYTES_TAG = 0x0a;
const TIME_TAG = 0x10;
const TRAILERS_FLAG = 0x80;
const A_TIME = 1_764_000_000_000;

type FrameParts = { page?: number; commitPages?: number; pageBytes?: number };

/** A frame of a page; with `commitPages` the last one of a commit, which has a time too. */
export function frameOf(
  number: number,
  { page = 1, commitPages = 0, pageBytes = 0 }: FrameParts = {},
): Buffer {
  const data = Buffer.alloc(HEADER_BYTES + pageBytes);
  data.writeBigUInt64LE(BigInt(number));
  data.writeUInt32LE(page, PAGE_AT);
  data.writeUInt32LE(commitPages, COMMIT_PAGES_AT);
  const time = commitPages > 0 ? [TIME_TAG, ...varint(A_TIME)] : [];
  return field(Buffer.concat([field(data), Buffer.from(time)]));
}

/** A whole answer with these frames and trailers; `flag` is that of its message. */
export function answerOf(
  frames: Uint8Array[],
  trailers = "grpc-status:0\r\n",
  flag = 0,
): Uint8Array<ArrayBuffer> {
  const message = Buffer.concat(frames);
  const parts = [
    prefix(flag, message.length),
    message,
    prefix(TRAILERS_FLAG, trailers.length),
    Buffer.from(trailers),
  ];
  return new Uint8Array(Buffer.concat(parts));
}

/** A whole number as the protocol writes it. */
export const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];

const field = (bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([BYTES_TAG, ...varint(bytes.length)]), bytes]);

function prefix(flag: number, length: number): Buffer {
  const bytes = Buffer.alloc(5, flag);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}
