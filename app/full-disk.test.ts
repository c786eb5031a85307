// The whole program on a full disk: reads go on, writes are refused in plain words, operators see why, and it heals.
import { afterEach, expect, test } from "bun:test";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { must } from "../db/must.ts";
import { freePort } from "../db/ports.ts";
import { canMount, withSmallDisk } from "../db/testing/small-disk.ts";
import { until } from "../db/until.ts";
import { ask } from "./testing/people.ts";
import { type Folder, openFolder } from "./testing/shop.ts";

const DISK_KIB = 6_000;
const BLOCK = Buffer.alloc(65_536);
const ADMIN = { email: "ada@shop.example", password: "correct horse battery" };
const BURST = 300;

type Outage = { reason: string; error: string; since: string; failed: number };

type Line = { level: string; message: string; url?: string; [name: string]: unknown };
type Program = { get(path: string, init?: RequestInit): Promise<Response>; lines: Line[]; pid: number };
let child: Bun.Subprocess<"ignore", "pipe", "pipe"> | undefined;
let folder: Folder | undefined;

afterEach(async () => {
  child?.kill("SIGKILL");
  await child?.exited;
  folder?.remove();
});

type Wrap = (command: string[]) => string[];

/** Starts the program with `DATA_DIR` at this path. */
function spawn(dataDir: string, settings: Record<string, string>, wrap: Wrap) {
  const env = {
    ...process.env,
    DATA_DIR: dataDir,
    DEMO: "false",
    LOG_FORMAT: "json",
    RATE_LIMIT_MAX: "0",
    RATE_LIMIT_AUTH_MAX: "0",
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
    ...settings,
  };
  const program = wrap([process.execPath, join(import.meta.dir, "main.ts")]);
  child = Bun.spawn(program, { env, stdio: ["ignore", "pipe", "pipe"] });
  return child;
}

/** Starts the program and reads its log. */
async function start(dataDir: string, wrap: Wrap): Promise<Program> {
  const running = spawn(dataDir, { PORT: "0" }, wrap);
  const lines: Line[] = [];
  void (async () => {
    let rest = "";
    for await (const chunk of running.stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) lines.push(JSON.parse(line));
    }
  })();
  const opened = () => lines.find(({ message }) => message === "the shop is open");
  await until("the shop is open", () => opened() !== undefined || running.exitCode !== null);
  const url = must(opened(), "the line with the address").shop;
  return { get: (path, init) => fetch(`${url}${path}`, init), lines, pid: running.pid };
}

/** Fills the disk that only the process sees; `free` gives the space back. */
function fillDisk({ pid }: Program, at: string): { free(): void } {
  const filler = openSync(`/proc/${pid}/root${join(at, "filler")}`, "w");
  try {
    for (;;) writeSync(filler, BLOCK);
  } catch {
    // Full.
  }
  return {
    free() {
      ftruncateSync(filler, 0);
      closeSync(filler);
    },
  };
}

test.skipIf(!canMount)(
  "a full disk refuses writes and nothing else, says why once, and heals",
  async () => {
    folder = openFolder();
    const { path } = folder;
    const shop = await start(path, (command) => withSmallDisk(path, DISK_KIB, command));
    const login = await ask(shop, "POST", "/api/auth/login", { body: ADMIN });
    const { token } = (await login.json()) as { token: string };
    let made = 0;
    const add = (size: number) =>
      ask(shop, "POST", "/api/shoes", {
        token,
        body: { shoe_id: `s-${++made}`, title: "A shoe", price: 5, description: "x".repeat(size) },
      });
    expect((await add(10)).status).toBe(201);

    const disk = fillDisk(shop, path);
    let acknowledged = 1;
    let refused = await add(5_000);
    for (; refused.status === 201 && made < 500; refused = await add(5_000)) acknowledged += 1;
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "10"]);
    expect(await refused.json()).toMatchObject({
      type: "/problems/unavailable",
      detail: expect.stringContaining("the shop cannot write at the moment: nothing was changed"),
    });
    const startedAtMs = performance.now();
    const burst = await Promise.all(Array.from({ length: BURST }, () => add(5_000)));
    const burstSeconds = Math.ceil((performance.now() - startedAtMs) / 1_000);
    expect(new Set(burst.map(({ status }) => status))).toEqual(new Set([503]));

    for (const address of ["/api/shoes", "/api/shoes/s-1", "/api/shoes?q=shoe&facets=true", "/readyz"])
      expect([address, (await shop.get(address)).status]).toEqual([address, 200]);
    expect((await ask(shop, "GET", "/api/auth/profile", { token })).status).toBe(200);
    const outage = async () =>
      ((await (await shop.get("/readyz?verbose")).json()) as { writeDoor: { outage: Outage | null } })
        .writeDoor.outage;
    const noted = must(await outage(), "the outage");
    expect(noted).toMatchObject({ reason: "disk-full", error: "database or disk is full" });
    expect(noted.since).toMatch(/^\d{4}-.*Z$/);
    // The sender of mail may have tried once to note its start.
    expect(noted.failed).toBeWithin(BURST + 1, BURST + 3);
    const metrics = async () => (await shop.get("/metrics")).text();
    expect(await metrics()).toMatch(
      new RegExp(`^insole_write_failures_total{reason="disk-full"} (${BURST + 1}|${BURST + 2})$`, "m"),
    );
    expect(await metrics()).toContain("insole_writes_failing 1\n");
    expect(shop.lines.filter(({ message }) => message === "the machine fails writes")).toEqual([
      expect.objectContaining({ level: "error", reason: "disk-full", error: "database or disk is full" }),
    ]);
    const refusals = () => shop.lines.filter(({ message, status }) => message === "POST" && status === 503);
    expect(refusals().length).toBeWithin(1, burstSeconds + 3);

    disk.free();
    await until("writes succeed again", async () => (await add(5_000)).status === 201);
    acknowledged += 1;
    expect(await outage()).toBeNull();
    expect(await metrics()).toContain("insole_writes_failing 0\n");
    await until("the end is logged", () =>
      shop.lines.some(({ message }) => message === "writes succeed again"),
    );
    const list = (await (await shop.get("/api/shoes?limit=1")).json()) as { pagination: { total: number } };
    expect(list.pagination.total).toBe(acknowledged);
    expect(shop.lines.filter(({ level, message }) => level === "error" && message !== "POST")).toHaveLength(
      1,
    );
    child?.kill("SIGTERM");
    expect(await child?.exited).toBe(0);
  },
  30_000,
);

test("a log that cannot be written does not end the program", async () => {
  folder = openFolder();
  const port = freePort();
  const intoFull = (command: string[]) => ["sh", "-c", 'exec "$@" > /dev/full', "sh", ...command];
  const running = spawn(folder.path, { PORT: `${port}` }, intoFull);
  const get = (address: string) => fetch(`http://127.0.0.1:${port}${address}`);
  const isOpen = () =>
    get("/livez").then(
      ({ ok }) => ok || running.exitCode !== null,
      () => running.exitCode !== null,
    );
  await until("the shop is open", isOpen);
  for (let request = 0; request < 20; request += 1)
    expect((await get(`/api/nothing/${request}`)).status).toBe(404);
  running.kill("SIGTERM");
  expect([await running.exited, await new Response(running.stderr).text()]).toEqual([0, ""]);
});
