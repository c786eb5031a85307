// The libSQL server to be measured alone, on a copy of a kept catalogue, written to directly.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openRemote } from "../../db/server/remote.ts";
import { databaseFile } from "../../replicas/primary/dataset.ts";
import { makeToken, readKeys } from "../../replicas/primary/keys.ts";
import type { RawResult, RawWrites } from "../ceilings/sqld-raw.ts";
import { waitFor } from "../harness/children.ts";
import type { Bench } from "../harness/scenario.ts";
import { catalogueOf } from "../load/catalogue.ts";
import { customersStatement } from "../load/people.ts";

/** What takes writes: its address, the file with a token that may write, and its database file. */
export type Primary = { url: string; tokenPath: string; filePath: string };

const READY = { everyMs: 20, msMax: 30_000 };
const INIT_MS_MAX = 60_000;
const WRITE_MS_MAX = 30_000;
/** A writer may take this much longer than its own time, to start and to end. */
const RAW_GRACE_MS = 30_000;
const OWNER_ONLY = 0o600;

/** Starts sqld without a door before it. */
export async function bootSqld(bench: Bench, shoes: number): Promise<Primary> {
  const { children } = bench;
  const catalogue = await catalogueOf(bench, shoes);
  const folder = children.makeFolder("sqld");
  const [data, keys] = [join(folder, "data"), join(folder, "keys")];
  const init = [
    "--data",
    data,
    "--keys",
    keys,
    "--init",
    "--from",
    join(catalogue, "insole.db"),
    "--no-start",
  ];
  await children.expectEnd(children.startCommand("primary", init, { cores: null }), INIT_MS_MAX);
  const child = children.start(["bench/ceilings/sqld.ts", data], { cores: null });
  const { url, token } = await waitFor(child, "no sqld", READY, () => {
    const line = readFileSync(child.outPath, "utf8").split("\n").slice(0, -1)[0];
    return line === undefined ? null : (JSON.parse(line) as { url: string; token: string });
  });
  return { url, tokenPath: writeToken(folder, token), filePath: databaseFile(data) };
}

/** The primary of a cluster that is running, by the folders of its data and its keys; the token is written to `folder`. */
export function primaryOf(paths: { url: string; data: string; keys: string; folder: string }): Primary {
  const { url, data, keys, folder } = paths;
  const token = makeToken(readKeys(keys), { kind: "write", days: 1 }, Date.now());
  return { url, tokenPath: writeToken(folder, token), filePath: databaseFile(data) };
}

function writeToken(folder: string, token: string): string {
  const path = join(folder, "bench.token");
  writeFileSync(path, token, { mode: OWNER_ONLY });
  return path;
}

/** Adds customers who cannot sign in. */
export async function addCustomersTo({ url, tokenPath }: Primary, count: number): Promise<void> {
  const server = { url, authToken: readFileSync(tokenPath, "utf8") };
  const db = openRemote(server, { commitMs: WRITE_MS_MAX, deadlineMs: WRITE_MS_MAX });
  await db.write([customersStatement(count)], crypto.randomUUID());
  await db.close();
}

/** Writes to it from a process of its own. */
export async function writeRaw(
  { children }: Bench,
  { url, tokenPath }: Primary,
  writes: Omit<RawWrites, "url" | "tokenPath">,
): Promise<RawResult> {
  const argument = JSON.stringify({ url, tokenPath, ...writes });
  const child = children.start(["bench/ceilings/sqld-raw.ts", argument], { cores: null });
  return JSON.parse(await children.expectEnd(child, writes.seconds * 1_000 + RAW_GRACE_MS)) as RawResult;
}
