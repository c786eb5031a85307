// The libSQL server to be measured by itself: started as the shop's primary on a copy of a kept catalogue, and written to directly.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commitOnServer } from "../../db/server/hrana.ts";
import { openPipeline } from "../../db/server/pipeline.ts";
import { makeToken, readKeys } from "../../replicas/primary/keys.ts";
import type { RawAsk, RawDone } from "../ceilings/sqld-raw.ts";
import { waitFor } from "../harness/children.ts";
import type { Bench } from "../harness/scenario.ts";
import { catalogueOf } from "../load/catalogue.ts";
import { customersStatement } from "../load/people.ts";
import { freePort } from "./shop.ts";

/** Where it listens, the file with a token to write, and its own file. */
export type Sqld = { url: string; tokenPath: string; filePath: string };

const READY = { everyMs: 20, msMax: 30_000 };
const COMMIT_MS_MAX = 30_000;
/** For a writer to start and end. */
const RAW_SPARE_MS = 30_000;

/** Starts one on a copy of a kept catalogue. */
export async function bootSqld({ children, log }: Bench, shoes: number): Promise<Sqld> {
  const catalogue = await catalogueOf(shoes, children, log);
  const folder = mkdtempSync(join(children.folder, "sqld-"));
  const [data, keys] = [join(folder, "data"), join(folder, "keys")];
  const listen = `127.0.0.1:${freePort()}`;
  const child = children.startCommand(
    "primary",
    ["--data", data, "--keys", keys, "--listen", listen, "--init", "--from", join(catalogue, "insole.db")],
    { cores: null },
  );
  await waitFor(
    child,
    "no primary",
    READY,
    () => readFileSync(child.outPath, "utf8").includes("the primary is ready") || null,
  );
  return describe({ url: `http://${listen}`, data, keys, folder });
}

/** One that runs already, from the folders it keeps its data and its keys in; the token goes to `folder`. */
export function describe(place: { url: string; data: string; keys: string; folder: string }): Sqld {
  const tokenPath = join(place.folder, "bench.token");
  writeFileSync(tokenPath, makeToken(readKeys(place.keys), { kind: "write" }, Date.now()), { mode: 0o600 });
  return { url: place.url, tokenPath, filePath: join(place.data, "dbs", "default", "data") };
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

/** Writes to it from a program of its own. */
export async function writeRaw(
  { children }: Bench,
  { url, tokenPath }: Sqld,
  ask: Omit<RawAsk, "url" | "tokenPath">,
): Promise<RawDone> {
  const child = children.start(["bench/ceilings/sqld-raw.ts", JSON.stringify({ url, tokenPath, ...ask })], {
    cores: null,
  });
  return JSON.parse(await children.expectEnd(child, ask.seconds * 1_000 + RAW_SPARE_MS)) as RawDone;
}
