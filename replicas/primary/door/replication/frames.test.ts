// Reading requests and answers of the replication protocol, also those that are cut off or are not what they seem.
import { describe, expect, test } from "bun:test";
import { answerOf, frameOf, varint } from "../../../testing/log-frames.ts";
import { framesIn, kindOf, offsetOf } from "./frames.ts";

const PAGE_BYTES = 4_096;
const NO_HEADERS = new Headers();
const aFrame = frameOf(3, { pageBytes: PAGE_BYTES });
const bytes = (...values: number[]) => new Uint8Array(values);

describe("the kind of an answer", () => {
  test.each([
    ["no message", answerOf([]), "empty"],
    ["a frame", answerOf([aFrame]), "frames"],
    ["an error in the trailers", answerOf([], "grpc-status:9\r\ngrpc-message:NO_HELLO\r\n"), "other"],
    ["a status that begins like none", answerOf([], "grpc-status:05\r\n"), "other"],
    ["no trailers", answerOf([]).subarray(0, 5), "other"],
    ["a message that is cut off", answerOf([aFrame]).subarray(0, 900), "other"],
    ["a compressed message", answerOf([aFrame], "grpc-status:0\r\n", 1), "other"],
    ["nothing", new Uint8Array(), "other"],
  ] as const)("with %s", (_, body, kind) => {
    expect(kindOf(200, NO_HEADERS, body)).toBe(kind);
  });

  test.each([
    ["an error in the headers", 200, { "grpc-status": "9" }],
    ["a compressed body", 200, { "content-encoding": "gzip" }],
    ["another status", 503, {}],
  ] as const)("with %s is not read", (_, status, headers) => {
    expect(kindOf(status, new Headers(headers), answerOf([]))).toBe("other");
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
  test("are read with their numbers, pages and commits", () => {
    const body = answerOf([frameOf(41, { page: 7 }), frameOf(42, { page: 8, commitPages: 9 })]);
    expect(framesIn(body)).toMatchObject([
      { number: 41, page: 7, commitPages: 0 },
      { number: 42, page: 8, commitPages: 9 },
    ]);
  });

  test.each([
    ["that goes back", [frameOf(2), frameOf(1)]],
    ["that comes twice", [frameOf(2), frameOf(2)]],
    ["of another field", [bytes(0x12, ...frameOf(2).subarray(1))]],
    ["that is too short for a header", [bytes(0x0a, 12, 0x0a, 10, ...new Array(10).fill(1))]],
    ["with data that is longer than it", [bytes(0x0a, 30, 0x0a, 40, ...new Array(40).fill(1))]],
  ])("are not read with one %s", (_, frames) => {
    expect(framesIn(answerOf(frames))).toBeNull();
  });

  test("are not read where the answer is cut off at any byte", () => {
    const whole = answerOf([frameOf(1), frameOf(2)]);
    for (let length = 5; length < whole.length - 20; length += 1)
      expect(framesIn(whole.subarray(0, length))).toBeNull();
  });
});
