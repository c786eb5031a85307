// Prepared statements are kept up to a limit, and a handle has the settings that the shop needs.
import { expect, test } from "bun:test";
import { openHandle, preparedStatements } from "./reader.ts";

const CACHE_KB = 1_234;
const STATEMENTS_MAX = 500;

test("a statement is prepared once, and only so many are kept", () => {
  const handle = openHandle(":memory:", CACHE_KB);
  const prepare = preparedStatements(handle);
  const first = prepare("SELECT 0");
  for (let index = 1; index < STATEMENTS_MAX; index += 1) prepare(`SELECT ${index}`);
  expect(prepare("SELECT 0")).toBe(first);
  prepare("SELECT 'one more'");
  expect(prepare("SELECT 0")).not.toBe(first);
  handle.close();
});

test("a handle enforces foreign keys and has the page cache it was given", () => {
  const handle = openHandle(":memory:", CACHE_KB);
  const read = (name: string) => handle.prepare(`PRAGMA ${name}`).raw(true).get([]);
  expect(["foreign_keys", "cache_size", "busy_timeout"].map(read)).toEqual([[1], [-CACHE_KB], [5_000]]);
  handle.close();
});
