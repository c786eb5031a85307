// The command `bun run migrate`: migrates the database that the settings name, a file or the primary.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sentenceOf } from "../message.ts";
import { preparePrivateFile } from "../private.ts";
import { openHandle } from "../read/reader.ts";
import { readCertificates } from "../server/certificates.ts";
import type { Server } from "../server/pipeline.ts";
import { findAlterations } from "./alterations.ts";
import { migrate } from "./migrate.ts";
import { findServerAlterations, migrateServer } from "./migrate-server.ts";
import { schemaText } from "./snapshot.ts";

const USAGE = `usage: bun run migrate [--print-schema]

Brings the database of the settings up to this version, and refuses one that was altered by hand.
  --print-schema   print the schema that the migrations create; no database is opened`;

type Target = { path: string } | { server: Server };

const CACHE_KB = 2_048;

/** The database of these settings. Throws one sentence when they name neither a file nor a server. */
function targetOf({
  DATA_DIR,
  DATABASE_URL,
  DATABASE_AUTH_TOKEN,
  DATABASE_CA_FILE,
}: Record<string, string | undefined>): Target {
  const url = DATABASE_URL?.trim() || "";
  const ca = readCertificates(DATABASE_CA_FILE?.trim() ?? "", url);
  if (/^https?:/.test(url))
    return { server: { url, ca, authToken: DATABASE_AUTH_TOKEN?.split(",")[0]?.trim() ?? "" } };
  if (url !== "" && !url.startsWith("file:"))
    throw new Error(`DATABASE_URL is ${url}: it must be a file: or an http: URL`);
  return { path: url === "" ? join(DATA_DIR?.trim() || "./data", "insole.db") : url.slice("file:".length) };
}

/** Migrates the file and returns the migrations applied; throws one sentence when it was altered by hand. */
async function migrateFile(path: string): Promise<string[]> {
  preparePrivateFile(path);
  const applied = migrate(path);
  const handle = openHandle(path, CACHE_KB);
  const altered = await findAlterations((sql) => handle.prepare(sql).raw(true).all([]) as unknown[][]);
  handle.close();
  refuseAltered(path, altered);
  return applied;
}

/** The same on the primary. */
async function migratePrimary(server: Server): Promise<string[]> {
  const applied = await migrateServer(server);
  refuseAltered(server.url, await findServerAlterations(server));
  return applied;
}

function refuseAltered(name: string, altered: string[]): void {
  if (altered.length > 0) throw new Error(`${name} was altered by hand: ${altered.join("; ")}`);
}

async function run(): Promise<string> {
  const target = targetOf(process.env);
  const name = "path" in target ? target.path : target.server.url;
  const applied = await ("path" in target ? migrateFile(target.path) : migratePrimary(target.server));
  const lines = applied.length > 0 ? applied.map((each) => `applied ${each}`) : [`${name} is up to date`];
  return `${lines.join("\n")}\n`;
}

try {
  const { values } = parseArgs({
    options: { "print-schema": { type: "boolean" }, help: { type: "boolean", short: "h" } },
  });
  process.stdout.write(values.help ? `${USAGE}\n` : values["print-schema"] ? schemaText() : await run());
} catch (thrown) {
  process.stderr.write(`insole: ${sentenceOf(thrown)}\n`);
  process.exitCode = 1;
}
