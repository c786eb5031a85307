// The command `bun run migrate`: migrates the database that the settings name, a file or the primary.
import { join } from "node:path";
import { messageOf } from "../message.ts";
import { preparePrivateFile } from "../private.ts";
import { openHandle } from "../read/reader.ts";
import type { Server } from "../server/pipeline.ts";
import { findDrift } from "./drift.ts";
import { migrate } from "./migrate.ts";
import { migrateServer } from "./migrate-server.ts";

type Target = { path: string } | { server: Server };

const CACHE_KB = 2_048;

/** The database of these settings. Throws one sentence when `DATABASE_URL` is neither a file nor a server. */
function targetOf({
  DATA_DIR,
  DATABASE_URL,
  DATABASE_AUTH_TOKEN,
}: Record<string, string | undefined>): Target {
  const url = DATABASE_URL?.trim() || "";
  if (/^https?:/.test(url))
    return { server: { url, authToken: DATABASE_AUTH_TOKEN?.split(",")[0]?.trim() ?? "" } };
  if (url !== "" && !url.startsWith("file:"))
    throw new Error(`DATABASE_URL is ${url}: it must be a file: or an http: URL`);
  return { path: url === "" ? join(DATA_DIR?.trim() || "./data", "insole.db") : url.slice("file:".length) };
}

/** Migrates the file and returns the migrations applied. Throws one sentence when it then lacks what the program needs. */
function migrateFile(path: string): string[] {
  preparePrivateFile(path);
  const applied = migrate(path);
  const handle = openHandle(path, CACHE_KB);
  const { onlyInSchema } = findDrift(handle);
  handle.close();
  if (onlyInSchema.length > 0)
    throw new Error(`${path} was altered by hand; it lacks: ${onlyInSchema.join("; ")}`);
  return applied;
}

try {
  const target = targetOf(process.env);
  const name = "path" in target ? target.path : target.server.url;
  const applied = "path" in target ? migrateFile(target.path) : await migrateServer(target.server);
  const lines = applied.length > 0 ? applied.map((each) => `applied ${each}`) : [`${name} is up to date`];
  for (const line of lines) process.stdout.write(`${line}\n`);
} catch (thrown) {
  process.stderr.write(`insole: ${messageOf(thrown)}\n`);
  process.exitCode = 1;
}
