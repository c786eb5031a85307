// The dataset of a token and of a file.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "../db/schema/migrate.ts";
import { datasetOfFile, datasetOfToken, expiryOfToken, storeDataset, storedDataset } from "./dataset.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-dataset-"));
afterAll(() => rmSync(folder, { recursive: true }));

const tokenOf = (claims: unknown): string =>
  `head.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.mac`;

test.each<[string, string | null, number | null]>([
  [tokenOf({ a: "ro", dataset: "abc", exp: 1_900_000_000 }), "abc", 1_900_000_000],
  [tokenOf({ a: "rw", dataset: "abc" }), "abc", null],
  [tokenOf({ dataset: 7 }), null, null],
  [tokenOf("text"), null, null],
  [tokenOf(null), null, null],
  ["", null, null],
  ["one.two", null, null],
  ["a.b.c", null, null],
])("the token %p", (token, dataset, end) => {
  expect([datasetOfToken(token), expiryOfToken(token)]).toEqual([dataset, end]);
});

test("only a migrated file has a dataset", () => {
  const path = join(folder, "a.db");
  expect(datasetOfFile(path)).toBeNull();
  writeFileSync(path, "not a database at all, but long enough to be taken for one".repeat(100));
  expect(datasetOfFile(path)).toBeNull();
  const good = join(folder, "good.db");
  migrate(good);
  expect(datasetOfFile(good)).toMatch(/^[0-9a-f]{32}$/);
});

test("the dataset that a node has served is stored beside its replica", () => {
  const path = join(folder, "replica.db");
  expect(storedDataset(path)).toBeNull();
  storeDataset(path, "abc");
  expect(storedDataset(path)).toBe("abc");
});
