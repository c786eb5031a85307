// The libSQL server to be measured alone: the shop's primary on a copy of a kept catalogue, written to directly.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../db/ports.ts";
import { commitOnServer } from "../../db/server/hrana.ts";
import { openPipeline } from "../../db/server/pipeline.ts";
import { makeToken, readKeys } from "../../replicas/primary/keys.ts";
import type { RawResult, RawWrites } from "../ceilings/sqld-raw.ts";
import { waitFor } from "../harness/children.ts";
import type { Bench } from "../harness/scenario.ts";
import { catalogueOf } from "../load/catalogue.ts";
import { customersStatement } from "../load/people.ts";

/** A running server: its address, the file with a token that may write, and its database file. */
export type Sqld = { url: string; tokenPath: string; filePath: string };

const READY = { everyMs: 20, msMax: 30_000 };
const COMMIT_MS_MAX = 30_000;
/** A writer may take this much longer than its own time, to start and to end. */
const RAW_GRACE_MS = 30_000;

/** Starts a primary on a copy of a kept catalogue. */
export async function bootSqld(bench: Bench, shoes: number): Promise<Sqld> {
  const { children } = bench;
  const catalogue = await catalogueOf(bench, shoes);
  const folder = children.makeFolder("sqld");
  const [data, keys] = [join(folder, "data"), join(folder, "keys")];
  const listen = `127.0.0.1:${freePort()}`;
  const child = children.startCommand(
    "primary",
    ["--data", data, "--keys", keys, "--listen", listen, "--init", "--from", join(catalogue, "insole.db")],
    { cores: null },
  );
  const isReady = () => readFileSync(child.outPath, "utf8").includes("the primary is ready");
  await waitFor(child, "no primary", READY, () => isReady() || null);
  return attachSqld({ url: `http://${listen}`, data, keys, folder });
}

/** A primary that is running already, by the folders of its data and its keys; the token is written to `folder`. */
export function attachSqld(primary: { url: string; data: string; keys: string; folder: string }): Sqld {
  const { url, data, keys, folder } = primary;
  const tokenPath = join(folder, "bench.token");
  writeFileSync(tokenPath, makeToken(readKeys(keys), { kind: "write", days: 1 }, Date.now()), {
    mode: 0o600,
  });
  return { url, tokenPath, filePath: join(data, "dbs", "default", "data") };
}

/** Adds customers who cannot sign in. */
export async function addCustomersTo({ url, tokenPath }: Sqld, count: number): Promise<void> {
  const pipeline = openPipeline(
    { url, authToken: readFileSync(tokenPath, "utf8") },
    { ms: COMMIT_MS_MAX, keptMax: 0 },
  );
  const { outcomes } = await commitOnServer(pipeline, [[customersStatement(count)]]);
  const [outcome] = outcomes;
  if (!outcome?.ok) throw new Error(`no customers: ${outcome?.message}`);
}

/** Writes to it from a process of its own. */
export async function writeRaw(
  { children }: Bench,
  { url, tokenPath }: Sqld,
  writes: Omit<RawWrites, "url" | "tokenPath">,
): Promise<RawResult> {
  const argument = JSON.stringify({ url, tokenPath, ...writes });
  const child = children.start(["bench/ceilings/sqld-raw.ts", argument], { cores: null });
  return JSON.parse(await children.expectEnd(child, writes.seconds * 1_000 + RAW_GRACE_MS)) as RawResult;
}
