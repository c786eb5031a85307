// Opens a database whose books are checked, for reading only: a file, also one in use or a backup, or a primary.
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { openHandle, openReader } from "../../../db/read/reader.ts";
import type { Server } from "../../../db/server/pipeline.ts";
import type { Ask } from "./rule.ts";

export type Ledger = { ask: Ask; close(): Promise<void> };

const CACHE_KB = 32_768;
/** A query of a slice on a busy primary. */
const QUERY_MS = 30_000;
const HAS_ORDERS = "SELECT count(*) FROM sqlite_master WHERE name IN ('order_lines', 'mail_start')";

/** Opens a file without changing it. Throws one sentence when it is no database of a shop with orders. */
export function openFileLedger(path: string): Ledger {
  if (!existsSync(path)) throw new Error(`cannot read ${path}: no such file`);
  // A file without a log has no writer, such as a backup; its folder may be one where no log can be made.
  const isInUse = existsSync(`${path}-wal`);
  const handle = openHandle(`${pathToFileURL(path).href}?${isInUse ? "mode=ro" : "immutable=1"}`, CACHE_KB);
  const { all, get } = openReader(handle);
  const close = async () => {
    handle.close();
    if (!isInUse && existsSync(`${path}-wal`))
      throw new Error(`${path} was opened meanwhile: check it again`);
  };
  if (get<[number]>(HAS_ORDERS)?.[0] !== 2) {
    handle.close();
    throw new Error(`${path} has no orders or no mails: it is of an older version, or of no shop`);
  }
  return { ask: async (sql, ...args) => all(sql, ...args), close };
}

/** Opens a primary. */
export async function openServerLedger(server: Server): Promise<Ledger> {
  const { openRemote } = await import("../../../db/server/remote.ts");
  const { scan, close } = openRemote(server, { queryMs: QUERY_MS });
  return { ask: async (sql, ...args) => (await scan([{ sql, args }]))[0] ?? [], close };
}
