// The import as a process of its own on a real database: its output, and the catalogue after kill -9.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHandle } from "../../db/read/reader.ts";
import { booksOf } from "../testing/books.ts";

const COMMAND = join(import.meta.dir, "command.ts");
const ROWS = 12_000;
const KILLS = 3;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "insole-import-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (file: string, dataDir: string) =>
  Bun.spawn([process.execPath, COMMAND, file], {
    env: { PATH: process.env.PATH ?? "", DATA_DIR: dataDir },
    stdout: "pipe",
    stderr: "pipe",
  });

async function run(file: string, dataDir: string): Promise<{ exitCode: number; stdout: string }> {
  const child = start(file, dataDir);
  const stdout = await new Response(child.stdout).text();
  return { exitCode: await child.exited, stdout };
}

function query(dataDir: string, sql: string): unknown[] {
  const handle = openHandle(join(dataDir, "insole.db"), 2_048);
  try {
    return handle.prepare(sql).raw(true).all([]).flat() as unknown[];
  } finally {
    handle.close();
  }
}

test("ids in related lists without a shoe are reported and stored until the shoe exists", async () => {
  const dataDir = join(folder, "related");
  const first = join(folder, "first.ndjson");
  const second = join(folder, "second.ndjson");
  writeFileSync(
    first,
    '{"id":"a","title":"A","price":10,"related":["b","c"]}\n{"id":"d","title":"D","price":10,"related":["c"]}\n',
  );
  writeFileSync(second, '{"id":"b","title":"B","price":10}\n{"id":"c","title":"C","price":10}\n');
  expect((await run(first, dataDir)).stdout).toContain("2 related ids have no shoe yet");
  expect(query(dataDir, "SELECT list FROM related WHERE shoe_id = 'a'")).toEqual(['["b","c"]']);
  expect((await run(second, dataDir)).stdout).not.toContain("related ids");
});

test("killed at any point it leaves a valid catalogue, which a second run completes", async () => {
  const dataDir = join(folder, "killed");
  const file = join(folder, "many.csv");
  const row = (number: number) =>
    `k${number},Shoe ${number} of the kind ${number % 97},${20 + (number % 80)}.99,Brand ${number % 7},Running`;
  writeFileSync(
    file,
    `id,title,price,brand,category\n${Array.from({ length: ROWS }, (_, index) => row(index)).join("\n")}\n`,
  );
  let savedShoes = 0;
  // Three times, or fewer where an import ends before it can be killed.
  for (let kill = 0; kill < KILLS && savedShoes < ROWS; kill += 1) {
    const child = start(file, dataDir);
    // Killed as soon as more is saved than before, so that each kill comes at a later moment.
    while (child.exitCode === null && count(dataDir) <= savedShoes) await Bun.sleep(2);
    child.kill("SIGKILL");
    await child.exited;
    expect(count(dataDir)).toBeGreaterThan(savedShoes);
    savedShoes = count(dataDir);
    expect(query(dataDir, "PRAGMA integrity_check")).toEqual(["ok"]);
    expect(query(dataDir, "SELECT bulk FROM dataset")).toEqual([0]);
    expect(query(dataDir, "SELECT shoes FROM facets WHERE kind = 'all'")).toEqual([savedShoes]);
  }
  const { exitCode, stdout } = await run(file, dataDir);
  expect(exitCode).toBe(0);
  const [, added, unchanged] =
    /Read 12000 = (\d+) added \+ 0 replaced \+ (\d+) unchanged \+ 0 dup/.exec(stdout) ?? [];
  expect([Number(added) + Number(unchanged), Number(unchanged)]).toEqual([ROWS, savedShoes]);
  expect(query(dataDir, "SELECT count(*) FROM related_pending")).toEqual([0]);
  expect(query(dataDir, "SELECT count(*) FROM related")).toEqual([ROWS]);
  expect(await booksOf(join(dataDir, "insole.db"))).toEqual([]);
}, 60_000);

/** Shoes in the database file; 0 before it exists. */
function count(dataDir: string): number {
  try {
    return Number(query(dataDir, "SELECT count(*) FROM shoes")[0]);
  } catch {
    return 0;
  }
}
