// A hash of each table of a database file, so that a primary and a replica can be compared.
import type { Row, Value } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import { openHandle } from "../../../db/read/reader.ts";

/** The number of rows, and a hash of all of them in order. */
type Table = { rows: number; hash: string };
/** By table. */
export type Digest = Map<string, Table>;

/** Runs a query; rows are tuples. */
type RunQuery = (sql: string, ...args: Value[]) => Row[];

/** Read at once, so that a large table takes little memory. */
const PAGE_ROWS = 2_000;
const CACHE_KB = 4_096;
// Without the tables inside the search index: their bytes may differ, and the index itself is compared.
const TABLES = `SELECT name FROM sqlite_master AS t WHERE type = 'table' AND NOT EXISTS (
  SELECT 1 FROM sqlite_master AS v WHERE v.type = 'table' AND v.sql LIKE 'CREATE VIRTUAL TABLE%'
  AND t.name LIKE v.name || '\\_%' ESCAPE '\\'
) ORDER BY name`;
const KEYS = "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk";
const HAS_ROWID = "SELECT 1 FROM pragma_table_list WHERE name = ? AND schema = 'main' AND wr = 0";

function digestTable(query: RunQuery, table: string): Table {
  const hasRowid = query(HAS_ROWID, table).length > 0;
  const keys = query(KEYS, table).map(([key]) => `"${key}"`);
  const page = hasRowid
    ? `SELECT rowid, * FROM "${table}" ORDER BY rowid LIMIT ? OFFSET ?`
    : `SELECT * FROM "${table}" ORDER BY ${keys.join(", ")} LIMIT ? OFFSET ?`;
  const hash = new Bun.CryptoHasher("sha256");
  for (let rows = 0; ; ) {
    const some = query(page, PAGE_ROWS, rows);
    for (const row of some) hash.update(`${row.map(textOf).join("\u0000")}\u0001`);
    rows += some.length;
    if (some.length < PAGE_ROWS) return { rows, hash: hash.digest("hex") };
  }
}

/** A value with its type. */
const textOf = (value: Value): string =>
  value instanceof Uint8Array || (value as unknown) instanceof ArrayBuffer
    ? `blob ${Buffer.from(value as Uint8Array).toString("hex")}`
    : value === null
      ? "null"
      : typeof value === "string"
        ? `text ${value}`
        : `number ${value}`;

/** The digest of a database file, which another process may have open; no write may come meanwhile. */
export function digestOfFile(path: string): Digest {
  const handle = openHandle(path, CACHE_KB);
  const query: RunQuery = (sql, ...args) =>
    handle
      .prepare(sql)
      .raw(true)
      .all(args.map((arg) => (typeof arg === "number" ? BigInt(arg) : arg))) as Row[];
  try {
    return new Map(
      query(TABLES).map(
        ([name]) => [String(name), digestTable(query, String(name))] satisfies [string, Table],
      ),
    );
  } finally {
    handle.close();
  }
}

/** The digest of sqld's file, read by another process: a handle in this one would stay open beside sqld's for a while. */
export async function digestOfPrimary(path: string): Promise<Digest> {
  const reader = Bun.spawn([process.execPath, import.meta.path, path], { stderr: "inherit" });
  const text = await new Response(reader.stdout).text();
  if ((await reader.exited) !== 0) throw new Error(`${path} could not be read`);
  return new Map(JSON.parse(text) as [string, Table][]);
}

/** Names the tables in which two digests differ, with the rows of each; empty when they are equal. */
export function differences(here: Digest, there: Digest): string[] {
  return [...new Set([...here.keys(), ...there.keys()])]
    .filter((table) => here.get(table)?.hash !== there.get(table)?.hash)
    .map((table) => `${table} (${here.get(table)?.rows ?? "no"} rows, ${there.get(table)?.rows ?? "no"})`);
}

if (import.meta.main) {
  const digest = digestOfFile(must(process.argv[2], "the path of the file"));
  process.stdout.write(JSON.stringify([...digest]));
}
