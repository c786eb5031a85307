// Reading requests and answers of the replication protocol, also those that are cut off or are not what they seem.
import { describe, expect, test } from "bun:test";
import { framesIn, kindOf, offsetOf } from "./frames.ts";

const FRAME_BYTES = 4_120;
const OK = "grpc-status:0\r\n";
const NO_HEADERS = new Headers();

const uint32 = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];

/** A frame as sqld sends it; the last one of a transaction has a time too. */
function frame(number: number, hasTime = false): number[] {
  const data = new Uint8Array(FRAME_BYTES);
  new DataView(data.buffer).setBigUint64(0, BigInt(number), true);
  const time = hasTime ? [0x10, ...varint(1_764_000_000_000)] : [];
  const inner = [0x0a, ...varint(data.length), ...data, ...time];
  return [0x0a, ...varint(inner.length), ...inner];
}

const answer = (message: number[], trailers = OK, flag = 0): Uint8Array<ArrayBuffer> =>
  new Uint8Array([
    flag,
    ...uint32(message.length),
    ...message,
    0x80,
    ...uint32(trailers.length),
    ...Buffer.from(trailers),
  ]);

describe("the kind of an answer", () => {
  test.each([
    ["no message", answer([]), "empty"],
    ["a frame", answer(frame(3)), "frames"],
    ["an error in the trailers", answer([], "grpc-status:9\r\ngrpc-message:NO_HELLO\r\n"), "other"],
    ["a status that begins like none", answer([], "grpc-status:05\r\n"), "other"],
    ["no trailers", answer([]).subarray(0, 5), "other"],
    ["a message that is cut off", answer(frame(3)).subarray(0, 900), "other"],
    ["a compressed message", answer(frame(3), OK, 1), "other"],
    ["nothing", new Uint8Array(), "other"],
  ] as const)("with %s", (_, body, kind) => {
    expect(kindOf(200, NO_HEADERS, body)).toBe(kind);
  });

  test.each([
    ["an error in the headers", 200, { "grpc-status": "9" }],
    ["a compressed body", 200, { "content-encoding": "gzip" }],
    ["another status", 503, {}],
  ] as const)("with %s is not read", (_, status, headers) => {
    expect(kindOf(status, new Headers(headers), answer([]))).toBe("other");
  });
});

describe("the offset of a request", () => {
  test.each([
    ["a replica without frames", [0, 0, 0, 0, 0], 0],
    ["one with few", [0, 0, 0, 0, 2, 0x08, 3], 3],
    ["one with many", [0, 0, 0, 0, 4, 0x08, ...varint(7_360)], 7_360],
    ["another message", [0, 0, 0, 0, 2, 0x10, 3], null],
  ] as const)("of %s", (_, body, offset) => {
    expect(offsetOf(new Uint8Array(body))).toBe(offset);
  });
});

describe("the frames of an answer", () => {
  test("are counted, and the one after them is next", () => {
    const numbers = [41, 42, 300];
    const message = numbers.flatMap((number) => frame(number, number === 300));
    expect(framesIn(answer(message))).toEqual({ count: 3, next: 301 });
  });

  test("end where the answer is cut off at any byte", () => {
    const whole = answer([...frame(1), ...frame(2)]);
    for (let bytes = 5; bytes < whole.length; bytes += 97)
      expect(framesIn(whole.subarray(0, bytes)).count).toBeLessThanOrEqual(3);
  });
});
