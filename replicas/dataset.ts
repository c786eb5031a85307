// The dataset of a token, a server or a file, by which a node refuses a foreign primary that would wipe the shop.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { type Handle, openHandle } from "../db/read/reader.ts";
import { DATASET } from "../db/server/hrana.ts";
import { findDataset, type ServerKind } from "../db/server/kind.ts";
import { openPipeline, type Server } from "../db/server/pipeline.ts";

const CACHE_KB = 256;
const OWNER_ONLY = 0o600;

/** The dataset that a token was made for; `null` where the token does not name one. */
export function datasetOfToken(token: string): string | null {
  const { dataset } = claimsOf(token);
  return typeof dataset === "string" ? dataset : null;
}

/** When a token expires, in seconds since 1970; `null` where it does not say. */
export function expiryOfToken(token: string): number | null {
  const { exp } = claimsOf(token);
  return typeof exp === "number" ? exp : null;
}

/** The claims of a token, unchecked; none where it is not a token of ours: the primary decides whether it is valid. */
export function claimsOf(token: string): { dataset?: unknown; exp?: unknown; jti?: unknown } {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    return typeof claims === "object" && claims !== null ? claims : {};
  } catch {
    return {};
  }
}

/**
 * What stands at an address and its dataset, `null` where it has none: the door tells it to each valid token, a bare server by SQL.
 * Throws when there is no answer within `ms` to either question.
 */
export async function datasetOfServer(
  server: Server,
  ms: number,
): Promise<{ kind: ServerKind; id: string | null }> {
  const reply = await findDataset(server, ms);
  return reply ? { kind: "door", id: reply.id } : { kind: "bare", id: await datasetBySql(server, ms) };
}

async function datasetBySql(server: Server, ms: number): Promise<string | null> {
  const stmt = { sql: DATASET, args: [], want_rows: true };
  const { step_results: results, step_errors: errors } = await openPipeline(server, { ms, keptMax: 0 }).run([
    { condition: null, stmt },
  ]);
  const [error, cell] = [errors[0], results[0]?.rows[0]?.[0]];
  if (error && !/no such table/.test(error.message)) throw new Error(error.message);
  return cell?.type === "text" ? cell.value : null;
}

/** The dataset in a file; `null` where there is no file, or no dataset in it. */
export function datasetOfFile(path: string): string | null {
  if (!existsSync(path)) return null;
  let handle: Handle | undefined;
  try {
    handle = openHandle(path, CACHE_KB);
    const row = handle.prepare(DATASET).raw(true).get([]) as [string] | undefined;
    return row?.[0] ?? null;
  } catch {
    // The file is empty, incomplete or no database, and may not be served.
    return null;
  } finally {
    handle?.close();
  }
}

/** The dataset that this node has served before, stored beside its replica. */
export const storedDataset = (path: string): string | null =>
  existsSync(`${path}.dataset`) ? readFileSync(`${path}.dataset`, "utf8").trim() || null : null;

/** Stores the dataset, which marks the replica as complete. */
export function storeDataset(path: string, id: string): void {
  writeFileSync(`${path}.dataset.new`, `${id}\n`, { mode: OWNER_ONLY });
  renameSync(`${path}.dataset.new`, `${path}.dataset`);
}
