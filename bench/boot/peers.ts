// The peers: filled, started with their data servers, and returned as sides with an address and a CPU time.
import { chmodSync, chownSync, existsSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { must } from "../../db/must.ts";
import { freePort } from "../../db/ports.ts";
import { type Child, type Children, waitFor } from "../harness/children.ts";
import { ROOT } from "../harness/paths.ts";
import type { CacheAnswers } from "../metrics/metrics.ts";
import { cpuUs, treeOf } from "../metrics/proc.ts";
import { type Dialect, pocketbaseDialect, shopDialect } from "../peers/dialects.ts";
import { firstAnswer, type Server } from "./shop.ts";

const FOLDER = join(ROOT, "bench", "peers");
const EXPRESS = join(FOLDER, "express-postgres-redis");
const FASTIFY = join(FOLDER, "fastify-sqlite");
const POCKETBASE = join(FOLDER, "pocketbase", "data", "pocketbase");
const POSTGRES_FOLDERS = "/usr/lib/postgresql";
const FILL_MS_MAX = 10 * 60_000;
const READY = { everyMs: 20, msMax: 30_000 };
/** More than the bench requests, so that no entry is evicted. */
const CACHE_ENTRIES = 50_000;

/** A quarter of 2 GiB of memory, the settings of PostgreSQL's manual for SSDs, and no parallel plans on one core. */
const POSTGRES_SETTINGS = [
  "shared_buffers=512MB",
  "effective_cache_size=1GB",
  "random_page_cost=1.1",
  "max_parallel_workers_per_gather=0",
  "max_connections=50",
  "unix_socket_directories=",
];
/** Evicts the least recently used entry, and writes nothing to disk. */
const REDIS_SETTINGS = [
  "--maxmemory",
  "256mb",
  "--maxmemory-policy",
  "allkeys-lru",
  "--save",
  "",
  "--appendonly",
  "no",
];

/** A server with all processes that work for it. */
export type Side = Dialect & {
  name: string;
  server: Server;
  /** CPU time of all these processes, in microseconds. */
  cpuUs(): number;
  /** Answers since its start, from its cache and all; `null` where it has no cache. */
  readHits: (() => Promise<CacheAnswers>) | null;
  /** The name of a hit in the report. */
  hitName: string;
};

/** A peer, and what is missing where it is not installed. */
export type Peer = {
  name: string;
  /** `null` where it is installed. */
  missing: string | null;
  /** Fills it from the file of shoes, starts it and returns its sides, with and without a cache. */
  boot(options: BootOptions): Promise<Side[]>;
};

/** How children are started, the file of shoes, and the cores of the peer. */
type BootOptions = { children: Children; dataPath: string; cores: readonly number[] | null };

/** CPU time of some processes and all their descendants, in microseconds. */
const treesUs = (roots: readonly Child[]): number =>
  roots
    .flatMap(({ pid }) => treeOf(pid))
    .reduce((sum, { pid }) => {
      // A process that ended while the others were read is not counted.
      return existsSync(`/proc/${pid}/stat`) ? sum + cpuUs(pid) : sum;
    }, 0);

/** All peers, installed or not. */
export const findPeers = (): Peer[] => [
  {
    name: "Express, PostgreSQL, Redis",
    missing: firstMissing([
      [hasNode(), "Node 20 or newer"],
      [existsSync(join(EXPRESS, "node_modules", "express", "package.json")), "its npm packages"],
      [findPostgres() !== null, "PostgreSQL"],
      [Bun.which("redis-server") !== null, "Redis"],
    ]),
    boot: bootExpress,
  },
  {
    name: "Fastify, better-sqlite3",
    missing: firstMissing([
      [hasNode(), "Node 20 or newer"],
      [existsSync(join(FASTIFY, "node_modules", "fastify", "package.json")), "its npm packages"],
      [canLoadSqlite(), "a better-sqlite3 that Node can load"],
    ]),
    boot: bootFastify,
  },
  {
    name: "PocketBase",
    missing: firstMissing([[existsSync(POCKETBASE), "its program"]]),
    boot: bootPocketbase,
  },
];

const firstMissing = (parts: readonly [isInstalled: boolean, what: string][]): string | null =>
  parts.find(([isInstalled]) => !isInstalled)?.[1] ?? null;

const hasNode = (): boolean =>
  succeeds(["node", "-e", "process.exit(Number.parseInt(process.versions.node, 10) < 20 ? 1 : 0)"]);

/** A build for another Node is installed but does not load. */
const canLoadSqlite = (): boolean =>
  succeeds(["node", "-e", "new (require('better-sqlite3'))(':memory:')"], FASTIFY);

function succeeds(command: string[], cwd = ROOT): boolean {
  if (Bun.which(must(command[0], "the program")) === null || !existsSync(cwd)) return false;
  return Bun.spawnSync(command, { cwd, stdout: "ignore", stderr: "ignore" }).success;
}

/** The folder of PostgreSQL's programs, on PATH or in Debian's folder; the newest of several. */
function findPostgres(): string | null {
  const onPath = Bun.which("postgres");
  // A link on PATH may not have the other programs beside it.
  const beside = onPath === null ? [] : [dirname(realpathSync(onPath))];
  const versions = existsSync(POSTGRES_FOLDERS) ? readdirSync(POSTGRES_FOLDERS) : [];
  const kept = versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(POSTGRES_FOLDERS, version, "bin"));
  const isWhole = (folder: string) =>
    ["initdb", "postgres", "pg_isready"].every((program) => existsSync(join(folder, program)));
  return [...beside, ...kept].find(isWhole) ?? null;
}

async function bootExpress({ children, dataPath, cores }: BootOptions): Promise<Side[]> {
  const { postgres, url } = await bootPostgres(children, cores);
  const fill = ["node", join(EXPRESS, "fill.js"), dataPath];
  await children.expectEnd(children.run(fill, { env: { DATABASE_URL: url }, cores: null }), FILL_MS_MAX);
  const redisPort = freePort();
  const listen = ["--bind", "127.0.0.1", "--port", String(redisPort), "--dir", children.folder];
  const redis = children.run(["redis-server", ...listen, ...REDIS_SETTINGS], { cores });
  const script = join(EXPRESS, "server.js");
  const env = { DATABASE_URL: url };
  const without = await bootNode(children, script, env, cores);
  // The Redis client waits until Redis listens.
  const withRedis = { ...env, REDIS_URL: `redis://127.0.0.1:${redisPort}` };
  const cached = await bootNode(children, script, withRedis, cores);
  return [
    sideOf("Express", shopDialect, without, [without.child, postgres]),
    {
      ...sideOf("Express, Redis", shopDialect, cached, [cached.child, postgres, redis]),
      readHits: () => hitsOf(cached),
      hitName: "Redis hit",
    },
  ];
}

async function bootFastify({ children, dataPath, cores }: BootOptions): Promise<Side[]> {
  const env = { DATABASE_PATH: join(children.makeFolder("fastify"), "shoes.db") };
  const fill = ["node", join(FASTIFY, "fill.js"), dataPath];
  await children.expectEnd(children.run(fill, { env, cores: null }), FILL_MS_MAX);
  const script = join(FASTIFY, "server.js");
  const without = await bootNode(children, script, env, cores);
  const withCache = { ...env, CACHE_ENTRIES: String(CACHE_ENTRIES) };
  const cached = await bootNode(children, script, withCache, cores);
  return [
    sideOf("Fastify", shopDialect, without, [without.child]),
    {
      ...sideOf("Fastify, cache", shopDialect, cached, [cached.child]),
      readHits: () => hitsOf(cached),
    },
  ];
}

async function bootPocketbase({ children, dataPath, cores }: BootOptions): Promise<Side[]> {
  const folder = ["--dir", children.makeFolder("pocketbase")];
  await children.expectEnd(
    children.run([POCKETBASE, "fill", dataPath, ...folder], { cores: null }),
    FILL_MS_MAX,
  );
  const port = freePort();
  const child = children.run([POCKETBASE, "serve", `--http=127.0.0.1:${port}`, ...folder], { cores });
  const server = { base: `http://127.0.0.1:${port}`, child };
  await firstAnswer(server, "/api/health");
  return [sideOf("PocketBase", pocketbaseDialect, server, [child])];
}

/** A side without a cache. */
export const sideOf = (name: string, dialect: Dialect, server: Server, roots: readonly Child[]): Side => ({
  ...dialect,
  name,
  server,
  readHits: null,
  hitName: "memory hit",
  cpuUs: () => treesUs(roots),
});

async function bootNode(
  children: Children,
  script: string,
  settings: Record<string, string>,
  cores: readonly number[] | null,
): Promise<Server> {
  const port = freePort();
  const env = { NODE_ENV: "production", PORT: String(port), ...settings };
  const server = { base: `http://127.0.0.1:${port}`, child: children.run(["node", script], { env, cores }) };
  await firstAnswer(server, "/cache");
  return server;
}

/** The hits and misses that Express and Fastify count. */
async function hitsOf({ base }: Server): Promise<CacheAnswers> {
  const { hits, misses } = (await (await fetch(`${base}/cache`)).json()) as { hits: number; misses: number };
  return { fromMemory: hits, all: hits + misses };
}

/** An empty PostgreSQL in a folder of its own, which ends after its clients. */
async function bootPostgres(
  children: Children,
  cores: readonly number[] | null,
): Promise<{ postgres: Child; url: string }> {
  const programs = findPostgres();
  if (programs === null) throw new Error("PostgreSQL is not installed");
  const data = children.makeFolder("postgres");
  const as = unprivileged(children.folder, data);
  const make = [join(programs, "initdb"), "-D", data, "-U", "shop", "-A", "trust", "--no-sync"];
  const locale = ["--encoding", "UTF8", "--locale", "C"];
  await children.expectEnd(children.run([...as, ...make, ...locale], { cores }), FILL_MS_MAX);
  const port = String(freePort());
  const settings = POSTGRES_SETTINGS.flatMap((setting) => ["-c", setting]);
  const start = [join(programs, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", port, ...settings];
  const postgres = children.run([...as, ...start], { cores });
  const probe = [join(programs, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", port];
  await waitFor(postgres, "PostgreSQL is not ready", READY, () => succeeds(probe) || null);
  return { postgres, url: `postgres://shop@127.0.0.1:${port}/postgres` };
}

/** PostgreSQL refuses to run as root: the command prefix for another user, who then owns its folder. */
function unprivileged(outer: string, data: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const user = ["postgres", "nobody"].find((name) => succeeds(["id", name]));
  if (user === undefined) throw new Error("PostgreSQL refuses to run as root, and there is no other user");
  const idOf = (flag: "-u" | "-g") => Number(Bun.spawnSync(["id", flag, user]).stdout.toString());
  const [uid, gid] = [idOf("-u"), idOf("-g")];
  chmodSync(outer, 0o711);
  chownSync(data, uid, gid);
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--"];
}
