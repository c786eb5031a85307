// The log: levels, and lines in which nothing that a client sent can steer a terminal or pass for another line.
import { describe, expect, test } from "bun:test";
import { openLog, openSparseLog } from "./log.ts";

const HOSTILE = [
  "\u001b]0;title\u0007",
  "\u001b[2J\u001b[31m",
  "\u009b2J",
  "\u009d0;title\u009c",
  "\u0090q\u009c",
  "a\rb",
  "a\bb",
  "a\u0000b",
  "a\tb",
  "a\u007fb",
  "a\u2028b",
  "a\u202eb\u202c",
  "a\u2066b\u2069",
  "a\u200fb",
];
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
const UNSAFE = /[\0-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

function lineOf(format: "json" | "pretty", message: string, fields: Record<string, unknown> = {}): string {
  const lines: string[] = [];
  openLog("info", format, (line) => lines.push(line)).info(message, fields);
  expect(lines).toHaveLength(1);
  return lines.join("");
}

describe.each(["json", "pretty"] as const)("the %s format", (format) => {
  test.each(HOSTILE)("escapes %j", (text) => {
    for (const line of [
      lineOf(format, text),
      lineOf(format, "GET", { url: `http://shop/${text}` }),
      lineOf(format, "GET", { list: [text], inner: { text } }),
    ])
      expect(line).not.toMatch(UNSAFE);
  });
});

test("JSON keeps the values as they were", () => {
  for (const text of HOSTILE)
    expect(JSON.parse(lineOf("json", text, { text }))).toMatchObject({ message: text, text });
});

test("the lines of a stack are kept, and none begins as a line of the log does", () => {
  const line = lineOf("pretty", "unexpected error", {
    error: "Error: x\n12:00:00.000 info  GET url=/forged\n    at y",
  });
  const [first, ...later] = line.split("\n");
  expect(first).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}unexpected error error=Error: x$/);
  expect(later).toEqual(["    12:00:00.000 info  GET url=/forged", "        at y"]);
});

test("ordinary lines are what they were", () => {
  const fields = { url: "http://shop/é?q=한글", status: 200, ms: 1.5, none: null, missing: undefined };
  expect(lineOf("json", "GET", fields)).toEndWith(
    '"level":"info","message":"GET","url":"http://shop/é?q=한글","status":200,"ms":1.5,"none":null}',
  );
  expect(lineOf("pretty", "GET", fields)).toEndWith(
    " info  GET url=http://shop/é?q=한글 status=200 ms=1.5 none=null missing=",
  );
});

test("a line below the level is not written", () => {
  const lines: string[] = [];
  const log = openLog("warn", "json", (line) => lines.push(line));
  log.info("a");
  log.warn("b");
  log.error("c");
  expect(lines.map((line) => JSON.parse(line).message)).toEqual(["b", "c"]);
});

test("a sparse log has each message once a minute with the number left out, also after the clock was set back", () => {
  const fields: unknown[] = [];
  let ms = 10 * 60_000;
  const log = openSparseLog({ warn: (message, given) => fields.push([message, given]) }, () => ms);
  const at = (nextMs: number, message = "a") => {
    ms = nextMs;
    log.warn(message, { ms });
  };
  at(600_000);
  at(659_999);
  at(659_999, "b");
  at(660_000);
  at(60_000);
  at(61_000);
  at(120_000);
  expect(fields).toEqual([
    ["a", { ms: 600_000 }],
    ["b", { ms: 659_999 }],
    ["a", { ms: 660_000, leftOut: 1 }],
    ["a", { ms: 60_000 }],
    ["a", { ms: 120_000, leftOut: 1 }],
  ]);
});
