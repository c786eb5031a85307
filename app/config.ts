// The settings: defaults, then the environment, checked and frozen once. `.env.example` explains each.
import { join } from "node:path";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** What the program was told; sizes in bytes, times in the unit of the name. */
export type Config = Readonly<{
  isProduction: boolean;
  host: string;
  port: number;
  dataDir: string;
  databasePath: string;
  /** Without its last slash; empty: URLs stay paths. */
  publicUrl: string;
  publicDir: string | null;
  currency: string;
  demo: boolean;
  cacheBytesMax: number;
  logLevel: LogLevel;
  logFormat: "json" | "pretty";
  /** Share of quick successful public GETs that are logged, 0 to 1. */
  logSample: number;
}>;

type Environment = Record<string, string | undefined>;

const MIB = 1024 * 1024;
const LEVELS: LogLevel[] = ["debug", "info", "warn", "error"];

/** Reads the settings (on a terminal the log is made for people); throws one sentence that names the first bad one and its rule. */
export function readConfig(env: Environment, isTerminal = false): Config {
  const unknown = Object.keys(env).find((name) => name.startsWith("INSOLE_"));
  if (unknown) throw new Error(`${unknown} is not a setting: names begin without INSOLE_, see .env.example`);
  const isProduction = env.NODE_ENV === "production";
  const dataDir = text(env, "DATA_DIR", "./data");
  const databaseUrl = text(env, "DATABASE_URL", "");
  if (databaseUrl !== "" && !databaseUrl.startsWith("file:"))
    throw new Error(`DATABASE_URL is ${databaseUrl}: it must be a file: URL`);
  return Object.freeze({
    isProduction,
    host: text(env, "HOST", "127.0.0.1"),
    port: whole(env, "PORT", 3000, 0, 65_535),
    dataDir,
    databasePath: databaseUrl === "" ? join(dataDir, "insole.db") : databaseUrl.slice("file:".length),
    publicUrl: httpUrl(env, "PUBLIC_URL"),
    publicDir: text(env, "PUBLIC_DIR", "") || null,
    currency: currencyCode(env),
    demo: flag(env, "DEMO", !isProduction),
    cacheBytesMax: whole(env, "CACHE_BYTES_MAX", 64 * MIB, 0, 64 * 1024 * MIB),
    logLevel: choice(env, "LOG_LEVEL", LEVELS, "info"),
    logFormat: isTerminal ? "pretty" : "json",
    logSample: share(env, "LOG_SAMPLE", isProduction ? 0.01 : 1),
  });
}

const text = (env: Environment, name: string, fallback: string): string => {
  const value = env[name];
  return value === undefined || value.trim() === "" ? fallback : value.trim();
};

const refuse = (name: string, value: string, rule: string): never => {
  throw new Error(`${name} is ${JSON.stringify(value)}: it must be ${rule}`);
};

function whole(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const value = text(env, name, String(fallback));
  const number = Number(value);
  const isGood = /^\d+$/.test(value) && number >= min && number <= max;
  return isGood ? number : refuse(name, value, `a whole number from ${min} to ${max}`);
}

function share(env: Environment, name: string, fallback: number): number {
  const value = text(env, name, String(fallback));
  const isGood = /^(0|1|0?\.\d+|1\.0+|0\.0*)$/.test(value);
  return isGood ? Number(value) : refuse(name, value, "a number from 0 to 1");
}

function flag(env: Environment, name: string, fallback: boolean): boolean {
  const value = text(env, name, String(fallback));
  return value === "true" || value === "false" ? value === "true" : refuse(name, value, "true or false");
}

function choice<T extends string>(env: Environment, name: string, choices: readonly T[], fallback: T): T {
  const value = text(env, name, fallback);
  return choices.find((known) => known === value) ?? refuse(name, value, `one of ${choices.join(", ")}`);
}

function httpUrl(env: Environment, name: string): string {
  const value = text(env, name, "");
  const isGood = value === "" || (/^https?:\/\//.test(value) && URL.canParse(value) && !/[?#]/.test(value));
  return isGood ? value.replace(/\/+$/, "") : refuse(name, value, "an http or https URL without query");
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
