// The program: reads the settings, opens the database, wires the shop, listens, and closes it all in order.
import { type Feed, openFeed } from "../db/feed.ts";
import { version } from "../package.json";
import { makeFirstAdmin } from "./accounts/first-admin.ts";
import { openPasswords } from "./accounts/passwords.ts";
import { openLoginThrottle } from "./accounts/throttle.ts";
import { type Cache, openCache } from "./cache/cache.ts";
import { openFollower } from "./cache/follow.ts";
import { type Config, readConfig } from "./config.ts";
import { prepareData } from "./data-folder.ts";
import { openEdgeExpiry } from "./http/edge-expiry.ts";
import { openHeaders, transportHeaders } from "./http/headers.ts";
import { openIdempotency } from "./http/idempotency.ts";
import { openVersions } from "./http/version.ts";
import { openIdentity } from "./identity/identity.ts";
import { prepareSecrets } from "./identity/secrets.ts";
import { openTokens } from "./identity/tokens.ts";
import { openLikes } from "./likes/likes.ts";
import { openClients } from "./limits/client.ts";
import { openLimits } from "./limits/limits.ts";
import { listen } from "./listen.ts";
import { type Log, openLog } from "./log.ts";
import { completeCatalogue, openTidying } from "./maintenance.ts";
import { openDatabase } from "./open.ts";
import { openAccess } from "./ops/access.ts";
import { openCounters } from "./ops/counters.ts";
import { openStatus } from "./ops/status.ts";
import { openServer } from "./server.ts";
import { openCatalogue } from "./shoes/write/shoes.ts";

/** Between two polls of the feed for changes of other processes; a node hears of them, and only what was put off is due. */
const FEED_POLL_MS = { single: 50, node: 200 };
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
  if (place.role === "single") await completeCatalogue(db, config.demo, log);

  const passwords = openPasswords();
  if (await makeFirstAdmin(db, passwords, config.firstAdmin, Date.now())) log.info("made the first admin");

  const feed = openFeed(db);
  const cache = openCacheOf(config, feed);
  const identity = openIdentity(db, openTokens(secrets, config.accessTtlSeconds, Date.now), Date.now);
  const status = openStatus({ version, startedAtMs, now: Date.now, seq: feed.position, place });
  const follower = openFollower({ feed, kept: [cache, identity], log, pollMs: FEED_POLL_MS[place.role] });
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
    look: follower.poll,
    versions,
    idempotency: openIdempotency(db, Date.now),
    catalogue,
    likes: openLikes(db, { now: Date.now, isOpen: config.openWrites, onCommit: follower.poll }),
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
  place.onNews(follower.poll);
  const tidying = openTidying(db, { log, now: Date.now });
  const listener = listen(config, walk);
  status.enter("ready");

  const close = async () => {
    status.enter("draining");
    await listener.drain(place.role === "node");
    follower.close();
    tidying.close();
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
