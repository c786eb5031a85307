// Cache keys, and other spellings of them.
import { expect, test } from "bun:test";
import { keyOfUrl, openSpellings } from "./key.ts";

test.each([
  ["http://127.0.0.1:3000/api/shoes/a1", "shoes/a1"],
  ["https://shop.example/v1/shoes?limit=2", "shoes?limit=2"],
  ["http://h/images/a1.svg?v=1", "/images/a1.svg?v=1"],
  ["http://h/", "/"],
  ["http://h/apiary/x", "/apiary/x"],
])("%s has the key %s", (url, key) => expect(keyOfUrl(url)).toBe(key));

test("a spelling is noted, unless it is long or the key itself; thousands of others evict it", () => {
  const spellings = openSpellings();
  spellings.note("shoes?page=1", "shoes");
  expect(spellings.keyOf("shoes?page=1")).toBe("shoes");
  spellings.note("shoes", "shoes");
  expect(spellings.keyOf("shoes")).toBeUndefined();
  const long = `shoes?q=${"a".repeat(300)}`;
  spellings.note(long, "shoes?q=a");
  expect(spellings.keyOf(long)).toBeUndefined();
  for (let made = 0; made < 3_000; made += 1) spellings.note(`shoes?x=${made}`, "shoes");
  expect(spellings.keyOf("shoes?page=1")).toBeUndefined();
  expect(spellings.keyOf("shoes?x=2999")).toBe("shoes");
});
