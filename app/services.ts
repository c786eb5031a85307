// The one place that wires the services: main and the shops of tests open them here.
import { hostname } from "node:os";
import type { Database } from "../db/database.ts";
import { openFeed } from "../db/feed.ts";
import { openTurns, type Turns } from "../db/read/turns.ts";
import type { Topology } from "../db/topology.ts";
import { version } from "../package.json";
import { openPasswords, type Passwords } from "./accounts/passwords.ts";
import { resetTokenOf } from "./accounts/reset.ts";
import { openResetTokens } from "./accounts/reset-tokens.ts";
import type { AccountServices } from "./accounts/routes.ts";
import { openLoginThrottle } from "./accounts/throttle.ts";
import { patienceOf } from "./accounts/visitors.ts";
import { openCache } from "./cache/cache.ts";
import { type Follower, openFollower, openPolls } from "./cache/follow.ts";
import type { Config } from "./config.ts";
import { type EdgeExpiry, openEdgeExpiry } from "./http/edge-expiry.ts";
import { seedOf } from "./http/entity-tag.ts";
import {
  CATALOGUE,
  type HeaderSetter,
  openHeaders,
  publicHeaders,
  transportHeaders,
} from "./http/headers.ts";
import { localAddress, openHostCheck, ownNames } from "./http/host.ts";
import { openIdempotency } from "./http/idempotency.ts";
import { isBehindTls, openPageCheck } from "./http/origin.ts";
import { openVersions } from "./http/version.ts";
import { openIdentity } from "./identity/identity.ts";
import { openTokens } from "./identity/tokens.ts";
import { openLikes } from "./likes/likes.ts";
import type { LikeServices } from "./likes/routes.ts";
import { type Clients, openClients } from "./limits/client.ts";
import { type Limits, openLimits } from "./limits/limits.ts";
import type { Log } from "./log.ts";
import { type Links, openFormats, openMail, type ShopMail } from "./mail/mail.ts";
import { type Access, openAccess } from "./ops/access.ts";
import { type Counters, openCounters } from "./ops/counters.ts";
import { openStatus, type Status } from "./ops/status.ts";
import { type Gateway, openOrderTokens, openPayments, openSettle } from "./orders/orders.ts";
import type { PaymentServices } from "./orders/payment/webhook-routes.ts";
import type { ReportServices } from "./orders/report/routes.ts";
import type { OrderServices } from "./orders/routes.ts";
import type { OrderPageServices } from "./pages/order-routes.ts";
import type { CatalogueServices } from "./shoes/routes.ts";
import type { CatalogueWriteServices } from "./shoes/write/routes.ts";
import { openCatalogue } from "./shoes/write/shoes.ts";

/** The services of the walk and the routes. */
export type Services = AccountServices &
  CatalogueServices &
  CatalogueWriteServices &
  LikeServices &
  OrderServices &
  PaymentServices &
  ReportServices & {
    status: Status;
    limits: Limits;
    clients: Clients;
    headers: HeaderSetter;
    counters: Counters;
    access: Access;
    follower: Follower;
    log: Log;
    mail: ShopMail;
    publicDir: string | null;
    /** As mails and the pages of customers name it. */
    shopName: string;
    /** `null` where ORDER_URL leads to pages elsewhere. */
    orderPages: OrderPageServices["orderPages"];
    /** `null` without an edge in front. */
    edge: EdgeExpiry | null;
    /** Share of quick successful public GETs that are logged. */
    logSample: number;
  };

type ServiceOptions = {
  topology: Topology;
  config: Config;
  /** Secrets of tokens and versions: the first signs, all verify. */
  secrets: readonly string[];
  log: Log;
  now(): number;
  /** When the process started, by default now. */
  startedAtMs?: number;
  instead?: Replacements;
};

/** What tests replace. */
export type Replacements = {
  version?: string;
  /** Puts another database before the one that was opened. */
  database?: (opened: Database) => Database;
  passwords?: Passwords;
  follower?: Follower;
  turns?: CatalogueServices["turns"];
  gateway?: Gateway;
  /** How the sandbox gateway waits. */
  gatewayWait?: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** Times of the sender of mail. */
  mailTimes?: Parameters<typeof openMail>[0]["times"];
  /** Deadlines of the connection to the mail server. */
  mailBounds?: Parameters<typeof openMail>[0]["bounds"];
  /** How the login throttle waits. */
  wait?: (ms: number) => Promise<unknown>;
};

/** Time between two polls of the feed; a node's replica also reports news, so its polls only apply throttled changes. */
const FEED_POLL_MS = { single: 50, node: 200 };

/** Lists at the read worker. A refused client asks again at once, so those that wait are many, and each for a second. */
const WIDE_TURNS = { runningMax: 2, waitingMax: 1_000 };
/** Public reads at the primary: half of the queries that it gets at once from this process. */
const PRIMARY_TURNS = { runningMax: 4, waitingMax: 1_000 };

/** Opens the services on an open database; they follow its change feed until `follower.close()`. */
export function openServices(options: ServiceOptions): Services {
  const { topology, config, secrets, log, now, instead = {} } = options;
  const { db, role } = topology;
  const { publicUrl, currency, publicDir, openWrites, logSample } = config;
  const feed = openFeed(db);
  const settingsHeaders = transportHeaders(publicUrl);
  const cache = openCache({
    bytesMax: config.cacheBytesMax,
    now,
    position: feed.position,
    headers: settingsHeaders,
  });
  const identity = openIdentity(db, openTokens(secrets, config.accessTtlSeconds, now), now);
  const follower =
    instead.follower ?? openFollower({ feed, kept: [cache, identity], log, pollMs: FEED_POLL_MS[role] });
  topology.onNews(follower.poll);
  const clients = openClients(config.trustProxy);
  const payments = paymentsOf(options);
  const isOwnHost = openHostCheck(ownNames(publicUrl, hostname()));
  const turns = instead.turns ?? { wide: openTurns(WIDE_TURNS), primary: openTurns(PRIMARY_TURNS) };
  return {
    db,
    now,
    log,
    logSample,
    publicDir,
    shopName: config.shopName,
    openWrites,
    refusePage: openPageCheck(config, isOwnHost),
    origins: config,
    shop: { publicUrl, currency },
    cache,
    identity,
    follower,
    ...openPolls(db, follower.poll),
    clients,
    turns,
    versions: openVersions({ ...feed, secrets, isSecure: isBehindTls(config), topology }),
    idempotency: openIdempotency(db, now),
    itemSeed: seedOf(publicHeaders(settingsHeaders, CATALOGUE)),
    catalogue: openCatalogue(db),
    likes: openLikes(db, { now, isOpen: openWrites, onCommit: follower.poll }),
    orders: ordersOf(options, payments.gateway),
    payments,
    orderTokens: openOrderTokens(secrets),
    resetTokens: openResetTokens(secrets),
    orderPages: orderPagesOf(config),
    mail: mailOf(options, turns.wide),
    guestOrders: config.guestOrders,
    reportTimezone: config.reportTimezone,
    passwords: instead.passwords ?? openPasswords(),
    loginThrottle: openLoginThrottle({ now, ...(instead.wait ? { wait: instead.wait } : {}) }),
    patienceMs: patienceOf(role === "node" || config.trustProxy.length > 0),
    limits: limitsOf(config, now),
    headers: openHeaders(config),
    edge: role === "node" ? openEdgeExpiry(now) : null,
    counters: openCounters(),
    access: openAccess({ clients, isOwnHost, token: config.metricsToken }),
    status: statusOf(options, feed.position),
  };
}

const limitsOf = (
  { rateLimitMax, rateLimitAuthMax, rateLimitWindowSeconds }: Config,
  now: () => number,
): Limits =>
  openLimits({
    requestsMax: rateLimitMax,
    signInsMax: rateLimitAuthMax,
    windowSeconds: rateLimitWindowSeconds,
    now,
  });

const statusOf = (
  { topology, now, startedAtMs = now(), instead = {} }: ServiceOptions,
  seq: () => number,
): Status => openStatus({ version: instead.version ?? version, startedAtMs, now, seq, topology });

const ordersOf = (
  { topology, config, log, now }: ServiceOptions,
  gateway: Gateway | null,
): OrderServices["orders"] => ({
  db: topology.db,
  settle: openSettle(topology.db),
  now,
  log,
  currency: config.currency,
  gateway,
  terms: config.terms,
  orderUrl: config.orderUrl,
  openOrdersMax: config.openOrdersMax,
  openOrdersAddressMax: config.openOrdersAddressMax,
  // Mails of low stock are not written where they would have no recipient.
  lowStock: config.alertEmails.length > 0 ? config.lowStock : 0,
  reportTimezone: config.reportTimezone,
});

const orderPagesOf = (config: Config): Services["orderPages"] =>
  config.orderUrl === `${config.publicUrl}/orders`
    ? { shopName: config.shopName, formats: openFormats(config) }
    : null;

const paymentsOf = ({ topology, config, secrets, log, now, instead = {} }: ServiceOptions) =>
  openPayments({
    db: topology.db,
    now,
    log,
    secrets,
    publicUrl: config.publicUrl,
    gateway: config.paymentGateway,
    instead: instead.gateway,
    wait: instead.gatewayWait,
  });

function mailOf(options: ServiceOptions, turns: Turns): ShopMail {
  const { topology, config, log, now, instead = {} } = options;
  const { mailTimes: times, mailBounds: bounds } = instead;
  const { db } = topology;
  const links = linksOf(options);
  return openMail({ db, config, copy: topology, turns, links, now, log, times, bounds });
}

/** The links of mails are whole addresses, also of a shop without `PUBLIC_URL`. */
function linksOf({ topology, config, secrets, now }: ServiceOptions): Links {
  const { orderUrl, resetUrl, publicUrl } = config;
  const absolute = (url: string) => (url.startsWith("/") ? `${localAddress(config)}${url}` : url);
  const tokens = openOrderTokens(secrets);
  const resets = { db: topology.db, resetTokens: openResetTokens(secrets), now };
  return {
    order: (orderId, isGuest) =>
      absolute(`${orderUrl}/${orderId}${isGuest ? `?token=${tokens.of(orderId)}` : ""}`),
    site: (href) => absolute(href.startsWith("/") ? `${publicUrl}${href}` : href),
    async reset(userId, expiresAtMs, updatedAtMs) {
      const token = await resetTokenOf(resets, userId, { expiresAtMs, updatedAtMs });
      return token === null ? null : absolute(`${resetUrl}?token=${token}`);
    },
  };
}
