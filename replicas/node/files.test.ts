// Which file a node reads, on real files: its replica, the last good copy, or none.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../db/must.ts";
import { openHandle } from "../../db/read/reader.ts";
import { expectRefusal } from "../../db/testing/contract-parts.ts";
import { migratedTemplate } from "../../db/testing/server.ts";
import { datasetOfFile, storeDataset, storedDataset } from "../dataset.ts";
import { type Files, openFiles } from "./files.ts";
import { goodCopyOf, removeReplica } from "./good-copy.ts";

const root = mkdtempSync(join(tmpdir(), "insole-files-"));
const template = migratedTemplate(root);
const ours = must(datasetOfFile(template), "the dataset of the template");
let folders = 0;
let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(root, `${++folders}-`)), "replica.db");
});
afterAll(() => rmSync(root, { recursive: true }));

/** Runs SQL in a file through a handle of its own, as the sync thread changes a replica. */
function change(file: string, sql: string): void {
  const handle = openHandle(file, 100);
  handle.exec(sql);
  handle.close();
}

/** Creates a complete replica of our dataset; `name` is its only word. */
function createReplica(name: string): void {
  copyFileSync(template, path);
  change(path, `INSERT INTO words (word) VALUES ('${name}')`);
  storeDataset(path, ours);
}

/** Creates a good copy of our dataset; `name` is its only word. */
function createGoodCopy(name: string): void {
  copyFileSync(template, goodCopyOf(path));
  change(goodCopyOf(path), `INSERT INTO words (word) VALUES ('${name}')`);
}

const words = (files: Files) => files.readable().read.all<[string]>("SELECT word FROM words").flat();
const refusal = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (thrown) {
    return thrown;
  }
};

test("a complete replica is read, and a refresh moves on to its newest change", async () => {
  createReplica("replica");
  const files = openFiles(path, null);
  expect([files.isServing(), files.isGoodCopy(), files.dataset()]).toEqual([true, false, ours]);
  const before = must(files.position(), "the position of the replica").seq;
  change(path, "INSERT INTO changes (kind) VALUES ('session')");
  expect(files.refresh()).toBe(true);
  expect(files.position()?.seq).toBe(before + 1);
  expect(words(files)).toEqual(["replica"]);
  await files.close();
});

test.each([
  ["another dataset", "UPDATE dataset SET id = 'another'"],
  ["no dataset", "DELETE FROM dataset"],
  ["a database without our tables", "DROP TABLE dataset"],
])("with %s in the replica the last good copy is read, and no new row of the replica", async (_name, sql) => {
  createReplica("replica");
  createGoodCopy("good copy");
  const files = openFiles(path, ours);
  change(path, `UPDATE words SET word = 'foreign'; ${sql}`);
  expect(files.refresh()).toBe(false);
  expect(words(files)).toEqual(["good copy"]);
  expect([files.isServing(), files.isGoodCopy(), files.dataset()]).toEqual([true, true, ours]);
  // It stays so at each sync, until the replica holds our dataset again.
  expect(files.refresh()).toBe(false);
  expect(words(files)).toEqual(["good copy"]);
  removeReplica(path);
  copyFileSync(template, path);
  expect(files.refresh()).toBe(true);
  expect([files.isGoodCopy(), words(files)]).toEqual([false, []]);
  await files.close();
});

test("with another dataset in the replica and no good copy nothing is read", async () => {
  createReplica("replica");
  const files = openFiles(path, ours);
  change(path, "UPDATE dataset SET id = 'another'");
  expect(files.refresh()).toBe(false);
  expectRefusal(
    refusal(() => files.readable()),
    "unreachable",
  );
  expect([files.isServing(), files.position(), files.refresh()]).toEqual([false, null, false]);
  await files.close();
});

test("a good copy of another dataset is not read", async () => {
  createReplica("replica");
  createGoodCopy("foreign");
  change(goodCopyOf(path), "UPDATE dataset SET id = 'another'");
  const files = openFiles(path, ours);
  change(path, "UPDATE dataset SET id = 'another'");
  expect(files.refresh()).toBe(false);
  expect(files.isServing()).toBe(false);
  await files.close();
});

test("a replica whose first sync was not complete is removed, and read once it is complete", async () => {
  copyFileSync(template, path);
  const files = openFiles(path, ours);
  expect([existsSync(path), files.isServing()]).toEqual([false, false]);
  expect(files.refresh()).toBe(false);
  copyFileSync(template, path);
  expect([files.refresh(), files.isServing(), storedDataset(path)]).toEqual([true, true, ours]);
  await files.close();
});

test("a replica that holds another dataset at the start is removed, and the good copy is read", async () => {
  createReplica("foreign");
  change(path, "UPDATE dataset SET id = 'another'");
  createGoodCopy("good copy");
  const files = openFiles(path, ours);
  expect([existsSync(path), files.isGoodCopy(), words(files)]).toEqual([false, true, ["good copy"]]);
  await files.close();
});
