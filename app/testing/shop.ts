// Real shops for tests: in a folder of their own, on a free port, with chosen shoes.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database, Readable, Statement, Value } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { openSingle } from "../../db/topology.ts";
import { openPasswords, type Passwords } from "../accounts/passwords.ts";
import { type Config, readConfig } from "../config.ts";
import { openLog } from "../log.ts";
import { main, type Shop } from "../main.ts";
import type { Gateway } from "../orders/orders.ts";
import { openServer, routes } from "../server.ts";
import { openServices, type Replacements, type Services } from "../services.ts";
import { computeRelated } from "../shoes/related/backlog.ts";
import type { ShoeDraft } from "../shoes/write/draft.ts";
import { openSaving, saveShoes } from "../shoes/write/save.ts";

const SAVE_CHUNK = 4_000;
const POLL_MS = 5;

/** A shoe to be saved: a plain one except for the given fields. */
export const shoe = (shoeId: string, given: Partial<ShoeDraft> = {}): ShoeDraft => ({
  shoeId,
  title: `Shoe ${shoeId}`,
  description: "",
  brand: null,
  category: null,
  color: null,
  gender: null,
  priceCents: 5_000,
  listPriceCents: null,
  images: [],
  href: null,
  sizeSystem: null,
  sizes: [{ size: "", stock: 5 }],
  related: null,
  ...given,
});

/** Saves drafts as an import would; their related shoes are computed unless that is left out. */
export async function saveAll(db: Database, drafts: ShoeDraft[], withRelated = true): Promise<void> {
  const saving = openSaving(db);
  for (let from = 0; from < drafts.length; from += SAVE_CHUNK) {
    const chunk = drafts.slice(from, from + SAVE_CHUNK);
    await saveShoes(saving, chunk, { origin: "import", onConflict: "replace", nowMs: Date.now() });
  }
  if (withRelated) await computeRelated(db);
}

/** Argon2id at the least cost, a thousandth of the shop's: for tests of anything but that cost. */
export const quickPasswords = (): Passwords => openPasswords({ cost: { memoryCost: 8, timeCost: 1 } });

/** Tests log more people in from one address than the limits allow; tests of the limits set their own. */
const UNLIMITED = { RATE_LIMIT_MAX: "0", RATE_LIMIT_AUTH_MAX: "0" };

/** Errors are seen in the answers; a log of expected ones would only hide the tests' own lines. */
export const silentLog = openLog("error", "json", () => undefined);

/** A temporary folder; `remove` also removes everything in it. */
export type Folder = { path: string; remove(): void };

/** Makes a temporary folder. */
export function openFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "insole-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A shop with a file of its own; `db` is a second handle on the file. */
export type TestShop = {
  url: string;
  databasePath: string;
  db: Database;
  get(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
};

/** Guesses do not wait: for tests that send many of them and look at the answers. */
export const WITHOUT_WAITS: Replacements = { wait: async () => undefined };

/** Their outbox stays as it is: tests of mail let the sender look more often. */
const WITHOUT_MAIL = { lookMs: 3_600_000 };

/** The whole program with these shoes. `settings` are environment variables. */
export async function openTestShop(
  drafts: ShoeDraft[],
  settings: Record<string, string> = {},
  instead: Replacements = {},
): Promise<TestShop> {
  const folder = openFolder();
  const databasePath = join(folder.path, "insole.db");
  migrate(databasePath);
  const db = openFile(databasePath);
  await saveAll(db, drafts);
  const env = {
    DATA_DIR: folder.path,
    PORT: "0",
    DEMO: "false",
    LOG_LEVEL: "error",
    ...UNLIMITED,
    ...settings,
  };
  const remove = async () => {
    await db.close();
    folder.remove();
  };
  let running: Shop;
  try {
    running = await main(readConfig(env), silentLog, {
      instead: { passwords: quickPasswords(), mailTimes: WITHOUT_MAIL, ...instead },
    });
  } catch (thrown) {
    await remove();
    throw thrown;
  }
  return {
    url: running.url,
    databasePath,
    db,
    get: (path: string, init: RequestInit = {}) => fetch(`${running.url}${path}`, init),
    async close() {
      await running.close();
      await remove();
    },
  };
}

/** A statement that ran, and whether it ran on the serving thread. */
type Ran = { here: boolean; sql: string; args: Value[] };

/** A shop whose statements, log and services a test can read. */
export type ObservedShop = TestShop &
  Pick<Services, "cache" | "identity" | "status" | "counters" | "limits" | "turns" | "payments" | "mail"> & {
    /** The database of the services: what it runs is in `ran`. */
    watched: Database;
    ran: Ran[];
    logged: string[];
    logins: Services["loginThrottle"];
    routes: ReturnType<typeof routes>["routes"];
  };

/** What tokens of an observed shop are signed with. */
const TEST_SECRET = "a secret that only the tests of this shop know";

type Watched = {
  now?: () => number;
  /** Environment variables beside those below. */
  settings?: Record<string, string>;
  gateway?: Gateway;
  gatewayWait?: Replacements["gatewayWait"];
  passwords?: Passwords;
  turns?: Services["turns"];
  secrets?: string[];
  origins?: { publicUrl: string; corsOrigins: string[] };
  limits?: { requestsMax: number; signInsMax: number; windowSeconds: number };
  trustProxy?: string[];
  metricsToken?: string;
  /** How long a body that no route reads may take. */
  bodyMsMax?: number;
  /** Notes how long guesses would have to wait, and lets them pass; or waits in a way of its own. */
  waits?: number[];
  wait?: (ms: number) => Promise<unknown>;
  /** Called with each request before it is answered. */
  seen?: (request: Request) => void;
  /** Puts another database before the file; the tests' own questions still go to the file. */
  before?: (file: Database, path: string) => Database;
};

/** The settings of an observed shop: the defaults except for the given ones; no other origin is allowed. */
const configOf = (given: Watched, dataDir: string): Config => ({
  ...readConfig({ DATA_DIR: dataDir, ...UNLIMITED, ...given.settings }),
  ...(given.origins ?? { corsOrigins: [] }),
  ...(given.limits && {
    rateLimitMax: given.limits.requestsMax,
    rateLimitAuthMax: given.limits.signInsMax,
    rateLimitWindowSeconds: given.limits.windowSeconds,
  }),
  trustProxy: given.trustProxy ?? [],
  metricsToken: given.metricsToken ?? null,
});

/** The same walk with its statements, its log and its cache in sight. It does not follow the change feed. */
export async function openObservedShop(
  drafts: ShoeDraft[],
  withRelated = true,
  given: Watched = {},
): Promise<ObservedShop> {
  const folder = openFolder();
  const databasePath = join(folder.path, "insole.db");
  migrate(databasePath);
  const plain = openFile(databasePath);
  await saveAll(plain, drafts, withRelated);
  const ran: Ran[] = [];
  const logged: string[] = [];
  const db = watched(given.before?.(plain, databasePath) ?? plain, ran);
  const services = openServices({
    topology: openSingle(db),
    config: configOf(given, folder.path),
    secrets: given.secrets ?? [TEST_SECRET],
    log: openLog("info", "json", (line) => logged.push(line)),
    now: given.now ?? Date.now,
    instead: {
      version: "test",
      passwords: given.passwords ?? quickPasswords(),
      wait: given.wait ?? (async (ms) => (given.waits ? given.waits.push(ms) : Bun.sleep(ms))),
      follower: { poll: () => undefined, close: () => undefined },
      ...(given.turns ? { turns: given.turns } : {}),
      ...(given.gateway ? { gateway: given.gateway } : {}),
      ...(given.gatewayWait ? { gatewayWait: given.gatewayWait } : {}),
    },
  });
  const walk = openServer(services, given.bodyMsMax);
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    fetch(request, peer) {
      given.seen?.(request);
      return walk(request, peer);
    },
  });
  const url = server.url.href.replace(/\/$/, "");
  return {
    url,
    databasePath,
    db: plain,
    watched: db,
    ran,
    logged,
    cache: services.cache,
    identity: services.identity,
    routes: routes(services).routes,
    status: services.status,
    counters: services.counters,
    limits: services.limits,
    logins: services.loginThrottle,
    turns: services.turns,
    payments: services.payments,
    mail: services.mail,
    get: (path: string, init: RequestInit = {}) => fetch(`${url}${path}`, init),
    async close() {
      await server.stop(true);
      await services.payments.close();
      await services.mail.close();
      await services.catalogue.close();
      if (db.close !== plain.close) await db.close();
      await plain.close();
      folder.remove();
    },
  };
}

function watched(db: Database, ran: Ran[]): Database {
  const note = (here: boolean, { sql, args = [] }: Statement) => void ran.push({ here, sql, args });
  const noting = (at: Readable): Readable => ({
    read: {
      get(sql, ...args) {
        note(true, { sql, args });
        return at.read.get(sql, ...args);
      },
      all(sql, ...args) {
        note(true, { sql, args });
        return at.read.all(sql, ...args);
      },
    },
    scan(questions) {
      for (const question of questions) note(false, question);
      return at.scan(questions);
    },
  });
  return { ...db, ...noting(db), onPrimary: (work) => db.onPrimary((at) => work(noting(at))) };
}

/** Reads again until the value is good, at most for `msMax`; returns the last value for the test to judge. */
export async function readUntil<T>(
  read: () => T | Promise<T>,
  isGood: (value: T) => boolean,
  msMax: number,
): Promise<T> {
  const end = performance.now() + msMax;
  for (;;) {
    const value = await read();
    if (isGood(value) || performance.now() > end) return value;
    await Bun.sleep(POLL_MS);
  }
}
