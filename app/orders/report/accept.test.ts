// Which of JSON and CSV a client gets, by its Accept header.
import { expect, test } from "bun:test";
import { preferredOf } from "./accept.ts";

const JSON_TYPE = "application/json";
const CSV = "text/csv";

test.each<[string | null, string]>([
  [null, JSON_TYPE],
  ["", JSON_TYPE],
  ["*/*", JSON_TYPE],
  ["application/json", JSON_TYPE],
  ["text/csv", CSV],
  ["TEXT/CSV", CSV],
  ["text/csv; charset=utf-8; header=present", CSV],
  ["text/*", CSV],
  ["application/*", JSON_TYPE],
  ["text/csv, */*", CSV],
  ["*/*, text/csv", CSV],
  ["text/csv;q=0.9, */*", JSON_TYPE],
  ["text/csv, application/json", JSON_TYPE],
  ["application/json, text/csv", JSON_TYPE],
  ["application/json;q=0.5, text/csv;q=0.6", CSV],
  ["application/json;q=0.600, text/csv;q=0.6", JSON_TYPE],
  ["application/json ; q=0.1 , text/csv ; q=0.2", CSV],
  ["text/csv;Q=0.2, application/json;Q=0.1", CSV],
  ["application/json;q=0, */*", CSV],
  ["text/csv;q=0, */*", JSON_TYPE],
  ["text/csv;q=0", JSON_TYPE],
  ["text/*;q=0, text/csv", CSV],
  ["text/csv;q=0, text/*", JSON_TYPE],
  // A browser's, and those that name no type of the report: never 406.
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON_TYPE],
  ["image/png", JSON_TYPE],
  ["text/csvx", JSON_TYPE],
  ["text", JSON_TYPE],
  ["csv", JSON_TYPE],
  ["text/csv;q=2", JSON_TYPE],
  ["text/csv;q=-1", JSON_TYPE],
  ["text/csv;q=0.0001", JSON_TYPE],
  ["text/csv;q=", JSON_TYPE],
  [";q=1,,text/csv", CSV],
  [`${"a/b,".repeat(2_000)}text/csv`, CSV],
])("Accept: %j is answered with %s", (accept, type) => {
  expect(preferredOf(accept, [JSON_TYPE, CSV])).toBe(type);
});
