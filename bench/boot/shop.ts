// Servers to be measured: the shop in production settings, and a bare server beside it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../db/ports.ts";
import type { Sample } from "../ceilings/bare.ts";
import { type Child, type Children, waitFor } from "../harness/children.ts";
import type { Bench } from "../harness/scenario.ts";
import { catalogueCopy } from "../load/catalogue.ts";
import { ORDER_SETTINGS, stockUp, writeOrders } from "../load/orders.ts";
import { ADMIN_SETTINGS, addCustomers } from "../load/people.ts";

const READY = { everyMs: 1, msMax: 20_000 };

/** The memory cache of a shop that has one, unless a scenario says otherwise. */
export const CACHE_BYTES = 64 * 1024 * 1024;

/** A running server; `base` is its address without a trailing slash. */
export type Server = { base: string; child: Child };

type ShopOptions = {
  dataDir: string;
  cores: readonly number[] | null;
  /** The memory cache; 0 is none. */
  cacheBytesMax: number;
  /** Further settings. */
  env?: Record<string, string>;
  /** Another program that starts the shop, and its arguments. */
  script?: readonly string[];
};

/** Starts the shop and waits until it answers `/readyz`. */
export async function bootShop(children: Children, options: ShopOptions): Promise<Server> {
  const server = startShop(children, options);
  await firstAnswer(server, "/readyz");
  return server;
}

/** Boots the shop on a copy of a catalogue with an admin and customers; it may use all cores. */
export async function bootWithCustomers(
  bench: Bench,
  { shoes, customers }: { shoes: number; customers: number },
): Promise<Server & { dataDir: string }> {
  const { children, cores } = bench;
  // A scenario that writes must not change the kept catalogue.
  const dataDir = await catalogueCopy(bench, shoes);
  const options = { dataDir, cores: cores.wide, cacheBytesMax: CACHE_BYTES, env: ADMIN_SETTINGS };
  const server = await bootShop(children, options);
  addCustomers(dataDir, customers);
  return { ...server, dataDir };
}

/** Boots the shop on a copy of a catalogue with stock for any number of orders; `bodiesPath` is a file of some. */
export async function bootForOrders(
  bench: Bench,
  shoes: number,
  { env, ...more }: Pick<ShopOptions, "env" | "script"> = {},
): Promise<Server & { dataDir: string; bodiesPath: string }> {
  const { children, cores, seed } = bench;
  const dataDir = await catalogueCopy(bench, shoes);
  const bodiesPath = writeOrders(children.folder, stockUp(join(dataDir, "insole.db")), seed);
  const settings = { ...ORDER_SETTINGS, ...env };
  const options = { dataDir, cores: cores.wide, cacheBytesMax: CACHE_BYTES, env: settings, ...more };
  return { ...(await bootShop(children, options)), dataDir, bodiesPath };
}

/** Starts the shop without waiting. */
export function startShop(
  children: Children,
  { dataDir, cores, cacheBytesMax, env: more = {}, script }: ShopOptions,
): Server {
  const port = freePort();
  const env = {
    NODE_ENV: "production",
    // As the package script `start` sets it; imports have another value.
    BUN_JSC_forceRAMSize: "167772160",
    JWT_SECRET: crypto.randomUUID(),
    DATA_DIR: dataDir,
    CACHE_BYTES_MAX: String(cacheBytesMax),
    HOST: "127.0.0.1",
    PORT: String(port),
    // The generator is one client that sends the requests of many.
    RATE_LIMIT_MAX: "0",
    RATE_LIMIT_AUTH_MAX: "0",
    ...more,
  };
  const child = script
    ? children.start(script, { env, cores })
    : children.startCommand("start", [], { env, cores });
  return { base: `http://127.0.0.1:${port}`, child };
}

/** Starts a bare server that answers every request with this sample, and waits for it. */
export async function bootBare(
  children: Children,
  sample: Sample,
  cores: readonly number[] | null,
): Promise<Server> {
  const port = freePort();
  const samplePath = join(children.makeFolder("bare"), "sample.json");
  writeFileSync(samplePath, JSON.stringify(sample));
  const child = children.start(["bench/ceilings/bare.ts", samplePath, "--port", String(port)], { cores });
  const server = { base: `http://127.0.0.1:${port}`, child };
  await firstAnswer(server, "/");
  return server;
}

/** Waits for the first 200 and returns its time (`performance.now`). */
export const firstAnswer = ({ base, child }: Server, path: string): Promise<number> =>
  waitFor(child, "the server does not answer", READY, async () => {
    const status = await statusOf(base + path);
    return status === 200 ? performance.now() : null;
  });

/** The status of an address; `null` while its server does not listen. */
export async function statusOf(url: string): Promise<number | null> {
  const response = await fetch(url).catch(() => null);
  await response?.arrayBuffer();
  return response?.status ?? null;
}

/** A 200 with its body and headers, for a bare server to repeat; headers that every server adds itself are left out. */
export async function takeSample(url: string, encoding: string): Promise<Sample> {
  const response = await fetch(url, { headers: { "accept-encoding": encoding }, decompress: false });
  if (response.status !== 200) throw new Error(`${response.status} instead of 200: ${url}`);
  const body = Buffer.from(await response.arrayBuffer()).toString("base64");
  const headers = [...response.headers].filter(
    ([name]) => !["date", "content-length", "connection"].includes(name),
  );
  return { headers: headers.map(([name, value]) => [name, value]), body };
}
