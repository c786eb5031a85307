// Each setting: its default, its valid values, and the error text for any other.
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openAuthority } from "../db/testing/certificates.ts";
import { type Config, readConfig } from "./config.ts";
import { openFolder } from "./testing/shop.ts";

const folder = openFolder();
afterAll(folder.remove);

const DEFAULTS: Config = {
  isProduction: false,
  host: "127.0.0.1",
  port: 3000,
  dataDir: "./data",
  databasePath: "data/insole.db",
  primary: null,
  syncIntervalMs: 90,
  publicUrl: "",
  publicDir: null,
  currency: "USD",
  demo: true,
  cacheBytesMax: 64 * 1024 * 1024,
  logLevel: "info",
  logFormat: "json",
  logSample: 1,
  jwtSecrets: [],
  accessTtlSeconds: 900,
  openWrites: false,
  firstAdmin: null,
  corsOrigins: ["http://localhost:*", "http://127.0.0.1:*"],
  trustProxy: [],
  metricsToken: null,
  rateLimitMax: 5_000,
  rateLimitAuthMax: 500,
  rateLimitWindowSeconds: 900,
  guestOrders: true,
  openOrdersMax: 3,
  openOrdersAddressMax: 20,
  orderUrl: "/orders",
  terms: { shipping: [{ method: "standard", name: "Standard", priceCents: 0 }], taxRates: {} },
  smtp: null,
  mailFrom: { name: "Insole", address: "shop@localhost" },
  alertEmails: [],
  shopName: "Insole",
  locale: "en-US",
  resetUrl: "/account/reset",
  lowStock: 3,
  paymentGateway: "sandbox",
  reportTimezone: "UTC",
};

test("without settings: a shop for development", () => {
  expect(readConfig({})).toEqual(DEFAULTS);
  expect(readConfig({}, true)).toEqual({ ...DEFAULTS, logFormat: "pretty" });
});

test("in production: no demo, and few hits in the log", () => {
  expect(readConfig({ NODE_ENV: "production" })).toEqual({
    ...DEFAULTS,
    isProduction: true,
    demo: false,
    paymentGateway: "none",
    logSample: 0.01,
    corsOrigins: [],
  });
  expect(readConfig({ NODE_ENV: "production", DEMO: "true", LOG_SAMPLE: "1" })).toMatchObject({
    demo: true,
    logSample: 1,
  });
  expect(readConfig({ NODE_ENV: "test" }).isProduction).toBe(false);
});

test("is frozen", () => {
  expect(Object.isFrozen(readConfig({}))).toBe(true);
});

test("variables of other programs are ignored", () => {
  expect(readConfig({ PATH: "/bin", HOME: "/", npm_config_cache: "x" })).toEqual(DEFAULTS);
});

describe("a valid setting is read", () => {
  const taken: [string, string, Partial<Config>][] = [
    ["HOST", "0.0.0.0", { host: "0.0.0.0" }],
    ["JWT_SECRET", "s".repeat(32), { jwtSecrets: ["s".repeat(32)] }],
    ["JWT_SECRET", `${"n".repeat(32)}, ${"ö".repeat(16)}`, { jwtSecrets: ["n".repeat(32), "ö".repeat(16)] }],
    ["ACCESS_TTL_SECONDS", "86400", { accessTtlSeconds: 86_400 }],
    ["CORS_ORIGIN", "https://a.example/, http://b:*", { corsOrigins: ["https://a.example", "http://b:*"] }],
    [
      "TRUST_PROXY",
      "loopback, private,203.0.113.7,2001:db8::/32",
      { trustProxy: ["loopback", "private", "203.0.113.7", "2001:db8::/32"] },
    ],
    ["METRICS_TOKEN", "0123456789abcdef", { metricsToken: "0123456789abcdef" }],
    ["RATE_LIMIT_MAX", "0", { rateLimitMax: 0 }],
    ["RATE_LIMIT_AUTH_MAX", "7", { rateLimitAuthMax: 7 }],
    ["RATE_LIMIT_WINDOW_SECONDS", "1", { rateLimitWindowSeconds: 1 }],
    ["PORT", "0", { port: 0 }],
    ["PORT", "65535", { port: 65_535 }],
    ["PORT", " 8080 ", { port: 8_080 }],
    [
      "DATA_DIR",
      "/var/lib/insole",
      { dataDir: "/var/lib/insole", databasePath: "/var/lib/insole/insole.db" },
    ],
    ["DATABASE_URL", "file:/srv/shop.db", { databasePath: "/srv/shop.db", dataDir: "./data" }],
    [
      "PUBLIC_URL",
      "https://shop.example/",
      {
        publicUrl: "https://shop.example",
        orderUrl: "https://shop.example/orders",
        resetUrl: "https://shop.example/account/reset",
      },
    ],
    [
      "PUBLIC_URL",
      "http://shop.example:8080/sub//",
      {
        publicUrl: "http://shop.example:8080/sub",
        orderUrl: "http://shop.example:8080/sub/orders",
        resetUrl: "http://shop.example:8080/sub/account/reset",
      },
    ],
    ["PUBLIC_DIR", "./public", { publicDir: "./public" }],
    ["CURRENCY", "EUR", { currency: "EUR" }],
    ["DEMO", "false", { demo: false }],
    ["OPEN_WRITES", "true", { openWrites: true }],
    ["CACHE_BYTES_MAX", "0", { cacheBytesMax: 0 }],
    ["CACHE_BYTES_MAX", "68719476736", { cacheBytesMax: 68_719_476_736 }],
    ["LOG_LEVEL", "debug", { logLevel: "debug" }],
    ["LOG_SAMPLE", "0", { logSample: 0 }],
    ["LOG_SAMPLE", ".25", { logSample: 0.25 }],
    ["LOG_SAMPLE", "1.0", { logSample: 1 }],
  ];
  test.each(taken)("%s=%s", (name, value, expected) => {
    expect(readConfig({ [name]: value })).toEqual({ ...DEFAULTS, ...expected });
  });

  const names = ["HOST", "PORT", "DATA_DIR", "DATABASE_URL", "PUBLIC_URL", "PUBLIC_DIR", "CURRENCY", "DEMO"];
  const others = ["CACHE_BYTES_MAX", "LOG_LEVEL", "LOG_SAMPLE"];
  test.each([...names, ...others])("%s empty or blank: as if it were not there", (name) => {
    for (const value of ["", "  ", undefined]) expect(readConfig({ [name]: value })).toEqual(DEFAULTS);
  });
});

test("the URL of a primary makes a node", () => {
  const node = { ...DEFAULTS, demo: false, databasePath: "data/replica.db" };
  const url = "http://primary:8080";
  expect(readConfig({ DATABASE_URL: `${url}/`, DATABASE_AUTH_TOKEN: "w, s" })).toEqual({
    ...node,
    primary: { url, writeToken: "w", syncToken: "s" },
  });
  expect(
    readConfig({ DATABASE_URL: url, DATABASE_AUTH_TOKEN: "both", REPLICA_PATH: "/r", SYNC_INTERVAL_MS: "5" }),
  ).toEqual({
    ...node,
    databasePath: "/r",
    syncIntervalMs: 5,
    primary: { url, writeToken: "both", syncToken: "both" },
  });
});

describe("the certificates of a primary", () => {
  const authority = openAuthority();
  afterAll(authority.remove);
  const url = "https://primary:8080";
  const read = (file: string, DATABASE_URL = url) => readConfig({ DATABASE_URL, DATABASE_CA_FILE: file });

  test("are read from their file", () => {
    expect(read(` ${authority.path} `).primary).toMatchObject({ url, ca: authority.pem.trim() });
    expect(read("").primary).toEqual({ url, writeToken: "", syncToken: "" });
  });

  test("have a file of their own, in PEM form", () => {
    const rule = "it must be a file of certificates in PEM form";
    const files = {
      empty: "",
      prose: "no certificate",
      half: authority.pem.slice(0, 200),
      false: authority.pem.replace(/\n.{20}/, `\n${"A".repeat(20)}`),
      key: authority.pem.replaceAll("CERTIFICATE", "PRIVATE KEY"),
      mixed: `${authority.pem}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    };
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder.path, name);
      writeFileSync(path, content);
      expect(() => read(path)).toThrow(new Error(`DATABASE_CA_FILE is ${JSON.stringify(path)}: ${rule}`));
    }
  });

  test("must be there, and only with TLS", () => {
    const missing = join(folder.path, "missing.pem");
    const start = `DATABASE_CA_FILE is ${JSON.stringify(missing)}: it cannot be read (ENOENT`;
    expect(() => read(missing)).toThrow(start);
    expect(() => read(folder.path)).toThrow("it cannot be read (EISDIR");
    const rule =
      "DATABASE_CA_FILE is set: only a primary has certificates whose DATABASE_URL begins with https:";
    for (const without of ["http://primary:8080", "file:/srv/shop.db", ""])
      expect(() => read(authority.path, without)).toThrow(new Error(rule));
  });
});

test("open writes are refused in production", () => {
  const production = { NODE_ENV: "production", JWT_SECRET: "s".repeat(32) };
  expect(() => readConfig({ ...production, OPEN_WRITES: "true" })).toThrow("OPEN_WRITES is true");
  expect(readConfig({ ...production, OPEN_WRITES: "false" }).openWrites).toBe(false);
});

describe("a bad setting is refused in one sentence", () => {
  const PORT_RULE = "it must be a whole number from 0 to 65535";
  const BYTES_RULE = "it must be a whole number from 0 to 68719476736";
  const URL_RULE = "it must be an http or https URL without user and query";
  const SHARE_RULE = "it must be a number from 0 to 1";
  const ORIGIN_RULE = "it must be origins such as https://shop.example, separated by commas";
  const refused: [string, string, string][] = [
    ...["-1", "65536", "1e3", "80.5", "0x50", "http", "99999999999999999999"].map(
      (value): [string, string, string] => ["PORT", value, PORT_RULE],
    ),
    ...["64MB", "-1", "68719476737"].map((value): [string, string, string] => [
      "CACHE_BYTES_MAX",
      value,
      BYTES_RULE,
    ]),
    ...[
      "shop.example",
      "ftp://shop.example",
      "https://ada:secret@shop.example",
      "https://@shop.example",
      "https://",
      "https://shop.example/?a",
      "https://shop.example/#a",
    ].map((value): [string, string, string] => ["PUBLIC_URL", value, URL_RULE]),
    ...["1.1", "2", "-0.1", "1e-2", "half", "."].map((value): [string, string, string] => [
      "LOG_SAMPLE",
      value,
      SHARE_RULE,
    ]),
    ["CURRENCY", "eur", "it must be an ISO 4217 code such as USD"],
    ["CURRENCY", "EURO", "it must be an ISO 4217 code such as USD"],
    ["CURRENCY", "JPY", "it must be a currency with two decimals"],
    ["DEMO", "yes", "it must be true or false"],
    ["DEMO", "TRUE", "it must be true or false"],
    ["ACCESS_TTL_SECONDS", "0", "it must be a whole number from 1 to 86400"],
    ["ACCESS_TTL_SECONDS", "86401", "it must be a whole number from 1 to 86400"],
    ...["*", "shop.example", "https://a.example/path", "null", "https://a.example,"].map(
      (value): [string, string, string] => ["CORS_ORIGIN", value, ORIGIN_RULE],
    ),
    ...["everyone", "10.0.0.0/33", "1.2.3.4:80", "loopback,", "true"].map(
      (value): [string, string, string] => [
        "TRUST_PROXY",
        value,
        "it must be addresses, networks such as 10.0.0.0/8, loopback or private, separated by commas",
      ],
    ),
    ["RATE_LIMIT_MAX", "-1", "it must be a whole number from 0 to 1000000000"],
    ["RATE_LIMIT_AUTH_MAX", "many", "it must be a whole number from 0 to 1000000000"],
    ["RATE_LIMIT_WINDOW_SECONDS", "0", "it must be a whole number from 1 to 86400"],
    ["LOG_LEVEL", "verbose", "it must be one of debug, info, warn, error"],
  ];
  test.each(refused)("%s=%s", (name, value, rule) => {
    expect(() => readConfig({ [name]: value })).toThrow(
      new Error(`${name} is ${JSON.stringify(value)}: ${rule}`),
    );
  });

  test.each<[Record<string, string>, string]>([
    ...["short", "fifteen-letters", "with a space in it", "with;other,signs!"].map(
      (METRICS_TOKEN): [Record<string, string>, string] => [
        { METRICS_TOKEN },
        "METRICS_TOKEN is not valid: it must have 16 or more of the characters of a Bearer token",
      ],
    ),
    [{ JWT_SECRET: "k".repeat(31) }, "JWT_SECRET is too short: each secret must have 32 bytes or more"],
    [{ JWT_SECRET: `${"k".repeat(32)},` }, "JWT_SECRET is too short: each secret must have 32 bytes or more"],
    [
      { JWT_SECRET: `${"k".repeat(32)},`.repeat(3).slice(0, -1) },
      "JWT_SECRET has 3 parts: it must be one secret, or two separated by a comma",
    ],
    [{ ADMIN_EMAIL: "a@b.example" }, "ADMIN_EMAIL and ADMIN_PASSWORD go together: set both or none"],
    [{ ADMIN_PASSWORD: "long enough" }, "ADMIN_EMAIL and ADMIN_PASSWORD go together: set both or none"],
    [
      { ADMIN_EMAIL: "boss", ADMIN_PASSWORD: "long enough" },
      'ADMIN_EMAIL is "boss": it must be an e-mail address',
    ],
    [
      { ADMIN_EMAIL: "a@b.example", ADMIN_PASSWORD: "short" },
      "ADMIN_PASSWORD is too weak: it must have 8 to 128 characters",
    ],
  ])("%j, without repeating a secret", (env, sentence) => {
    expect(() => readConfig(env)).toThrow(new Error(sentence));
  });

  const http = "http://primary:8080";
  test.each<[Record<string, string>, string]>([
    [
      { DATABASE_URL: "mongodb://x" },
      "DATABASE_URL is mongodb://x: it must be a file: URL, or http: or https: of the primary",
    ],
    [
      { DATABASE_URL: "libsql://user:word@x?authToken=abc" },
      "DATABASE_URL is libsql://***@x?authToken=***: it must be a file: URL, or http: or https: of the primary",
    ],
    [
      { DATABASE_URL: "http://" },
      "DATABASE_URL is http://: it must be a file: URL, or http: or https: of the primary",
    ],
    [
      { DATABASE_URL: http, DATABASE_AUTH_TOKEN: "a,b,c" },
      "DATABASE_AUTH_TOKEN has 3 parts: it must be one token, or a writing and a syncing one separated by a comma",
    ],
    [
      { DATABASE_URL: http, DEMO: "true" },
      "DEMO is true: a node does not fill the catalogue, so fill the primary's file before it starts",
    ],
    [{ REPLICA_PATH: "r.db" }, "REPLICA_PATH is set: only a node has a replica, so set DATABASE_URL too"],
    [{ SYNC_INTERVAL_MS: "1" }, 'SYNC_INTERVAL_MS is "1": it must be a whole number from 5 to 60000'],
  ])("%j", (env, sentence) => {
    expect(() => readConfig(env)).toThrow(new Error(sentence));
  });

  test("an unknown INSOLE_ name", () => {
    expect(() => readConfig({ INSOLE_PORT: "80" })).toThrow(
      new Error("INSOLE_PORT is not a setting: names begin without INSOLE_, see .env.example"),
    );
  });
});

test(".env.example shows the defaults", () => {
  const text = readFileSync(join(import.meta.dir, "../.env.example"), "utf8");
  const shown = [...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]);
  expect(shown.length).toBeGreaterThan(20);
  expect(readConfig(Object.fromEntries(shown))).toEqual(DEFAULTS);
});
