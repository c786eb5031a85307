// Hang-ups over raw sockets: each is 400 or nothing, one line of the log with 499, and no failure of the server.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Database } from "../db/database.ts";
import { DatabaseError } from "../db/errors.ts";
import { until } from "../db/until.ts";
import type { Passwords } from "./accounts/passwords.ts";
import { type Leaving, openCaller } from "./testing/hang-up.ts";
import { ask, type Person, signIn, signUp } from "./testing/people.ts";
import { type ObservedShop, openObservedShop, quickPasswords, shoe } from "./testing/shop.ts";

const BODY_BYTES_MAX = 256 * 1024;

/** What is held until the client has gone: `null`, nothing. */
let held: Promise<unknown> | null = null;
let requests: Map<string, Request>;
let isFull = false;
let shop: ObservedShop;
let admin: Person;
let lastId = 0;

/** Does its work only once the client that waits for it has gone. */
const afterHangUp =
  <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
  async (...args: A): Promise<R> => {
    await held;
    return work(...args);
  };
const holding = (file: Database): Database => ({
  ...file,
  scan: afterHangUp(file.scan),
  write: afterHangUp(async (statements, writeId) => {
    if (isFull) throw new DatabaseError("overloaded", "too many writes are waiting");
    return file.write(statements, writeId);
  }),
});
const holdingPasswords = (): Passwords => {
  const quick = quickPasswords();
  return { ...quick, verify: afterHangUp(quick.verify), hash: afterHangUp(quick.hash) };
};

beforeAll(async () => {
  shop = await openObservedShop([shoe("a"), shoe("b")], true, {
    before: holding,
    passwords: holdingPasswords(),
    seen(request) {
      const id = request.headers.get("x-request-id") ?? "";
      requests.set(id, request);
      if (id.startsWith("held"))
        held = new Promise((gone) => request.signal.addEventListener("abort", gone, { once: true }));
    },
  });
  requests = new Map();
  const person = await signUp(shop);
  await shop.db.write([{ sql: "UPDATE users SET role = 'admin' WHERE id = ?", args: [person.id] }]);
  shop.identity.clear();
  admin = await signIn(shop, person);
});
afterAll(() => shop.close());

beforeEach(() => {
  requests = new Map();
  shop.logged.length = 0;
});
afterEach(() => {
  held = null;
  isFull = false;
});

type Line = { level: string; message: string; status?: number; answer?: number; requestId: string };
const lines = (): Line[] => shop.logged.map((line) => JSON.parse(line));

/** The head of a request with this id. */
const head = (method: string, path: string, id: string, headers: string[]): string =>
  [`${method} ${path} HTTP/1.1`, "Host: shop", `X-Request-Id: ${id}`, ...headers, "", ""].join("\r\n");

/** Counts of answers by class of status, over all routes and methods. */
function counts(): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { status, count } of shop.counters.state().series) found[status] = (found[status] ?? 0) + count;
  return found;
}

/** What a client that hung up received, the lines about it, and by how much the counts grew. */
async function hangUp(id: string, pieces: string[], leaving: Leaving) {
  const before = counts();
  const caller = await openCaller(shop.url);
  for (const piece of pieces) await caller.send(piece);
  // A reset throws away what the server has not read yet.
  await until("the server has the request", () => requests.has(id));
  caller.leave(leaving);
  const received = await caller.received;
  await until("the request is logged", () => lines().some(({ requestId }) => requestId === id));
  const grown = Object.entries(counts()).map(([status, count]) => [status, count - (before[status] ?? 0)]);
  return {
    received,
    logged: lines().map(({ level, status, answer, requestId }) => ({ level, status, answer, requestId })),
    grown: Object.fromEntries(grown.filter(([, count]) => count !== 0)),
  };
}

const JSON_TYPE = "Content-Type: application/json";
const CHUNKED = [JSON_TYPE, "Transfer-Encoding: chunked"];
const long = (bytes: number) => [JSON_TYPE, `Content-Length: ${bytes}`];

describe("a body that breaks off is a hang-up", () => {
  // biome-ignore format: one line reads as one table
  const ROWS: [string, string[], string[], Leaving][] = [
    ["no byte of 1,000, then closed", long(1_000), [], "close"],
    ["one byte of 1,000, then closed", long(1_000), ["{"], "close"],
    ["one byte of 1,000, then reset", long(1_000), ["{"], "reset"],
    ["one byte of 1,000, then half-closed", long(1_000), ["{"], "half-close"],
    ["999 bytes of 1,000, then closed", long(1_000), ["x".repeat(999)], "close"],
    ["whole JSON, but fewer bytes than declared", long(1_000), ["{}"], "reset"],
    ["half of the largest body, then reset", long(BODY_BYTES_MAX), ["x".repeat(BODY_BYTES_MAX / 2)], "reset"],
    ["all but a byte of the largest body", long(BODY_BYTES_MAX), ["x".repeat(BODY_BYTES_MAX - 1)], "close"],
    ["100-continue asked for, then closed", [...long(20), "Expect: 100-continue"], [], "close"],
    ["100-continue asked for, then reset", [...long(20), "Expect: 100-continue"], ["{"], "reset"],
    ["half of a character, then closed", long(3), ["\xe2\x82"], "close"],
    ["no chunk, then closed", CHUNKED, [], "close"],
    ["no chunk, then half-closed", CHUNKED, [], "half-close"],
    ["half of a chunk, then closed", CHUNKED, ["5\r\n{"], "close"],
    ["half of a chunk, then reset", CHUNKED, ["5\r\n{"], "reset"],
    ["half of a chunk's size, then closed", CHUNKED, ["5"], "close"],
    ["a whole chunk without the last one", CHUNKED, ["2\r\n{}\r\n"], "close"],
    ["half of the last chunk", CHUNKED, ["2\r\n{}\r\n0"], "reset"],
    ["the end of a chunk without its line feed", CHUNKED, ["2\r\n{}\r"], "close"],
    ["a chunk of 2 GiB, then closed", CHUNKED, ["7fffffff\r\n{}"], "close"],
    ["many chunks, then reset", CHUNKED, ["1\r\nx\r\n".repeat(5_000)], "reset"],
    ["a chunk of the size -1", CHUNKED, ["-1\r\n{}\r\n0\r\n\r\n"], "stay"],
    ["a chunk of the size zz", CHUNKED, ["zz\r\n{}\r\n0\r\n\r\n"], "stay"],
    ["a chunk of the size 0x2", CHUNKED, ["0x2\r\n{}\r\n0\r\n\r\n"], "stay"],
    ["a chunk of 16 EiB", CHUNKED, ["ffffffffffffffff\r\n{}\r\n0\r\n\r\n"], "stay"],
    ["a chunk's size of 40 digits", CHUNKED, [`${"f".repeat(40)}\r\n{}`], "stay"],
    ["a chunk without a line end", CHUNKED, ["2\r\n{}0\r\n\r\n"], "stay"],
    ["a chunk that is longer than its size", CHUNKED, ["1\r\n{}\r\n0\r\n\r\n"], "stay"],
    ["a bad size behind a good chunk", CHUNKED, ["2\r\n{}\r\n", "-5\r\n{}\r\n0\r\n\r\n"], "stay"],
    ["a second request where a chunk should be", CHUNKED, ["GET /metrics HTTP/1.1\r\n\r\n"], "stay"],
    ["a media type of its own, then closed", ["Content-Type: application/x+json", "Content-Length: 9"], ["{"], "close"],
  ];
  test.each(ROWS)("%s", async (_name, headers, pieces, leaving) => {
    const id = `body-${++lastId}`;
    const [first = "", ...later] = pieces;
    const request = head("POST", "/api/auth/login", id, headers) + first;
    const { received, logged, grown } = await hangUp(id, [request, ...later], leaving);
    expect(received.replace("HTTP/1.1 100 Continue\r\n\r\n", "")).toMatch(/^$|^HTTP\/1.1 400 /);
    expect(logged).toEqual([{ level: "info", status: 499, answer: 400, requestId: id }]);
    expect(grown).toEqual({ 499: 1 });
  });

  test("on every route that may take a body, also where it is not read", async () => {
    const taking = shop.routes.filter(({ method }) => !["GET", "HEAD", "OPTIONS"].includes(method));
    expect(taking.length).toBeGreaterThanOrEqual(40);
    for (const { method, path } of taking) {
      shop.logged.length = 0;
      const id = `route-${++lastId}`;
      const address = path.replace(/:\w+/g, "b");
      const token = `Authorization: Bearer ${admin.token}`;
      const request = head(method, address, id, [...long(1_000), token]);
      const { logged, grown } = await hangUp(id, [`${request}{`], "close");
      const line = expect.objectContaining({ level: "info", status: 499 });
      expect([method, path, logged, grown]).toEqual([method, path, [line], { 499: 1 }]);
    }
  });
});

const email = (name: string) => `${name}@shop.example`;
/** A whole request with a JSON body. */
const whole = (method: string, path: string, id: string, fields: object, token?: string): string => {
  const text = JSON.stringify(fields);
  const authorization = token === undefined ? [] : [`Authorization: Bearer ${token}`];
  return head(method, path, id, [...authorization, ...long(text.length)]) + text;
};

describe("a client that has gone when its answer is ready", () => {
  const search = (id: string) => head("GET", `/api/shoes?q=trail${id}&facets=true`, id, []);
  // biome-ignore format: one line reads as one table
  const ROWS: [string, (id: string) => string, Leaving, number][] = [
    ["a search, closed", search, "close", 200],
    ["a search, reset", search, "reset", 200],
    ["a search, half-closed", search, "half-close", 200],
    ["a HEAD of a search", (id) => head("HEAD", `/api/shoes?q=trail${id}`, id, []), "close", 200],
    ["a search with another request behind it", (id) => search(id) + head("GET", "/livez", "next", []), "reset", 200],
    ["a login", (id) => whole("POST", "/v1/auth/login", id, { email: admin.email, password: admin.password }), "close", 200],
    ["a wrong login", (id) => whole("POST", "/v1/auth/login", id, { email: admin.email, password: "another password" }), "reset", 401],
    ["a registration", (id) => whole("POST", "/api/auth/register", id, { email: email(id), password: "correct horse battery", name: "Ada" }), "close", 201],
    ["a new shoe", (id) => whole("POST", "/api/shoes", id, { shoe_id: id, title: "A shoe", price: 5, sizes: [{ size: "9", stock: 2 }, { size: "10", stock: 1 }] }, admin.token), "reset", 201],
    ["a like", (id) => whole("POST", "/api/shoes/a/likes/me", id, {}, admin.token), "half-close", 201],
    ["a shoe that is refused", (id) => whole("POST", "/api/shoes", id, { shoe_id: "a", title: "A shoe", price: 5 }, admin.token), "close", 409],
  ];
  test.each(ROWS)("%s", async (_name, request, leaving, answer) => {
    const id = `held-${++lastId}`;
    const { received, logged, grown } = await hangUp(id, [request(id)], leaving);
    expect(received).toBe("");
    expect(logged).toEqual([{ level: "info", status: 499, answer, requestId: id }]);
    expect(grown).toEqual({ 499: 1 });
  });

  test("its write takes effect as a whole, and is counted as what it was", async () => {
    const registrations = shop.counters.state().events.registrations;
    const id = `held-${++lastId}`;
    const fields = { email: email(id), password: "correct horse battery", name: "Ada" };
    await hangUp(id, [whole("POST", "/api/auth/register", id, fields)], "reset");
    held = null;
    expect((await ask(shop, "POST", "/api/auth/login", { body: fields })).status).toBe(200);
    expect(shop.counters.state().events.registrations).toBe(registrations + 1);

    const name = `held-${++lastId}`;
    const sizes = [1, 2, 3].map((stock) => ({ size: `${stock}`, stock }));
    const draft = { shoe_id: name, title: "A shoe", price: 5, sizes };
    await hangUp(name, [whole("POST", "/api/shoes", name, draft, admin.token)], "close");
    const stored = shop.db.read.get(
      "SELECT (SELECT sum(stock) FROM sizes WHERE shoe = shoes.id), (SELECT count(*) FROM audit WHERE subject = ?1) FROM shoes WHERE shoe_id = ?1",
      name,
    );
    expect(stored).toEqual([6, 1]);
  });

  test("a write whose body broke off does nothing", async () => {
    const id = `body-${++lastId}`;
    const draft = JSON.stringify({ shoe_id: id, title: "A shoe", price: 5 });
    const token = `Authorization: Bearer ${admin.token}`;
    const request = head("POST", "/api/shoes", id, [token, JSON_TYPE, `Content-Length: ${draft.length + 1}`]);
    await hangUp(id, [request + draft], "close");
    expect(shop.db.read.get("SELECT 1 FROM shoes WHERE shoe_id = ?", id)).toBeUndefined();
  });

  test("a failure of the server stays a failure, whoever waits for it", async () => {
    isFull = true;
    const id = `held-${++lastId}`;
    const { logged, grown } = await hangUp(
      id,
      [whole("POST", "/api/shoes", id, { shoe_id: id, title: "A shoe", price: 5 }, admin.token)],
      "close",
    );
    expect(logged).toEqual([{ level: "error", status: 503, answer: undefined, requestId: id }]);
    expect(grown).toEqual({ "5xx": 1 });
  });
});

test("an answer that is not read, a refusal and a body without its trailer are logged as what they are", async () => {
  const unread = await openCaller(shop.url);
  unread.stopReading();
  await unread.send(head("GET", "/api/shoes", "unread-1", []));
  await until("the answer is logged", () => lines().length > 0);
  unread.leave("reset");
  const refused = await openCaller(shop.url);
  await refused.send(`${head("POST", "/api/shoes", "refused-1", long(2))}{}`);
  await until("the refusal is logged", () => lines().length > 1);
  refused.leave("close");
  // For Bun a body ends with the line of its last chunk.
  const trailing = await openCaller(shop.url);
  await trailing.send(
    `${head("POST", "/api/auth/login", "trailing-1", CHUNKED)}2\r\n{}\r\n0\r\nX-Trailer: a`,
  );
  await until("the answer is logged", () => lines().length > 2);
  trailing.leave("close");
  expect(lines().map(({ level, status, requestId }) => [level, status, requestId])).toEqual([
    ["info", 200, "unread-1"],
    ["info", 401, "refused-1"],
    ["info", 400, "trailing-1"],
  ]);
});
