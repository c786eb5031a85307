// Cursors: a cursor of the same list is read, any other text is refused.
import { expect, test } from "bun:test";
import { decodeCursor, encodeCursor } from "./cursor.ts";

test.each<[string, string | number, number, number]>([
  ["newest", 0, 77, 0],
  ["price_asc", 12_999, 1, 0],
  ["name", 'Ünï "quoted" \u0000 名', 9, 0],
  ["relevance", 0, 0, 1_980],
])("%s %p %d %d is read as it was written", (sort, value, id, offset) => {
  const text = encodeCursor(sort, value, id, offset);
  expect(text).toMatch(/^[\w-]+$/);
  expect(decodeCursor(text, sort)).toEqual({ value, id, offset, text });
});

const raw = (json: string) => Buffer.from(json).toString("base64url");
const good = encodeCursor("newest", 0, 5, 0);
test.each([
  ["of another sort", encodeCursor("name", "a", 5, 0)],
  ["empty", ""],
  ["not base64", "%%%"],
  ["not JSON", raw("nothing")],
  ["not a list", raw('{"0":"newest"}')],
  ["too short", raw('["newest",0,5]')],
  ["too long", raw('["newest",0,5,0,0]')],
  ["with a fraction", raw('["newest",0,5.5,0]')],
  ["with a negative id", raw('["newest",0,-5,0]')],
  ["with a huge id", raw('["newest",0,1e300,0]')],
  ["with an object as value", raw('["newest",{},5,0]')],
  ["with a huge value", raw('["newest",1e300,5,0]')],
  ["with an offset past its bound", raw('["newest",0,5,100001]')],
  ["in another spelling", raw('["newest", 0, 5, 0]')],
  ["padded", `${good}==`],
  ["far too long", "A".repeat(5_000)],
])("one %s is refused", (_, text) => {
  expect(decodeCursor(text, "newest")).toBeNull();
});
