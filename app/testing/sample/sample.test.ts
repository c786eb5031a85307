// The sample room works with nothing but the ground floor and the noun file of shoes, as the next rooms will.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Elysia } from "elysia";
import type { Database } from "../../../db/database.ts";
import { openSingle } from "../../../db/topology.ts";
import { accountRoutes } from "../../accounts/routes.ts";
import { readConfig } from "../../config.ts";
import { problemOf } from "../../http/problem-of.ts";
import { openDatabase } from "../../open.ts";
import { openServices, type Services } from "../../services.ts";
import { ask, type Person, signUp } from "../people.ts";
import { openFolder, saveAll, shoe, silentLog } from "../shop.ts";
import { noteRoutes } from "./routes.ts";

const TABLE = `CREATE TABLE notes (note_id TEXT PRIMARY KEY, shoe_id TEXT NOT NULL REFERENCES shoes (shoe_id)
  ON DELETE CASCADE, text TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT`;
const folder = openFolder();
let db: Database;
let services: Services;
let person: Person;
let shop: { get(path: string, init?: RequestInit): Promise<Response> };

beforeAll(async () => {
  const config = readConfig({ DATA_DIR: folder.path, RATE_LIMIT_MAX: "0", RATE_LIMIT_AUTH_MAX: "0" });
  ({ db } = await openDatabase(config, { log: silentLog }));
  await db.write([{ sql: TABLE }]);
  await saveAll(db, [shoe("a1")]);
  const secrets = ["a secret that only this test knows"];
  services = openServices({ topology: openSingle(db), config, secrets, log: silentLog, now: Date.now });
  const app = new Elysia()
    .onError(({ error, request }) => problemOf(error, new URL(request.url).pathname, "test", silentLog))
    .group("/api", (api) => api.use(accountRoutes(services)).use(noteRoutes(services)));
  shop = { get: async (path, init) => app.fetch(new Request(`http://shop.example${path}`, init)) };
  person = await signUp(shop);
});
afterAll(async () => {
  services.follower.close();
  await services.catalogue.close();
  await db.close();
  folder.remove();
});

const add = (body: unknown, headers: Record<string, string> = {}) =>
  ask(shop, "POST", "/api/notes", { token: person.token, body, headers });

test("a note is added once per key, with its audit row and its version, and is read again", async () => {
  const note = { shoeId: "a1", text: "fits well" };
  const headers = { "idempotency-key": "once" };
  const [first, second] = [await add(note, headers), await add(note, headers)];
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.headers.get("idempotent-replayed")).toBe("true");
  expect(first.headers.get("insole-version")).toMatch(/^[0-9a-f]+\.\d+\.[\w-]{16}$/);
  const location = first.headers.get("location") ?? "";
  const { data } = (await first.json()) as { data: object };
  expect(await second.json()).toEqual({ success: true, data });
  const read = await ask(shop, "GET", location, { token: person.token });
  expect(await read.json()).toEqual({ success: true, data });
  expect(data).toMatchObject(note);
  expect(db.read.all("SELECT actor, action FROM audit WHERE action = 'note.add'")).toEqual([
    [person.id, "note.add"],
  ]);
  expect(db.read.get("SELECT count(*) FROM notes")).toEqual([1]);
});

test("broken fields are named, and a shoe that does not exist is 404", async () => {
  const broken = await add({ shoeId: "a1", text: "" });
  expect([broken.status, await broken.json()]).toEqual([
    400,
    expect.objectContaining({ errors: [expect.objectContaining({ pointer: "/text" })] }),
  ]);
  expect((await add({ shoeId: "none", text: "x" })).status).toBe(404);
});

test("no token is 401", async () => {
  expect((await ask(shop, "POST", "/api/notes", { body: { shoeId: "a1", text: "x" } })).status).toBe(401);
});
