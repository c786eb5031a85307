// The dataset of a folder: created once, refused where it is missing, empty or foreign, and restored as another generation.
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openHandle } from "../../db/read/reader.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { openScratch } from "../testing/primary.ts";
import { checkDataset, databaseFile, initDataset, readDataset, restoreDataset } from "./dataset.ts";
import { readKeys } from "./keys.ts";
import { lockFolder } from "./lock.ts";

const scratch = openScratch();
afterAll(scratch.remove);

let folderCount = 0;
let folders = { data: "", keys: "" };
beforeEach(() => {
  folderCount += 1;
  folders = { data: join(scratch.path, `${folderCount}`), keys: join(scratch.path, `${folderCount}-keys`) };
});

/** A shop's file with a mark, by which a copy is recognised. */
function shopFile(name: string): string {
  const path = join(scratch.path, name);
  migrate(path);
  const handle = openHandle(path, 256);
  handle.exec("CREATE TABLE mark (text TEXT) STRICT; INSERT INTO mark VALUES ('here')");
  return path;
}

function cell(path: string, sql: string): unknown {
  const handle = openHandle(path, 256);
  return (handle.prepare(sql).raw(true).get([]) as unknown[])[0];
}

describe("--init", () => {
  test("creates a migrated database and its keys", () => {
    const { id, generation } = initDataset(folders);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(generation).toMatch(/^[0-9a-f]{8}$/);
    expect(readDataset(databaseFile(folders.data))).toEqual({ id, generation });
    expect(JSON.parse(readFileSync(join(folders.keys, "dataset.json"), "utf8"))).toEqual({ id });
    expect(statSync(join(folders.keys, "private.pem")).mode & 0o777).toBe(0o600);
    expect(readKeys(folders.keys).datasetId).toBe(id);
    expect(checkDataset(folders)).toEqual({ id, generation });
    expect(existsSync(join(folders.data, "making"))).toBe(false);
  });

  test("copies a file that is open, as the same dataset in another generation", () => {
    const from = shopFile("open.db");
    const before = readDataset(from);
    const after = initDataset(folders, from);
    expect(after.id).toBe(before?.id ?? "");
    expect(after.generation).not.toBe(before?.generation ?? "");
    expect(readDataset(from)).toEqual(before);
    expect(cell(databaseFile(folders.data), "SELECT text FROM mark")).toBe("here");
  });

  test("refuses a data folder and a keys folder that hold a dataset", () => {
    initDataset(folders);
    expect(() => initDataset(folders)).toThrow(/-keys holds the keys of a dataset already/);
    expect(() => initDataset({ ...folders, keys: `${folders.keys}-other` })).toThrow(
      /holds a dataset already/,
    );
    expect(existsSync(`${folders.keys}-other`)).toBe(false);
  });

  test("refuses a keys folder that has lost a file, and leaves the other one", () => {
    initDataset(folders);
    const key = readFileSync(join(folders.keys, "private.pem"), "utf8");
    rmSync(join(folders.keys, "dataset.json"));
    const other = { ...folders, data: `${folders.data}-other` };
    expect(() => initDataset(other)).toThrow(/-keys holds the keys of a dataset already/);
    expect(readFileSync(join(folders.keys, "private.pem"), "utf8")).toBe(key);
    expect(existsSync(other.data)).toBe(false);
  });

  test.each([
    ["missing.db", null],
    ["empty.db", ""],
    ["other.db", "this is no database at all, however long it may be"],
  ])("refuses to copy %s", (name, text) => {
    const from = join(scratch.path, name);
    if (text !== null) writeFileSync(from, text);
    expect(() => initDataset(folders, from)).toThrow(`${from} is not a shop's database: it holds no dataset`);
    expect(existsSync(databaseFile(folders.data))).toBe(false);
    expect(existsSync(from)).toBe(text !== null);
    expect(initDataset(folders).id).toHaveLength(32);
  });
});

test("created and restored data is one file in WAL mode, so that sqld's first start changes no mode", () => {
  const [WAL_WRITE, WAL_READ] = [18, 19];
  const modes = () => {
    const header = readFileSync(databaseFile(folders.data));
    return [header[WAL_WRITE], header[WAL_READ]];
  };
  initDataset(folders);
  const backup = join(scratch.path, "backup.db");
  const handle = openHandle(databaseFile(folders.data), 256);
  handle.exec(`VACUUM INTO '${backup}'`);
  handle.close();
  expect(modes()).toEqual([2, 2]);
  restoreDataset(folders, backup);
  expect(modes()).toEqual([2, 2]);
  expect(readdirSync(folders.data).toSorted()).toEqual(["before-restore", "dbs"]);
});

describe("the check before a start", () => {
  const refusal = (): string => {
    try {
      return checkDataset(folders).id;
    } catch (thrown) {
      return (thrown as Error).message;
    }
  };

  test("refuses missing data and empty data, with both ids", () => {
    const { id } = initDataset(folders);
    const sentence = `${folders.data} holds no dataset (id: none), but ${folders.keys} belongs to the dataset ${id}: name the right folders, or restore a copy with --restore`;
    const good = folders.data;
    folders.data = `${good}-nowhere`;
    expect(refusal()).toBe(sentence.replace(good, folders.data));
    expect(existsSync(folders.data)).toBe(false);
    folders.data = good;
    writeFileSync(databaseFile(good), "");
    expect(refusal()).toBe(sentence);
  });

  test("refuses a database of another kind", () => {
    initDataset(folders);
    const other = join(scratch.path, "kind", "dbs", "default", "data");
    mkdirSync(dirname(other), { recursive: true });
    openHandle(other, 256).exec("CREATE TABLE t (a) STRICT".replace("(a)", "(a TEXT)"));
    folders.data = join(scratch.path, "kind");
    expect(refusal()).toContain("holds no dataset (id: none)");
  });

  test("refuses a foreign dataset with both ids", () => {
    const own = initDataset(folders);
    const foreign = initDataset({ data: `${folders.data}-foreign`, keys: `${folders.keys}-foreign` });
    folders.data += "-foreign";
    expect(refusal()).toContain(`${folders.data} holds the dataset ${foreign.id}, but`);
    expect(refusal()).toContain(`belongs to the dataset ${own.id}`);
  });

  test("refuses keys that are incomplete or not a pair", () => {
    expect(refusal()).toContain("has no dataset.json: create a dataset with --init");
    initDataset(folders);
    initDataset({ data: `${folders.data}-b`, keys: `${folders.keys}-b` });
    writeFileSync(join(folders.keys, "public.pem"), readFileSync(join(`${folders.keys}-b`, "public.pem")));
    expect(refusal()).toBe(`private.pem and public.pem in ${folders.keys} are not a pair`);
    writeFileSync(join(folders.keys, "dataset.json"), "{}");
    expect(refusal()).toContain("names no dataset");
  });
});

describe("--restore", () => {
  test("restores a copy as another generation, without the old log, and keeps the data before", () => {
    const from = shopFile("backup.db");
    const first = initDataset(folders, from);
    const folder = dirname(databaseFile(folders.data));
    for (const name of ["wallog", "data-wal", "stats.json"]) writeFileSync(join(folder, name), "old");
    const second = restoreDataset(folders, from);
    expect(second.id).toBe(first.id);
    expect(second.generation).toMatch(/^[0-9a-f]{8}$/);
    expect(second.generation).not.toBe(first.generation);
    expect(checkDataset(folders)).toEqual(second);
    expect(cell(databaseFile(folders.data), "SELECT text FROM mark")).toBe("here");
    for (const name of ["wallog", "stats.json"]) expect(existsSync(join(folder, name))).toBe(false);
    expect(readFileSync(join(folders.data, "before-restore", "data-wal"), "utf8")).toBe("old");
    const again = restoreDataset(folders, databaseFile(folders.data));
    expect(readDataset(join(folders.data, "before-restore", "data"))).toEqual(second);
    expect(again.generation).not.toBe(second.generation);
  });

  test("restores data that is gone", () => {
    const from = shopFile("gone.db");
    initDataset(folders, from);
    folders.data += "-new-machine";
    expect(restoreDataset(folders, from).id).toBe(checkDataset(folders).id);
  });

  test("refuses a copy of another dataset, and changes nothing", () => {
    const own = initDataset(folders);
    const foreign = shopFile("foreign.db");
    expect(() => restoreDataset(folders, foreign)).toThrow(`belongs to the dataset ${own.id}`);
    expect(() => restoreDataset(folders, join(scratch.path, "nothing.db"))).toThrow("no dataset (id: none)");
    expect(checkDataset(folders)).toEqual(own);
  });
});

test("a folder is locked by one process at a time, and created for its user alone", () => {
  const first = lockFolder(folders.data);
  expect(first).toBeDefined();
  expect(statSync(folders.data).mode & 0o777).toBe(0o700);
  expect(lockFolder(folders.data)).toBeUndefined();
  first?.release();
  first?.release();
  const second = lockFolder(folders.data);
  expect(second).toBeDefined();
  second?.release();
});
