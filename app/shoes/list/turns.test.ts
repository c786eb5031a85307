// Lists take turns at the read worker: which requests wait, for whom they count, when they are refused, and who does not wait.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { openRequesters } from "../../../db/read/requesters.ts";
import { openTurns } from "../../../db/read/turns.ts";
import { openManualClock, settle } from "../../../db/testing/turns.ts";
import { until } from "../../../db/until.ts";
import { makeAdminOf } from "../../testing/accounts.ts";
import { ask, signIn, signUp } from "../../testing/people.ts";
import { type ObservedShop, openObservedShop, shoe } from "../../testing/shop.ts";

const WAIT_MS = 1_000;
const clock = openManualClock();
const wide = openTurns({ runningMax: 2, waitingMax: 1_000, clock });

let shop: ObservedShop;
beforeAll(async () => {
  const labels = { brand: "Bo", category: "Boots", color: "red", gender: "men" };
  const drafts = ["a", "b", "c"].map((id) => shoe(id, { ...labels, sizes: [{ size: "9", stock: 2 }] }));
  const turns = { wide, primary: openTurns({ runningMax: 4, waitingMax: 10, clock }) };
  shop = await openObservedShop([...drafts, shoe("d", { brand: "Di" })], true, {
    turns,
    trustProxy: ["loopback"],
  });
});
afterAll(() => shop.close());

/** Takes every turn, until it is released. */
let release = () => {};
async function occupy(): Promise<void> {
  const held = Promise.withResolvers<void>();
  release = held.resolve;
  for (let turn = 0; turn < 2; turn += 1) void wide.run(openRequesters(), () => held.promise);
  await settle();
}
afterEach(async () => {
  release();
  await until("every turn is free", () => wide.state().running === 0);
  shop.cache.clear();
});

const waiting = (count: number) => until(`${count} lists wait`, () => wide.state().waiting === count);
const from = (address: string) => ({ "x-forwarded-for": address });

type Hostile = [string, RequestInit?];
// Each is another list.
const WIDE: Hostile[] = [
  ["/api/shoes?q=sa&facets=true&minPrice=1&maxPrice=99.5&sort=name"],
  ["/v1/shoes?q=sh&facets=true"],
  ["/api/products?q=shoe"],
  ["/v1/products?q=shoe&limit=100"],
  ["/api/shoes?q=shoe", { method: "HEAD" }],
  ["/api/shoes?search=shoe&limit=3"],
  ["/api/shoes?%71=shoe&limit=4"],
  ["/api/shoes?q=sheo"],
  [`/api/shoes?q=${"z".repeat(200)}`],
  ["/api/shoes?q=a+b+c+d+e+f+g+h+i+j+k+l"],
  ["/api/shoes?q=shoe&sort=popular"],
  ["/api/shoes?q=shoe&page=2&limit=1"],
  ["/api/shoes?q=shoe&page=500"],
  ["/api/shoes?minPrice=1"],
  ["/api/shoes?maxPrice=1000000"],
  ["/api/shoes?minPrice=0.01&maxPrice=0.02"],
  ["/api/shoes?onSale=true"],
  ["/api/shoes?inStock=true"],
  ["/api/shoes?facets=true"],
  ["/api/shoes?facets=true&brand=bo"],
  ["/api/shoes?size=9"],
  ["/api/shoes?size=9&inStock=true"],
  ["/api/shoes?brand=bo&brand=di"],
  ["/api/shoes?brand=bo&category=boots"],
  ["/api/shoes?color=red&sort=name"],
  ["/api/shoes?gender=men&sort=popular"],
  ["/api/shoes?category=boots&sort=name&page=9"],
  ["/api/shoes?brand=BO&sort=name&x=1"],
  ["/api/shoes?q=shoe&limit=5", { headers: { "if-none-match": "*" } }],
  ["/api/shoes?q=shoe&limit=6", { headers: { "cache-control": "no-cache" } }],
  ["/api/shoes?q=shoe&limit=7", { headers: { "insole-version": "deadbeef.9.AAAAAAAAAAAAAAAA" } }],
  ["/api/shoes?q=shoe&limit=8", { headers: { authorization: "Bearer nonsense" } }],
  ["/api/shoes?q=shoe&limit=9", { headers: { range: "bytes=0-1", "if-range": "*" } }],
  ["/api/shoes?q=shoe&limit=10", { headers: from("unknown") }],
];

test("wide lists of every kind wait for a second and are refused then; nothing else waits", async () => {
  await occupy();
  const lists = WIDE.map(([path, init]) => shop.get(path, init));
  await waiting(WIDE.length);
  clock.pass(WAIT_MS - 1);
  const others = [
    "/api/shoes",
    "/api/shoes?brand=bo",
    "/api/shoes?sort=price_asc&page=2",
    "/api/shoes?ids=a,b",
  ];
  for (const path of [
    ...others,
    "/api/shoes/a",
    "/api/shoes/a/relatedproducts",
    "/api/categories",
    "/health",
  ])
    expect([path, (await shop.get(path)).status]).toEqual([path, 200]);
  expect(wide.state().waiting).toBe(WIDE.length);
  const { refused } = wide.state();
  clock.pass(1);
  for (const response of await Promise.all(lists)) {
    const { status, headers } = response;
    expect([response.url, status, headers.get("retry-after")]).toEqual([response.url, 503, "1"]);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(headers.get("cache-control")).toBe("private, no-store");
    expect(headers.get("access-control-allow-origin")).toBe("*");
    const text = await response.text();
    if (text !== "") expect(JSON.parse(text)).toMatchObject({ type: "/problems/unavailable", status: 503 });
  }
  expect(wide.state()).toMatchObject({ waiting: 0, clients: 0, refused: refused + WIDE.length });
  release();
  for (const [path, init] of WIDE) expect([200, 304]).toContain((await shop.get(path, init)).status);
});

test("accounts, audit and writes wait for no turn", async () => {
  const admin = await signIn(shop, await makeAdminOf(shop.db, await signUp(shop)));
  await occupy();
  const flood = Array.from({ length: 50 }, (_, index) => shop.get(`/api/shoes?minPrice=${index + 1}`));
  await waiting(50);
  for (const path of ["/api/users", "/api/audit", "/api/auth/profile", "/api/users/me/likes"])
    expect([path, (await ask(shop, "GET", path, { token: admin.token })).status]).toEqual([path, 200]);
  expect((await ask(shop, "POST", "/api/shoes/a/likes/me", { token: admin.token })).status).toBe(201);
  clock.pass(WAIT_MS);
  expect((await Promise.all(flood)).map(({ status }) => status)).toEqual(flood.map(() => 503));
});

describe("clients", () => {
  test.each<[string, string[], number]>([
    ["each address is one", ["203.0.113.1", "203.0.113.2", "203.0.113.1"], 2],
    ["a network of 64 bits is one", ["2001:db8:7:7::1", "2001:db8:7:7:ffff::2", "2001:db8:7:8::1"], 2],
    ["both spellings of IPv4 are one", ["::ffff:203.0.113.8", "203.0.113.8", "203.0.113.8:443"], 1],
    ["claims left of the proxy's count for nothing", ["1.1.1.1, 203.0.113.9", "2.2.2.2, 203.0.113.9"], 1],
  ])("%s", async (_what, addresses, clients) => {
    await occupy();
    const lists = addresses.map((address, index) =>
      shop.get(`/api/shoes?maxPrice=${index + 1}`, { headers: from(address) }),
    );
    await waiting(addresses.length);
    expect(wide.state().clients).toBe(clients);
    const metrics = (await (await shop.get("/metrics")).text()).split("\n");
    expect(metrics).toContain('insole_wide_reads{state="running"} 2');
    expect(metrics).toContain(`insole_wide_reads{state="waiting"} ${addresses.length}`);
    expect(metrics).toContain(`insole_wide_read_clients ${clients}`);
    expect(metrics).toContain(`insole_wide_reads_refused_total ${wide.state().refused}`);
    release();
    expect((await Promise.all(lists)).map(({ status }) => status)).toEqual(lists.map(() => 200));
  });

  test("a flood of one leaves the next turn to another", async () => {
    await occupy();
    const flood = Array.from({ length: 60 }, (_, index) =>
      shop.get(`/api/shoes?minPrice=${index + 1}`, { headers: from("203.0.113.1") }),
    );
    await waiting(60);
    const ended: string[] = [];
    const customer = shop.get("/api/shoes?q=shoe", { headers: from("203.0.113.2") });
    void customer.then(() => ended.push("customer"));
    for (const each of flood) void each.then(() => ended.push("flood"));
    await waiting(61);
    release();
    expect((await customer).status).toBe(200);
    await Promise.all(flood);
    // The flood's first one, and what ended at the same time.
    expect(ended.indexOf("customer")).toBeWithin(0, 6);
  });
});

describe("a list that several requests share", () => {
  const PATH = "/api/shoes?q=shoe&facets=true";
  const scans = () => shop.ran.filter(({ here }) => !here).length;

  test("is dropped when all have gone, and computed anew for the next", async () => {
    await occupy();
    const gone = new AbortController();
    const left = ["GET", "HEAD"].map((method) =>
      shop.get(PATH, { method, signal: gone.signal }).catch(() => "gone"),
    );
    await waiting(1);
    gone.abort();
    expect(await Promise.all(left)).toEqual(["gone", "gone"]);
    await waiting(0);
    // No failure of the server.
    const series = () => shop.counters.state().series.filter(({ route }) => route === "/shoes");
    const hangUps = (method: string) => series().find((one) => one.method === method && one.status === "499");
    await until("both are counted", () => hangUps("GET") !== undefined && hangUps("HEAD") !== undefined);
    const next = shop.get(PATH);
    await waiting(1);
    release();
    expect((await next).status).toBe(200);
  });

  test("is answered to the others when its first clients go or are late, by one computation", async () => {
    await occupy();
    const gone = new AbortController();
    const first = shop.get(PATH, { headers: from("203.0.113.1"), signal: gone.signal }).catch(() => "gone");
    await waiting(1);
    const second = shop.get(PATH, { headers: from("203.0.113.1") });
    await until("the second has joined", () => shop.turns.wide.state().waiting === 1 && clock.alarms() === 2);
    clock.pass(WAIT_MS / 2);
    const third = shop.get(`${PATH}&x=1`, { headers: from("203.0.113.3") });
    await until("the third has joined", () => clock.alarms() === 3);
    expect(wide.state()).toMatchObject({ waiting: 1, clients: 2 });
    gone.abort();
    expect(await first).toBe("gone");
    clock.pass(WAIT_MS / 2);
    expect((await second).status).toBe(503);
    const before = scans();
    release();
    const answer = await third;
    const { data } = (await answer.json()) as { data: unknown[] };
    expect([answer.status, data.length]).toEqual([200, 4]);
    const again = await shop.get(PATH);
    expect([again.status, again.headers.get("cache-status")]).toEqual([200, "insole; hit"]);
    // Total and page in one, the facets, the items: what one such list takes.
    expect(scans() - before).toBeWithin(2, 8);
  });

  test("in memory is answered while every turn is taken", async () => {
    expect((await shop.get(PATH)).status).toBe(200);
    await occupy();
    for (const path of [PATH, "/v1/shoes?facets=true&q=shoe", `${PATH}&utm_source=x`])
      expect((await shop.get(path)).headers.get("cache-status")).toBe("insole; hit");
    expect(wide.state().waiting).toBe(0);
  });
});
