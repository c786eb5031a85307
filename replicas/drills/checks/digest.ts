// A hash of each table of a database, so that a primary and a replica can be compared.
import type { Database, Row, Value } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import { openHandle } from "../../../db/read/reader.ts";

/** By table: its number of rows, and a hash of all rows in order. */
export type Digest = Map<string, { rows: number; hash: string }>;

/** Runs a query; rows are tuples. */
type RunQuery = (sql: string, ...args: Value[]) => Promise<Row[]> | Row[];

/** A page of the widest rows is far below the size limit of a server's response. */
const PAGE_ROWS = 2_000;
const CACHE_KB = 4_096;
// Without the tables inside the search index: their bytes may differ, and the index itself is compared.
const TABLES = `SELECT name FROM sqlite_master AS t WHERE type = 'table' AND NOT EXISTS (
  SELECT 1 FROM sqlite_master AS v WHERE v.type = 'table' AND v.sql LIKE 'CREATE VIRTUAL TABLE%'
  AND t.name LIKE v.name || '\\_%' ESCAPE '\\'
) ORDER BY name`;
const KEYS = "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk";
const HAS_ROWID = "SELECT 1 FROM pragma_table_list WHERE name = ? AND schema = 'main' AND wr = 0";

/** Reads every table; no write may come meanwhile. */
async function digestOf(query: RunQuery): Promise<Digest> {
  const digest: Digest = new Map();
  for (const [name] of await query(TABLES)) digest.set(String(name), await digestTable(query, String(name)));
  return digest;
}

async function digestTable(query: RunQuery, table: string): Promise<{ rows: number; hash: string }> {
  const hasRowid = (await query(HAS_ROWID, table)).length > 0;
  const keys = (await query(KEYS, table)).map(([key]) => `"${key}"`);
  const page = hasRowid
    ? `SELECT rowid, * FROM "${table}" ORDER BY rowid LIMIT ? OFFSET ?`
    : `SELECT * FROM "${table}" ORDER BY ${keys.join(", ")} LIMIT ? OFFSET ?`;
  const hash = new Bun.CryptoHasher("sha256");
  for (let rows = 0; ; ) {
    const some = await query(page, PAGE_ROWS, rows);
    for (const row of some) hash.update(`${row.map(textOf).join("\u0000")}\u0001`);
    rows += some.length;
    if (some.length < PAGE_ROWS) return { rows, hash: hash.digest("hex") };
  }
}

/** A value with its type: the same text from a server and from a file. */
const textOf = (value: Value): string =>
  value instanceof Uint8Array || (value as unknown) instanceof ArrayBuffer
    ? `blob ${Buffer.from(value as Uint8Array).toString("hex")}`
    : value === null
      ? "null"
      : typeof value === "string"
        ? `text ${value}`
        : `number ${value}`;

/** The digest of a server's database. */
export const digestOfServer = (db: Pick<Database, "scan">): Promise<Digest> =>
  digestOf(async (sql, ...args) => must((await db.scan([{ sql, args }]))[0], "the rows"));

/** The digest of a database file, which another process may have open. */
export async function digestOfFile(path: string): Promise<Digest> {
  const handle = openHandle(path, CACHE_KB);
  try {
    return await digestOf(
      (sql, ...args) =>
        handle
          .prepare(sql)
          .raw(true)
          .all(args.map((arg) => (typeof arg === "number" ? BigInt(arg) : arg))) as Row[],
    );
  } finally {
    handle.close();
  }
}

/** Names the tables in which two digests differ, with the rows of each; empty when they are equal. */
export function differences(here: Digest, there: Digest): string[] {
  return [...new Set([...here.keys(), ...there.keys()])]
    .filter((table) => here.get(table)?.hash !== there.get(table)?.hash)
    .map((table) => `${table} (${here.get(table)?.rows ?? "no"} rows, ${there.get(table)?.rows ?? "no"})`);
}
