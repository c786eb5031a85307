// The settings: defaults, then the environment, checked and frozen once. `.env.example` explains each.
import { join } from "node:path";
import { readCertificates } from "../db/server/certificates.ts";
import { checkEmail, checkPassword } from "./http/credentials.ts";
import { maskAddress } from "./http/mask.ts";
import { isNetwork } from "./limits/address.ts";
import type { LogLevel } from "./log.ts";
import { type MailConfig, readMailConfig } from "./mail-settings.ts";
import { readSaleConfig, type SaleConfig } from "./sale-settings.ts";
import { choice, type Environment, flag, httpUrl, refuse, share, text, whole } from "./settings.ts";

/** All settings of the program; sizes in bytes, times in the unit of the name. */
export type Config = SaleConfig &
  MailConfig &
  Readonly<{
    isProduction: boolean;
    host: string;
    port: number;
    dataDir: string;
    /** The database's file; on a node its replica. */
    databasePath: string;
    /** A node's primary; `null` on a single machine. */
    primary: PrimaryConfig | null;
    /** Pause between a node's syncs with a primary without a door while changes arrive. */
    syncIntervalMs: number;
    /** Without its last slash; empty: links are paths. */
    publicUrl: string;
    publicDir: string | null;
    currency: string;
    demo: boolean;
    cacheBytesMax: number;
    logLevel: LogLevel;
    logFormat: "json" | "pretty";
    /** Share of quick successful public GETs that are logged, 0 to 1. */
    logSample: number;
    /** The first signs, all verify; empty: the start generates one and stores it in the data folder. */
    jwtSecrets: readonly string[];
    accessTtlSeconds: number;
    /** Catalogue and likes accept writes without a token: for closed networks. */
    openWrites: boolean;
    /** The account that the start makes an admin when there is none. */
    firstAdmin: Readonly<{ email: string; password: string }> | null;
    /** Other origins that may call the API from a browser; a port of `*` is any port. */
    corsOrigins: readonly string[];
    /** Networks of proxies whose `X-Forwarded-For` is trusted. */
    trustProxy: readonly string[];
    /** Bearer token for metrics and details from outside private networks. */
    metricsToken: string | null;
    /** Requests and sign-ins of one client in a window; 0: no limit. */
    rateLimitMax: number;
    rateLimitAuthMax: number;
    rateLimitWindowSeconds: number;
  }>;

/** A primary with the tokens for writing and for syncing; `ca` is the PEM text of the certificates that sign its own. */
type PrimaryConfig = Readonly<{ url: string; writeToken: string; syncToken: string; ca?: string }>;

const MIB = 1024 * 1024;
const DAY_SECONDS = 86_400;
const SECRET_BYTES_MIN = 32;
const SECRETS_MAX = 2;
const SYNC_INTERVAL_MS = 90;
const SYNC_INTERVAL_MS_MAX = 60_000;
const METRICS_TOKEN_LENGTH_MIN = 16;
const RATE_LIMIT_LIMIT = 1_000_000_000;
/** Origins of storefronts in development. */
const LOCAL_ORIGINS = "http://localhost:*,http://127.0.0.1:*";
const LEVELS: LogLevel[] = ["debug", "info", "warn", "error"];

/** Reads the settings; on a terminal the log is pretty. Throws an error of one sentence that names the first bad one and its rule. */
export function readConfig(env: Environment, isTerminal = false): Config {
  const unknown = Object.keys(env).find((name) => name.startsWith("INSOLE_"));
  if (unknown) throw new Error(`${unknown} is not a setting: names begin without INSOLE_, see .env.example`);
  const isProduction = env.NODE_ENV === "production";
  const dataDir = text(env, "DATA_DIR", "./data");
  const databaseUrl = text(env, "DATABASE_URL", "");
  const primary = primaryOf(env, databaseUrl);
  return Object.freeze({
    isProduction,
    host: text(env, "HOST", "127.0.0.1"),
    port: whole(env, "PORT", 3000, 0, 65_535),
    dataDir,
    databasePath: databasePath(env, databaseUrl, dataDir, primary !== null),
    primary,
    syncIntervalMs: whole(env, "SYNC_INTERVAL_MS", SYNC_INTERVAL_MS, 5, SYNC_INTERVAL_MS_MAX),
    publicUrl: httpUrl(env, "PUBLIC_URL"),
    publicDir: text(env, "PUBLIC_DIR", "") || null,
    currency: currencyCode(env),
    demo: demo(env, isProduction, primary !== null),
    cacheBytesMax: whole(env, "CACHE_BYTES_MAX", 64 * MIB, 0, 64 * 1024 * MIB),
    logLevel: choice(env, "LOG_LEVEL", LEVELS, "info"),
    logFormat: isTerminal ? "pretty" : "json",
    logSample: share(env, "LOG_SAMPLE", isProduction ? 0.01 : 1),
    jwtSecrets: secrets(env),
    accessTtlSeconds: whole(env, "ACCESS_TTL_SECONDS", 900, 1, DAY_SECONDS),
    openWrites: openWrites(env, isProduction),
    firstAdmin: firstAdmin(env),
    corsOrigins: origins(env, isProduction ? "" : LOCAL_ORIGINS),
    trustProxy: networks(env),
    metricsToken: metricsToken(env),
    rateLimitMax: whole(env, "RATE_LIMIT_MAX", 5_000, 0, RATE_LIMIT_LIMIT),
    rateLimitAuthMax: whole(env, "RATE_LIMIT_AUTH_MAX", 500, 0, RATE_LIMIT_LIMIT),
    ...readSaleConfig(env, isProduction),
    ...readMailConfig(env),
    rateLimitWindowSeconds: whole(env, "RATE_LIMIT_WINDOW_SECONDS", 900, 1, DAY_SECONDS),
  });
}

function currencyCode(env: Environment): string {
  const value = text(env, "CURRENCY", "USD");
  if (!/^[A-Z]{3}$/.test(value)) refuse("CURRENCY", value, "an ISO 4217 code such as USD");
  const { maximumFractionDigits } = new Intl.NumberFormat("en", {
    style: "currency",
    currency: value,
  }).resolvedOptions();
  return maximumFractionDigits === 2 ? value : refuse("CURRENCY", value, "a currency with two decimals");
}

/** Error texts never contain a token. */
function primaryOf(env: Environment, url: string): PrimaryConfig | null {
  const ca = readCertificates(text(env, "DATABASE_CA_FILE", ""), url);
  if (url === "" || url.startsWith("file:")) return null;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new Error(
      `DATABASE_URL is ${maskAddress(url)}: it must be a file: URL, or http: or https: of the primary`,
    );
  const tokens = text(env, "DATABASE_AUTH_TOKEN", "").split(",");
  if (tokens.length > 2)
    throw new Error(
      `DATABASE_AUTH_TOKEN has ${tokens.length} parts: it must be one token, or a writing and a syncing one separated by a comma`,
    );
  const [writeToken = "", syncToken = writeToken] = tokens.map((token) => token.trim());
  return { url: url.replace(/\/+$/, ""), writeToken, syncToken, ...(ca === undefined ? {} : { ca }) };
}

function databasePath(env: Environment, url: string, dataDir: string, isNode: boolean): string {
  const replica = text(env, "REPLICA_PATH", "");
  if (isNode) return replica === "" ? join(dataDir, "replica.db") : replica;
  if (replica !== "")
    throw new Error("REPLICA_PATH is set: only a node has a replica, so set DATABASE_URL too");
  return url === "" ? join(dataDir, "insole.db") : url.slice("file:".length);
}

function demo(env: Environment, isProduction: boolean, isNode: boolean): boolean {
  const isDemo = flag(env, "DEMO", !isProduction && !isNode);
  if (isDemo && isNode)
    throw new Error(
      "DEMO is true: a node does not fill the catalogue, so fill the primary's file before it starts",
    );
  return isDemo;
}

/** Error texts never contain a secret. */
function secrets(env: Environment): string[] {
  const value = text(env, "JWT_SECRET", "");
  if (value === "") return [];
  const all = value.split(",").map((secret) => secret.trim());
  if (all.length > SECRETS_MAX)
    throw new Error(`JWT_SECRET has ${all.length} parts: it must be one secret, or two separated by a comma`);
  if (all.some((secret) => Buffer.byteLength(secret) < SECRET_BYTES_MIN))
    throw new Error(`JWT_SECRET is too short: each secret must have ${SECRET_BYTES_MIN} bytes or more`);
  return all;
}

function openWrites(env: Environment, isProduction: boolean): boolean {
  const isOpen = flag(env, "OPEN_WRITES", false);
  if (isOpen && isProduction)
    throw new Error("OPEN_WRITES is true: NODE_ENV=production does not allow writes without a token");
  return isOpen;
}

function firstAdmin(env: Environment): Config["firstAdmin"] {
  const email = text(env, "ADMIN_EMAIL", "");
  const password = env.ADMIN_PASSWORD ?? "";
  if ((email === "") !== (password === ""))
    throw new Error("ADMIN_EMAIL and ADMIN_PASSWORD go together: set both or none");
  if (email === "") return null;
  const emailRule = checkEmail(email);
  if (emailRule) throw new Error(`ADMIN_EMAIL is ${JSON.stringify(email)}: it ${emailRule}`);
  const passwordRule = checkPassword(password);
  if (passwordRule) throw new Error(`ADMIN_PASSWORD is too weak: it ${passwordRule}`);
  return { email, password };
}

function origins(env: Environment, fallback: string): string[] {
  const value = text(env, "CORS_ORIGIN", fallback);
  const all = value === "" ? [] : value.split(",").map((origin) => origin.trim().replace(/\/$/, ""));
  const isValid = all.every((origin) => /^https?:\/\/[\w.-]+(:(\d{1,5}|\*))?$/.test(origin));
  return isValid
    ? all
    : refuse("CORS_ORIGIN", value, "origins such as https://shop.example, separated by commas");
}

function networks(env: Environment): string[] {
  const value = text(env, "TRUST_PROXY", "");
  const all = value === "" ? [] : value.split(",").map((each) => each.trim());
  return all.every(isNetwork)
    ? all
    : refuse(
        "TRUST_PROXY",
        value,
        "addresses, networks such as 10.0.0.0/8, loopback or private, separated by commas",
      );
}

/** Error texts never contain the token. */
function metricsToken(env: Environment): string | null {
  const value = text(env, "METRICS_TOKEN", "");
  if (value === "") return null;
  if (value.length < METRICS_TOKEN_LENGTH_MIN || !/^[\w.~+/-]+=*$/.test(value))
    throw new Error(
      `METRICS_TOKEN is not valid: it must have ${METRICS_TOKEN_LENGTH_MIN} or more of the characters of a Bearer token`,
    );
  return value;
}
