// File modes: databases and the shop's own folders are taken from other users, and nothing else is touched.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeFolder, preparePrivateFile } from "./private.ts";
import { migrate } from "./schema/migrate.ts";

const root = mkdtempSync(join(tmpdir(), "insole-modes-"));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
let folder = "";
beforeEach(() => {
  folder = join(root, String(++count));
  mkdirSync(folder);
  chmodSync(folder, 0o755);
});

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
const OWN = /^insole\.db/;

test("a database and SQLite's files beside it are taken from other users", () => {
  const path = join(folder, "insole.db");
  migrate(path);
  const files = ["", "-wal", "-shm", "-journal"].map((suffix) => path + suffix);
  for (const file of files) {
    if (file !== path) writeFileSync(file, "");
    chmodSync(file, 0o644);
  }
  expect(preparePrivateFile(path)).toEqual([]);
  expect(files.map(modeOf)).toEqual(["600", "600", "600", "600"]);
});

test.each([
  ["a text", "root:x:0:0::/root:/bin/sh\n"],
  ["an empty file", ""],
  ["the header alone, cut off", "SQLite format"],
])("%s keeps its mode and its content", (_name, content) => {
  const path = join(folder, "passwd");
  writeFileSync(path, content);
  chmodSync(path, 0o644);
  expect(preparePrivateFile(path)).toEqual([]);
  expect([modeOf(path), readFileSync(path, "utf8")]).toEqual(["644", content]);
});

test("a path that is a folder keeps its mode", () => {
  expect(preparePrivateFile(folder)).toEqual([]);
  expect(modeOf(folder)).toBe("755");
});

test("a missing folder is created for its user alone", () => {
  preparePrivateFile(join(folder, "a", "b", "insole.db"));
  expect([modeOf(join(folder, "a")), modeOf(join(folder, "a", "b"))]).toEqual(["700", "700"]);
});

test("a folder is closed if it holds nothing but the shop's files", () => {
  writeFileSync(join(folder, "insole.db"), "");
  writeFileSync(join(folder, "insole.db-wal"), "");
  expect(closeFolder(folder, OWN)).toBe(true);
  expect(modeOf(folder)).toBe("700");
});

test("a folder that users share stays as it is, also with the shop's files alone in it", () => {
  chmodSync(folder, 0o1777);
  writeFileSync(join(folder, "insole.db"), "");
  expect(closeFolder(folder, OWN)).toBe(true);
  expect(modeOf(folder)).toBe("1777");
});

test.each([
  ["an empty folder", []],
  ["a folder with another program's file", ["insole.db", "other.txt"]],
])("%s stays as it is", (_name, names: string[]) => {
  for (const name of names) writeFileSync(join(folder, name), "");
  expect(closeFolder(folder, OWN)).toBe(true);
  expect(modeOf(folder)).toBe("755");
});
