// The program: reads the settings, opens the database, wires the shop, listens, and closes it all in order.
import type { Database } from "../db/database.ts";
import { type Feed, openFeed } from "../db/feed.ts";
import { version } from "../package.json";
import { makeFirstAdmin } from "./accounts/first-admin.ts";
import { openPasswords } from "./accounts/passwords.ts";
import { openLoginThrottle } from "./accounts/throttle.ts";
import { type Cache, openCache } from "./cache/cache.ts";
import { type Config, readConfig } from "./config.ts";
import { prepareData } from "./data-folder.ts";
import { openEdgeExpiry } from "./http/edge-expiry.ts";
import { openHeaders, transportHeaders } from "./http/headers.ts";
import { forgetOldWrites, openIdempotency } from "./http/idempotency.ts";
import { openVersions } from "./http/version.ts";
import { type Identity, openIdentity } from "./identity/identity.ts";
import { prepareSecrets } from "./identity/secrets.ts";
import { openTokens } from "./identity/tokens.ts";
import { fillDemo } from "./import/demo/fill.ts";
import { openLikes } from "./likes/likes.ts";
import { openClients } from "./limits/client.ts";
import { openLimits } from "./limits/limits.ts";
import { listen } from "./listen.ts";
import { type Log, openLog } from "./log.ts";
import { openDatabase } from "./open.ts";
import { openAccess } from "./ops/access.ts";
import { openCounters } from "./ops/counters.ts";
import { openStatus } from "./ops/status.ts";
import { openServer } from "./server.ts";
import { computeRelated, computeRelatedOf } from "./shoes/related/related.ts";
import { openCatalogue } from "./shoes/write/shoes.ts";

const TIDY_MS = 10 * 60_000;
const LEFT_OVER =
  "SELECT s.shoe_id FROM related_pending AS p JOIN shoes AS s ON s.id = p.shoe ORDER BY p.shoe LIMIT ?";
/** More than a writer leaves behind is an import's own affair. */
const LEFT_OVER_MAX = 100;
/** How often another process's changes are looked for; a node is told of them, and only what was put off is due. */
const FEED_POLL_MS = { single: 50, node: 200 };
/** Shoes that wait for their related list after a broken import; more are left to the next import. */
const PENDING_MAX = 2_000;
/** Tells a supervisor that the process can only be helped by starting anew (sysexits: a temporary failure). */
const RESTART_CODE = 75;

/** A running shop. */
export type Shop = { url: string; close(): Promise<void> };

/** Starts a shop with these settings; throws one sentence when it cannot. */
export async function main(config: Config, log: Log, onFatal: (why: string) => void = fail): Promise<Shop> {
  const startedAtMs = Date.now();
  prepareData(config, log);
  const secrets = prepareSecrets(config.jwtSecrets, config.dataDir, secretNeededFor(config));
  const place = await openDatabase(config, { log, onFatal });
  const { db } = place;
  if (place.role === "single") await prepareCatalogue(db, config, log);

  const passwords = openPasswords();
  if (await makeFirstAdmin(db, passwords, config.firstAdmin, Date.now())) log.info("made the first admin");

  const feed = openFeed(db);
  const cache = openCacheOf(config, feed);
  const identity = openIdentity(db, openTokens(secrets, config.accessTtlSeconds, Date.now), Date.now);
  const status = openStatus({ version, startedAtMs, now: Date.now, seq: feed.position, place });
  const look = () => follow(feed, { cache, identity, log });
  const versions = openVersions({
    ...feed,
    secrets,
    isSecure: config.publicUrl.startsWith("https:"),
    topology: place,
  });
  const catalogue = openCatalogue(db);
  const clients = openClients(config.trustProxy);
  const walk = openServer({
    db,
    look,
    versions,
    idempotency: openIdempotency(db, Date.now),
    catalogue,
    likes: openLikes(db, { now: Date.now, isOpen: config.openWrites, onCommit: look }),
    openWrites: config.openWrites,
    cache,
    identity,
    passwords,
    loginThrottle: openLoginThrottle({ now: Date.now }),
    limits: openLimitsOf(config),
    clients,
    headers: openHeaders(config),
    counters: openCounters(),
    access: openAccess(clients, config.metricsToken),
    origins: config,
    now: Date.now,
    status,
    log,
    shop: { publicUrl: config.publicUrl, currency: config.currency },
    publicDir: config.publicDir,
    edge: place.role === "node" ? openEdgeExpiry(Date.now) : null,
    logSample: config.logSample,
  });
  place.onNews(look);
  const polling = setInterval(look, FEED_POLL_MS[place.role]);
  const tidying = setInterval(() => void tidy(db, log), TIDY_MS);
  const listener = listen(config, walk);
  status.enter("ready");

  const close = async () => {
    status.enter("draining");
    await listener.drain(place.role === "node");
    clearInterval(polling);
    clearInterval(tidying);
    await listener.close();
    await catalogue.close();
    await db.close();
  };
  return { url: listener.url, close };
}

const secretNeededFor = ({ isProduction, primary }: Config): string | null => {
  if (primary) return "a node (all nodes the same)";
  return isProduction ? "NODE_ENV=production" : null;
};

const fail = (why: string): never => {
  throw new Error(why);
};

const openCacheOf = ({ cacheBytesMax: bytesMax, publicUrl }: Config, { position }: Feed): Cache =>
  openCache({ bytesMax, now: Date.now, position, headers: transportHeaders(publicUrl) });

const openLimitsOf = (config: Config) =>
  openLimits({
    requestsMax: config.rateLimitMax,
    signInsMax: config.rateLimitAuthMax,
    windowSeconds: config.rateLimitWindowSeconds,
    now: Date.now,
  });

/** Tells those who remember what is new. A feed that cannot be read may have any news, so nothing is kept. */
function follow(feed: Feed, { cache, identity, log }: { cache: Cache; identity: Identity; log: Log }): void {
  const forgetAll = () => {
    cache.clear();
    identity.clear();
  };
  try {
    const news = feed.poll();
    if (news.kind === "lost") forgetAll();
    else if (news.changes.length > 0) {
      cache.apply(news.changes);
      identity.apply(news.changes);
    } else cache.tick();
  } catch (thrown) {
    forgetAll();
    log.error("the change feed could not be read", { error: String(thrown) });
  }
}

/** Removes what has had its day, and gives their related shoes to those whose writer could not. */
async function tidy(db: Database, log: Log): Promise<void> {
  try {
    await forgetOldWrites(db, Date.now());
    const left = db.read.all<[string]>(LEFT_OVER, LEFT_OVER_MAX);
    for (const [shoeId] of left) await computeRelatedOf(db, shoeId);
  } catch (thrown) {
    log.warn("the database could not be tidied", { error: String(thrown) });
  }
}

async function prepareCatalogue(db: Database, config: Config, log: Log): Promise<void> {
  if (config.demo) {
    const filled = await fillDemo(db);
    if (filled > 0) log.info("filled an empty catalogue with demo shoes", { shoes: filled });
  }
  const [pending] = db.read.get<[number]>(
    "SELECT count(*) FROM (SELECT 1 FROM related_pending LIMIT ?)",
    PENDING_MAX + 1,
  ) ?? [0];
  if (pending > PENDING_MAX) log.warn("an import was broken off: run it again to complete the related shoes");
  else if (pending > 0) await computeRelated(db);
}

if (import.meta.main) {
  try {
    const config = readConfig(process.env, process.stdout.isTTY);
    const log = openLog(config.logLevel, config.logFormat, (line) => process.stdout.write(`${line}\n`));
    let isStopping = false;
    // A terminal may deliver its signal twice: through the package runner and by itself.
    const stop = async (signal: string, code = 0) => {
      if (isStopping) return;
      isStopping = true;
      log.info("closing", { signal });
      await shop.close();
      process.exit(code);
    };
    const shop = await main(config, log, (why) => {
      log.error("starting anew", { why });
      void stop("none", RESTART_CODE);
    });
    log.info("the shop is open", { shop: shop.url, docs: `${shop.url}/docs`, data: config.databasePath });
    for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => void stop(signal));
  } catch (thrown) {
    process.stderr.write(`insole: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    process.exit(1);
  }
}
