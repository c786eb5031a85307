// Brings the schema of a libSQL server up to this program: once for the whole cluster, with the migrations of a file.
import { type Client, createClient } from "@libsql/client/http";
import { messageOf } from "../message.ts";
import { DOOR } from "../server/door-protocol.ts";
import { findDataset } from "../server/kind.ts";
import type { Server } from "../server/pipeline.ts";
import { findAlterations } from "./alterations.ts";
import { APPLIED, type Applied, checkApplied, LEDGER, type Migration, readMigrations } from "./migrate.ts";

/** The time in which the server must say whether a door stands before it. */
const REACH_MS = 5_000;

/**
 * Applies the missing migrations and returns their names. Throws one sentence when the server cannot be reached, or a migration
 * was changed, is too new, or fails.
 */
export function migrateServer(server: Server, migrations = readMigrations()): Promise<string[]> {
  return withClient(server, async (client) => {
    await client.execute(LEDGER);
    checkApplied(await appliedOn(client), migrations);
    const done: string[] = [];
    for (const migration of migrations) if (await apply(client, migration)) done.push(migration.name);
    return done;
  });
}

/** What was altered by hand on the server, one phrase for each object. Throws one sentence when it cannot be reached. */
export const findServerAlterations = (server: Server): Promise<string[]> =>
  withClient(server, (client) => findAlterations((sql) => rowsOf(client, sql)));

async function withClient<T>(server: Server, work: (client: Client) => Promise<T>): Promise<T> {
  let client: Client | undefined;
  try {
    client = await openClient(server);
    return await work(client);
  } catch (thrown) {
    throw new Error(`${server.url}: ${messageOf(thrown)}`);
  } finally {
    client?.close();
  }
}

/** Opens the client of a bare server, or of the one behind a door, which keeps all others away from it until `close`. */
async function openClient(server: Server): Promise<Client> {
  const { url, authToken, ca } = server;
  const isDoor = (await findDataset(server, REACH_MS)) !== null;
  return createClient({
    // Without the last slash the client would leave the path out.
    url: isDoor ? `${url.replace(/\/+$/, "")}${DOOR.migrations}/` : url,
    authToken,
    intMode: "number",
    ...(ca === undefined ? {} : { fetch: (request: Request) => fetch(request, { tls: { ca } }) }),
  });
}

const rowsOf = async (client: Client, sql: string): Promise<unknown[][]> =>
  (await client.execute(sql)).rows.map((row) => Array.from(row as ArrayLike<unknown>));

const appliedOn = async (client: Client): Promise<Applied[]> => (await rowsOf(client, APPLIED)) as Applied[];

const has = async (client: Client, { number }: Migration): Promise<boolean> =>
  (await appliedOn(client)).some(([each]) => each === number);

async function apply(client: Client, migration: Migration): Promise<boolean> {
  if (await has(client, migration)) return false;
  const { number, name, checksum, oldestProgram, sql } = migration;
  const note = `INSERT INTO migrations VALUES (${number}, '${name}', '${checksum}', ${oldestProgram}, ${Date.now()});`;
  try {
    // In one request: where a statement fails, the connection ends and the transaction is undone.
    await client.executeMultiple(`BEGIN IMMEDIATE;\n${sql}\n${note}\nCOMMIT;`);
    return true;
  } catch (thrown) {
    // Another process may have applied it meanwhile.
    if (await has(client, migration)) return false;
    throw new Error(`migration ${name} failed: ${messageOf(thrown)}`);
  }
}
