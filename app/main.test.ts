// The program as a process: its start, the refusals to start, and its end.
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { openFile } from "../db/file.ts";
import { migrate } from "../db/schema/migrate.ts";
import { booksOf } from "./testing/books.ts";
import { openFolder, openObservedShop, saveAll, shoe } from "./testing/shop.ts";

const MAIN = join(import.meta.dir, "main.ts");
/** Larger than the system's socket buffers. */
const LONG = "靴".repeat(20_000);

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function folder(): string {
  const made = openFolder();
  cleanUps.push(made.remove);
  return made.path;
}

function run(env: Record<string, string>) {
  const { PATH = "", HOME = "" } = process.env;
  const child = Bun.spawn([process.execPath, MAIN], {
    env: {
      PATH,
      HOME,
      PORT: "0",
      LOG_LEVEL: "info",
      LOG_FORMAT: "json",
      LOG_SAMPLE: "0",
      DEMO: "false",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  cleanUps.push(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  return child;
}

/** Runs the program and waits until it logs the URL of the shop. */
async function start(env: Record<string, string>) {
  const child = run(env);
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let log = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the shop did not open: ${log}${await new Response(child.stderr).text()}`);
    log += decoder.decode(value);
    const line = log
      .split("\n")
      .slice(0, -1)
      .find((each) => each.includes('"shop":'));
    if (line === undefined) continue;
    const opened = JSON.parse(line) as { shop: string; docs: string; data: string };
    return { child, url: opened.shop, opened, log };
  }
}

/** Resolves when a request is on its way; `answered` is all that comes back until the server closes the connection. */
function send(url: string, path: string): Promise<{ answered: Promise<string> }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const answered = new Promise<string>((resolve, reject) => {
    const got: Buffer[] = [];
    socket.on("data", (bytes: Buffer) => got.push(bytes));
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(got).toString()));
  });
  const request = `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`;
  return new Promise((sent) => socket.write(request, () => sent({ answered })));
}

async function prepare(dataDir: string, count = 3, description = ""): Promise<void> {
  const path = join(dataDir, "insole.db");
  migrate(path);
  const db = openFile(path);
  await saveAll(
    db,
    Array.from({ length: count }, (_, index) =>
      shoe(`s${index}`, { description, category: `C${index % 3}`, brand: `B${index % 7}` }),
    ),
  );
  await db.close();
}

describe("the start is refused in one sentence and with exit code 1", () => {
  const below = (path: string) => {
    writeFileSync(path, "a file");
    return join(path, "data");
  };
  const garbage = (dataDir: string) => {
    writeFileSync(join(dataDir, "insole.db"), "this is no database ".repeat(500));
    return dataDir;
  };
  const taken = () => {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    cleanUps.push(() => server.stop(true));
    return String(server.port);
  };
  const rows: [string, (dataDir: string) => Record<string, string>, RegExp][] = [
    [
      "a taken port",
      (dataDir) => ({ DATA_DIR: dataDir, PORT: taken() }),
      /^insole: port \d+ on 127\.0\.0\.1 is taken: .*PORT/,
    ],
    [
      "a folder that cannot be",
      (dataDir) => ({ DATA_DIR: below(join(dataDir, "x")) }),
      /^insole: the data folder .* cannot be written: .*DATA_DIR/,
    ],
    ["a file that is no database", (dataDir) => ({ DATA_DIR: garbage(dataDir) }), /not a database/],
    [
      "a bad port",
      (dataDir) => ({ DATA_DIR: dataDir, PORT: "80000" }),
      /^insole: PORT is "80000": it must be a whole number from 0 to 65535/,
    ],
    ["a bad flag", (dataDir) => ({ DATA_DIR: dataDir, DEMO: "perhaps" }), /^insole: DEMO is "perhaps"/],
    [
      "a currency without two decimals",
      (dataDir) => ({ DATA_DIR: dataDir, CURRENCY: "JPY" }),
      /^insole: CURRENCY is "JPY"/,
    ],
    [
      "an unknown setting",
      (dataDir) => ({ DATA_DIR: dataDir, INSOLE_PORT: "1" }),
      /^insole: INSOLE_PORT is not a setting/,
    ],
  ];
  test.each(rows)("%s", async (_, env, sentence) => {
    const child = run(env(folder()));
    const said = await new Response(child.stderr).text();
    expect(await child.exited).toBe(1);
    expect(said).toMatch(sentence);
    expect(said.trimEnd().split("\n").length).toBe(1);
    expect(said).not.toContain("    at ");
    expect(await new Response(child.stdout).text()).not.toContain('"level":"error"');
  });
});

describe("SIGTERM", () => {
  test("finishes running requests, refuses new ones, checkpoints the database and exits with 0", async () => {
    const dataDir = folder();
    await prepare(dataDir, 1_500);
    const { child, url } = await start({ DATA_DIR: dataDir, CACHE_BYTES_MAX: "0" });
    // Of two lists: as many are computed at once, and a third would wait for its turn, on a slow machine in vain.
    const requests = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        send(url, `/api/shoes?facets=true&inStock=true&minPrice=${index % 2}&limit=100`),
      ),
    );
    // A server that answers this has received every request that was sent before it.
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    child.kill("SIGTERM");
    for (const { answered } of requests) {
      const [head = "", body = ""] = (await answered).split("\r\n\r\n");
      expect(head).toStartWith("HTTP/1.1 200 ");
      expect((JSON.parse(body) as { data: object[] }).data.length).toBe(100);
    }
    expect(await child.exited).toBe(0);
    expect(
      await fetch(`${url}/livez`).then(
        () => "answered",
        () => "refused",
      ),
    ).toBe("refused");
    const log = join(dataDir, "insole.db-wal");
    expect(existsSync(log) ? statSync(log).size : 0).toBe(0);
  });

  test("a slow reader still gets its whole response", async () => {
    const dataDir = folder();
    await prepare(dataDir, 100, LONG);
    const { child, url } = await start({ DATA_DIR: dataDir });
    const whole = (await (await fetch(`${url}/api/shoes?limit=100`)).arrayBuffer()).byteLength;
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    let received = 0;
    socket.write("GET /api/shoes?limit=100 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const firstBytes = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    received += firstBytes.length;
    socket.pause();
    child.kill("SIGTERM");
    const answering = () =>
      fetch(`${url}/livez`).then(
        () => true,
        () => false,
      );
    while (await answering());
    socket.on("data", (bytes) => {
      received += bytes.length;
    });
    const ended = new Promise((resolve) => socket.once("close", resolve));
    socket.resume();
    await ended;
    expect(received).toBeGreaterThan(whole);
    expect(await child.exited).toBe(0);
  });

  test("a silent connection and half a request do not delay it", async () => {
    const dataDir = folder();
    await prepare(dataDir);
    const { child, url } = await start({ DATA_DIR: dataDir });
    const port = Number(new URL(url).port);
    const sockets = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
    for (const socket of sockets) socket.on("error", () => undefined);
    sockets[1]?.write("GET /api/shoes HTT");
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const from = performance.now();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    // Waiting for them would take 10 s, the bound of running requests; without them the end takes about 0.1 s.
    expect(performance.now() - from).toBeLessThan(5_000);
    for (const socket of sockets) socket.destroy();
  });

  test("while draining readiness is 503 and liveness stays 200", async () => {
    const shop = await openObservedShop([]);
    for (const [phase, status] of [
      ["starting", 503],
      ["ready", 200],
      ["draining", 503],
    ] as const) {
      shop.status.enter(phase);
      expect([phase, (await shop.get("/readyz")).status]).toEqual([phase, status]);
      expect((await shop.get("/livez")).status).toBe(200);
    }
    await shop.close();
  });
});

test.each([
  ["production", "sandbox", true],
  ["production", "none", false],
  ["development", "sandbox", false],
])("NODE_ENV=%s with PAYMENT_GATEWAY=%s warns of made-up payments: %p", async (mode, gateway, isWarned) => {
  const { log } = await start({
    DATA_DIR: folder(),
    NODE_ENV: mode,
    PAYMENT_GATEWAY: gateway,
    JWT_SECRET: "a secret of the tests that is long enough",
  });
  expect(/"level":"warn".*PAYMENT_GATEWAY=sandbox/.test(log)).toBe(isWarned);
});

test.each([
  [{ NODE_ENV: "production" }, ["PUBLIC_URL", "SMTP_URL", "ADMIN_ALERT_EMAIL"]],
  [{ NODE_ENV: "production", SMTP_URL: "smtp://127.0.0.1:1" }, ["PUBLIC_URL", "ADMIN_ALERT_EMAIL"]],
  [{ NODE_ENV: "production", ADMIN_ALERT_EMAIL: "staff@shop.example" }, ["PUBLIC_URL", "SMTP_URL"]],
  [{ NODE_ENV: "production", PUBLIC_URL: "https://shop.example" }, ["SMTP_URL", "ADMIN_ALERT_EMAIL"]],
  [{}, []],
])("with %p the start warns of mails that do not help their readers: %p", async (settings, names) => {
  const { log } = await start({
    DATA_DIR: folder(),
    JWT_SECRET: "a secret of the tests that is long enough",
    MAIL_FROM: "shop@shop.example",
    ...settings,
  });
  expect([...log.matchAll(/"level":"warn","message":"(\w+) is empty/g)].map(([, name]) => name)).toEqual(
    names,
  );
});

test.each([
  ["smtp://user:word@127.0.0.1:1", true],
  ["smtp://user:word@127.0.0.1:1?starttls=required", false],
  ["smtps://user:word@127.0.0.1:1", false],
  ["smtp://127.0.0.1:1", false],
])("in production SMTP_URL=%s warns of a password without TLS: %p", async (url, isWarned) => {
  const { log } = await start({
    DATA_DIR: folder(),
    NODE_ENV: "production",
    JWT_SECRET: "a secret of the tests that is long enough",
    MAIL_FROM: "shop@shop.example",
    SMTP_URL: url,
  });
  expect([/"level":"warn".*SMTP_URL does not require TLS/.test(log), log.includes("word@")]).toEqual([
    isWarned,
    false,
  ]);
});

test.each(["sandbox", "none"])(
  "PAYMENT_GATEWAY=%s after an order that waits for its payment",
  async (gateway) => {
    const dataDir = folder();
    await prepare(dataDir);
    const first = await start({ DATA_DIR: dataDir, PAYMENT_GATEWAY: "sandbox" });
    const order = {
      items: [{ productId: "s0", quantity: 1 }],
      email: "guest@shop.example",
      paymentToken: "redirect",
    };
    const headers = { "content-type": "application/json" };
    const placed = await fetch(`${first.url}/api/orders`, {
      method: "POST",
      headers,
      body: JSON.stringify(order),
    });
    expect(placed.status).toBe(201);
    first.child.kill("SIGTERM");
    await first.child.exited;
    const { log } = await start({ DATA_DIR: dataDir, PAYMENT_GATEWAY: gateway });
    expect(/"level":"warn".*PAYMENT_GATEWAY=none: .*"requests":1/.test(log)).toBe(gateway === "none");
  },
);

describe("a new start", () => {
  test("serves the same after kill -9, and a second program on the file does not disturb the first", async () => {
    const dataDir = folder();
    await prepare(dataDir);
    const first = await start({ DATA_DIR: dataDir });
    const read = async (url: string) => (await fetch(`${url}/api/shoes?facets=true`)).text();
    const before = await read(first.url);
    const second = await start({ DATA_DIR: dataDir });
    expect(await read(second.url)).toBe(before);
    first.child.kill("SIGKILL");
    second.child.kill("SIGKILL");
    await Promise.all([first.child.exited, second.child.exited]);
    const again = await start({ DATA_DIR: dataDir });
    expect(await read(again.url)).toBe(before);
    expect(await booksOf(join(dataDir, "insole.db"))).toEqual([]);
  });

  test("fills an empty catalogue with demo shoes once, and logs where everything is", async () => {
    const dataDir = folder();
    const { child, url, opened } = await start({ DATA_DIR: dataDir, DEMO: "true" });
    expect(opened).toMatchObject({ shop: url, docs: `${url}/docs`, data: join(dataDir, "insole.db") });
    const total = async (shopUrl: string) =>
      ((await (await fetch(`${shopUrl}/api/shoes`)).json()) as { pagination: { total: number } }).pagination
        .total;
    expect(await total(url)).toBe(1_000);
    child.kill("SIGTERM");
    await child.exited;
    expect(await total((await start({ DATA_DIR: dataDir, DEMO: "true" })).url)).toBe(1_000);
  });
});
