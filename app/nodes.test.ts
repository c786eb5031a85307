// Two nodes of one primary over HTTP, a bare server and one behind a door: read-your-writes on any node, sessions ended everywhere, reads without a primary.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openFile } from "../db/file.ts";
import { openHandle } from "../db/read/reader.ts";
import { migrate } from "../db/schema/migrate.ts";
import { openTestServer } from "../db/testing/server.ts";
import { until } from "../db/until.ts";
import { openTestDoor } from "../replicas/testing/door.ts";
import { untilUnused } from "../replicas/testing/replica.ts";
import { readConfig } from "./config.ts";
import { openVersions } from "./http/version.ts";
import { openLog } from "./log.ts";
import { main, type Shop } from "./main.ts";
import { openSaving, saveShoes } from "./shoes/write/save.ts";
import { runScript } from "./testing/script.ts";
import { type Folder, openFolder, shoe } from "./testing/shop.ts";

const SEEN_MS = 10_000;
const SECRET = "the same secret on all of the nodes";
/** The last node is opened to be drained. */
const NAMES = ["1", "2", "3"];
const ADMIN = { email: "admin@shop.example", password: "an admin's password" };
/** A primary: its address, the setting for the tokens to it, and how it ends by kill -9 and starts again. */
type Primary = {
  url: string;
  tokens: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
};
const PRIMARIES: [string, (template: string) => Promise<Primary>][] = [
  ["a bare server", openBare],
  ["a server behind a door", openBehindDoor],
];
const silent = openLog("error", "json", () => undefined);

describe.each(PRIMARIES)("with %s", (_name, open) => {
  let folder: Folder;
  let primary: Primary;
  let nodes: Shop[];
  let token: string;

  beforeAll(async () => {
    folder = openFolder();
    const [made, template] = [join(folder.path, "made.db"), join(folder.path, "template.db")];
    migrate(made);
    const file = openFile(made);
    await saveShoes(openSaving(file), [shoe("a"), shoe("b", { related: ["a"] })], {
      origin: "import",
      onConflict: "fail",
      nowMs: Date.now(),
    });
    await file.close();
    const handle = openHandle(made, 1_000);
    handle.exec(`VACUUM INTO '${template}'`);
    handle.close();
    primary = await open(template);
    nodes = await Promise.all(NAMES.slice(0, 2).map(openNode));
    token = ((await (await send(0, "POST", "/api/auth/login", ADMIN)).json()) as { token: string }).token;
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await untilUnused(...NAMES.map((name) => join(folder.path, name, "replica.db")));
    await primary.remove();
    folder.remove();
  });

  const openNode = (name: string) =>
    main(
      readConfig({
        PORT: "0",
        DATABASE_URL: primary.url,
        DATABASE_AUTH_TOKEN: primary.tokens,
        DATA_DIR: join(folder.path, name),
        LOG_LEVEL: "error",
        JWT_SECRET: SECRET,
        ADMIN_EMAIL: ADMIN.email,
        ADMIN_PASSWORD: ADMIN.password,
        RATE_LIMIT_MAX: "0",
        RATE_LIMIT_AUTH_MAX: "0",
      }),
      silent,
    );

  const send = (
    node: number,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) =>
    fetch(`${nodes[node]?.url}${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  const asAdmin = () => ({ authorization: `Bearer ${token}` });

  test("both nodes report their role and their replica", async () => {
    for (const node of [0, 1]) {
      // The primary may just have been away.
      await until("readiness", async () => (await send(node, "GET", "/readyz")).status === 200, SEEN_MS);
      const health = (await (await send(node, "GET", "/health")).json()) as Record<string, unknown>;
      expect(health).toMatchObject({ role: "node", lagMs: expect.any(Number) });
      const ready = await send(node, "GET", "/readyz?verbose");
      expect(ready.status).toBe(200);
      expect(await ready.json()).toMatchObject({
        status: "ready",
        replica: { serves: "replica", failure: null },
      });
    }
  });

  test("every answer of the catalogue says until which second the edge may cache it", async () => {
    for (const path of ["/api/shoes", "/api/shoes", "/api/shoes/a", "/api/shoes/a", "/images/a.svg"]) {
      const earliest = Math.floor(Date.now() / 1_000);
      const expires = (await send(0, "GET", path)).headers.get("x-accel-expires") ?? "";
      expect(expires).toMatch(/^@\d+$/);
      expect(Number(expires.slice(1))).toBeWithin(earliest, Math.floor(Date.now() / 1_000) + 2);
    }
    const { data } = (await (await send(0, "GET", "/api/shoes/a")).json()) as { data: { images: string } };
    for (let times = 0; times < 2; times += 1)
      expect((await send(0, "GET", data.images)).headers.get("x-accel-expires")).toBe("3600");
    for (const path of ["/images/a.svg?v=999", "/health", "/api/shoes/nothing"])
      expect((await send(0, "GET", path)).headers.has("x-accel-expires")).toBe(false);
  });

  test("a read with the version of a write sees it at once on the other node, and never an older state", async () => {
    for (let index = 1; index <= 30; index += 1) {
      const [here, there] = [index % 2, (index + 1) % 2];
      const price = 100 + index;
      const written = await send(here, "PUT", "/api/products/a", { price }, asAdmin());
      expect(written.status).toBe(200);
      const version = written.headers.get("insole-version") ?? "";
      const read = await send(there, "GET", "/api/shoes/a", undefined, { "insole-version": version });
      expect(((await read.json()) as { data: { price: number } }).data.price).toBe(price);
      const related = await send(there, "GET", "/api/shoes/b/relatedproducts", undefined, {
        "insole-version": version,
      });
      const { relatedProducts } = (await related.json()) as { relatedProducts: { price: number }[] };
      expect(relatedProducts[0]?.price).toBe(price);
    }
  });

  test("a shoe posted on one node can at once be changed, liked and found on the other", async () => {
    const posted = await send(
      0,
      "POST",
      "/api/shoes",
      { shoe_id: "new", title: "New", price: 10 },
      asAdmin(),
    );
    expect(posted.status).toBe(201);
    const changed = await send(
      1,
      "PUT",
      "/api/products/new",
      { price: 12 },
      { ...asAdmin(), "if-match": posted.headers.get("etag") ?? "" },
    );
    expect(changed.status).toBe(200);
    expect((await send(1, "POST", "/api/shoes/new/likes/me", undefined, asAdmin())).status).toBe(201);
    const likes = await send(0, "GET", "/api/users/me/likes?ids=true", undefined, asAdmin());
    expect(await likes.json()).toMatchObject({ data: ["new"] });
  });

  test("shoes saved on both nodes soon have their related shoes on both", async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `soon-${index}`);
    await Promise.all(
      ids.map((id, index) =>
        send(
          index % 2,
          "POST",
          "/api/shoes",
          { shoe_id: id, title: `Soon ${index}`, price: 20 + index, category: "Soon" },
          asAdmin(),
        ),
      ),
    );
    const relatedOf = async (node: number, id: string) => {
      const answer = await send(node, "GET", `/api/shoes/${id}/relatedproducts`);
      return answer.ok ? ((await answer.json()) as { relatedProducts: unknown[] }).relatedProducts.length : 0;
    };
    for (const node of [0, 1])
      for (const id of ids) {
        await until(`related shoes of ${id}`, async () => (await relatedOf(node, id)) > 0, SEEN_MS);
        expect(await relatedOf(node, id)).toBeGreaterThan(0);
      }
  });

  test("an account, its session and the session's end reach both nodes", async () => {
    const person = { email: "p@shop.example", password: "a person's password", name: "P" };
    const registered = await send(0, "POST", "/api/auth/register", person);
    const session = (await registered.json()) as { token: string; refreshToken: string };
    const profile = (node: number) =>
      send(node, "GET", "/api/auth/profile", undefined, { authorization: `Bearer ${session.token}` });
    expect([(await profile(1)).status, (await profile(0)).status]).toEqual([200, 200]);
    expect((await send(1, "POST", "/api/auth/logout", { refreshToken: session.refreshToken })).status).toBe(
      204,
    );
    expect((await profile(1)).status).toBe(401);
    await until("the end of the session", async () => (await profile(0)).status === 401, SEEN_MS);
  });

  test("an Idempotency-Key has one effect across nodes", async () => {
    const post = (node: number) =>
      send(
        node,
        "POST",
        "/api/shoes",
        { shoe_id: "once", title: "Once", price: 10 },
        {
          ...asAdmin(),
          "idempotency-key": "once",
        },
      );
    const answers = await Promise.all([post(0), post(1), post(0), post(1)]);
    for (const { status } of answers) expect([201, 409]).toContain(status);
    const again = await post(1);
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([201, "true"]);
  });

  test("the commands import, admin and key write to the primary, and both nodes see the result", async () => {
    const csv = join(folder.path, "shoes.csv");
    const rows = Array.from({ length: 600 }, (_, index) => `csv-${index},Shoe ${index},${50 + index},Trail`);
    await Bun.write(csv, `id,title,price,category\n${rows.join("\n")}\n`);
    const run = async (script: string, ...args: string[]) => {
      const { out, err, code } = await runScript(script, args, {
        DATABASE_URL: primary.url,
        DATABASE_AUTH_TOKEN: primary.tokens,
        DATA_DIR: folder.path,
      });
      expect([err, code]).toEqual(["", 0]);
      return out;
    };
    expect(await run("import/command.ts", csv)).toContain("Read 600 = 600 added");
    const key = await run("accounts/key-command.ts", "script");
    const person = { email: "owner@shop.example", password: "an owner's password", name: "O" };
    expect((await send(0, "POST", "/api/auth/register", person)).status).toBe(201);
    expect(await run("accounts/admin-command.ts", person.email)).toContain("is now an admin");
    for (const node of [0, 1]) {
      await until(
        "the imported shoe",
        async () => (await send(node, "GET", "/api/shoes/csv-599")).status === 200,
        SEEN_MS,
      );
      const related = await send(node, "GET", "/api/shoes/csv-300/relatedproducts");
      const { relatedProducts } = (await related.json()) as { relatedProducts: unknown[] };
      expect(relatedProducts.length).toBeGreaterThan(0);
      const users = await send(node, "GET", "/api/users", undefined, { authorization: `Bearer ${key}` });
      expect(users.status).toBe(200);
    }
  });

  test("without a primary public reads work, also with a version; writes and personal reads are refused in time", async () => {
    const written = await send(0, "PUT", "/api/products/a", { price: 99 }, asAdmin());
    const version = written.headers.get("insole-version") ?? "";
    await send(1, "GET", "/api/shoes/a", undefined, { "insole-version": version });
    await primary.kill();
    for (const path of ["/api/shoes/a", "/api/shoes?q=a", "/api/shoes?facets=true", "/api/categories"])
      for (const known of [version, versionAhead(version)])
        expect((await send(1, "GET", path, undefined, { "insole-version": known })).status).toBe(200);
    const refused = await Promise.all([
      send(1, "PUT", "/api/products/a", { price: 98 }, asAdmin()),
      send(0, "GET", "/api/auth/profile", undefined, asAdmin()),
      send(1, "POST", "/api/shoes/a/likes/me", undefined, asAdmin()),
    ]);
    for (const answer of refused)
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    await primary.start();
    for (const node of [0, 1])
      await until(
        "a write by the primary",
        async () => (await send(node, "PUT", "/api/products/a", { price: 97 }, asAdmin())).status === 200,
        SEEN_MS,
      );
    const books = await runScript("orders/books/command.ts", [primary.url], {
      DATABASE_AUTH_TOKEN: primary.tokens,
    });
    expect([books.code, books.out.split(":")[0]]).toEqual([0, "The books are right"]);
  });

  test("a draining node still answers, with `Connection: close`", async () => {
    nodes.push(await openNode("3"));
    const closing = nodes[2]?.close();
    const answers = await Promise.all([
      send(2, "GET", "/api/shoes/a"),
      send(2, "PUT", "/api/products/a", { price: 96 }, asAdmin()),
    ]);
    for (const { status, headers } of answers)
      expect([status, headers.get("connection")]).toEqual([200, "close"]);
    expect((await send(2, "GET", "/readyz")).status).toBe(503);
    await closing;
    await expect(send(2, "GET", "/livez")).rejects.toThrow();
    nodes.pop();
  });
});

/** The version of a change that no node has yet, signed as the nodes sign theirs. */
function versionAhead(version: string): string {
  const [generation = "", seq] = version.split(".");
  const versions = openVersions({
    secrets: [SECRET],
    generation: () => generation,
    position: () => Number(seq) + 1_000,
    isSecure: false,
    topology: { db: { written: () => null }, reach: async () => false },
  });
  return new Headers(versions.headers()).get("insole-version") ?? "";
}

async function openBare(template: string): Promise<Primary> {
  const { url, stop, start, remove } = await openTestServer(template);
  return { url, tokens: "", kill: () => stop("SIGKILL"), start, remove };
}

async function openBehindDoor(template: string): Promise<Primary> {
  const door = await openTestDoor({ template });
  const { url, writeToken, readToken, remove } = door;
  const kill = () => door.stopServer("SIGKILL");
  return { url, tokens: `${writeToken},${readToken}`, kill, start: door.startServer, remove };
}
