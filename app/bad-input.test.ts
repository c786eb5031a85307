// Bad input over HTTP and over bare sockets: each request gets its status, never a 500, and adds no second cache entry.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { encodeCursor } from "./http/cursor.ts";
import { type ObservedShop, openObservedShop, openTestShop, shoe, type TestShop } from "./testing/shop.ts";

let shop: TestShop;
let observed: ObservedShop;
beforeAll(async () => {
  const drafts = Array.from({ length: 120 }, (_, index) =>
    shoe(`s${index}`, { description: "靴".repeat(15_000) }),
  );
  [shop, observed] = await Promise.all([openTestShop(drafts), openObservedShop(drafts)]);
});
afterAll(() => Promise.all([shop.close(), observed.close()]));

/** A request that waits for another client's connection waits for its idle time of 75 s; one takes about 5 ms. */
const DELAYED_MS_MIN = 2_000;

const cursor = (sort: string) => encodeCursor(sort, 0, 5, 0);
// biome-ignore format: one line reads as one table
const QUERIES: [string, number][] = [
  ["page=0", 400], ["limit=101", 400], ["limit=1e3", 400], ["page=99999999999999999999", 400], ["page=-1", 400], ["sort=cheapest", 400],
  ["cursor=%00", 400], ["cursor=abc", 400], [`cursor=${cursor("name")}`, 400], [`cursor=${cursor("newest")}x`, 400], ["sort=name&cursor=WyJuYW1lIiw1LDUsMF0", 200],
  [`q=${encodeURIComponent('"a" AND (b OR NOT c*) NEAR(d, 1) ^e {f}:g + "')}`, 200], ["q=%22", 200], ["q=*", 200], ["q=%00", 200],
  ["q=%FF", 200], ["q=%27%3B%20DROP%20TABLE%20shoes", 200], ["q=%F0%9F%91%9F", 200], ["q=%", 200], ["brand=%00", 200], ["brand=%FF%FE", 200], ["category=..%2F..", 200],
  ["size=%22%29", 200], ["minPrice=0x10", 400], ["maxPrice=1e9", 400], ["inStock=maybe", 400], ["ids=%00", 400], ["=&&&==", 200], ["__proto__=x&constructor=y", 200],
  [`q=${"%61".repeat(300)}`, 400], [`x=${"a".repeat(7_000)}`, 200], [`x=${"a".repeat(9_000)}`, 400],
];
// biome-ignore format: one line reads as one table
const PATHS: [string, number][] = [
  ["/api/shoes/%00", 404], ["/api/shoes/%FF", 400], ["/api/shoes/%", 400], ["/api/shoes/%E0%A4%A", 400], [`/api/shoes/${"a".repeat(65)}`, 404],
  [`/api/shoes/${"a".repeat(4_000)}`, 404], ["/api/shoes/..%2F..%2Fetc%2Fpasswd", 404], ["/api/shoes/%2e%2e", 404], ["/images/..%2Fs1.svg", 404],
  ["/images/%00.svg", 404], ["/images/%FF.svg", 400], [`/images/${"a".repeat(65)}.svg`, 404], ["/images/s1.svg.svg", 404], ["/images/s1.SVG", 404],
  ["/api/shoes/s1%20", 404], ["/api/shoes/S1", 404], ["/api//shoes", 404], ["/API/shoes", 404], ["/api/shoes/s1/", 404], ["/api/shoes/s1;x=1", 404],
  ["/api/shoes/s1/relatedproducts/x", 404], ["/api/shoes/'%20OR%201=1", 404], ["/api/shoes/<script>", 404],
];
const REQUESTS: [string, number][] = [
  ...QUERIES.map(([query, status]): [string, number] => [`/api/shoes?${query}`, status]),
  ...PATHS,
];

describe("addresses", () => {
  test.each(REQUESTS)("%s is %d", async (path, status) => {
    for (const method of ["GET", "HEAD"]) {
      const answer = await shop.get(path, { method });
      expect([method, answer.status]).toEqual([method, status]);
      if (status !== 200) expect(answer.headers.get("content-type")).toBe("application/problem+json");
      const body = await answer.text();
      expect(body).not.toMatch(/SELECT|sqlite|\/work|\.ts:|node_modules|<script>[^"]*"?,?"success/i);
    }
  });

  test("make no second entry for the same content, and missing ids are bounded apart from entries", async () => {
    await observed.get("/api/shoes");
    const ask = async () => {
      for (const [path] of REQUESTS) await (await observed.get(path)).arrayBuffer();
      return observed.cache.state().entries;
    };
    const first = await ask();
    expect(await ask()).toBe(first);
    // One list of all shoes, and one for each distinct query above with an answer of its own.
    expect(first).toBeLessThanOrEqual(1 + QUERIES.filter(([, status]) => status === 200).length);
    const { entries } = observed.cache.state();
    for (let index = 0; index < 6_000; index += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, of) => observed.get(`/api/shoes/none-${index + of}`)),
      );
    expect(observed.cache.state().entries).toBe(entries);
    expect(observed.cache.state().missing).toBeLessThanOrEqual(5_000);
  });

  test("a body of a GET is ignored, one too large is refused, and neither changes the answer", async () => {
    const plain = await (await shop.get("/api/shoes/s1")).text();
    const port = Number(new URL(shop.url).port);
    const withBody = await exchange(
      port,
      `GET /api/shoes/s1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello`,
    );
    expect(withBody).toStartWith("HTTP/1.1 200 ");
    expect(withBody).toEndWith(plain);
    const large = await shop.get("/api/shoes", { method: "POST", body: "x".repeat(300_000) });
    expect(large.status).toBe(413);
    expect(((await large.json()) as { type: string }).type).toBe("/problems/payload-too-large");
  });
});

/** Sends bytes and returns all bytes that arrive until the server closes. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const got: Buffer[] = [];
    socket.on("data", (part: Buffer) => got.push(part));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(Buffer.concat(got).toString()));
    socket.write(bytes);
  });
}

const head = (line: string, headers = "Host: localhost\r\n") =>
  `${line} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`;

describe("bare sockets", () => {
  const rows: [string, string, RegExp][] = [
    [
      "100 KB of headers",
      head("GET /api/shoes/s1", `Host: localhost\r\nX: ${"a".repeat(100_000)}\r\n`),
      /^HTTP\/1\.1 431 /,
    ],
    ["a query of 16 KB", head(`GET /api/shoes?x=${"a".repeat(16_384)}`), /^HTTP\/1\.1 431 /],
    ["a method that is not there", head("BREW /api/shoes"), /^(HTTP\/1\.1 (400|405|501) |$)/],
    [
      "a method that is, elsewhere",
      head("PROPFIND /api/shoes"),
      /^HTTP\/1\.1 405 [\s\S]*allow: GET, HEAD, OPTIONS/i,
    ],
    ["no host", head("GET /api/shoes/s1", ""), /^HTTP\/1\.1 400 /],
    ["a host of one letter", head("GET /api/shoes/s4", "Host: x\r\n"), /^HTTP\/1\.1 200 [\s\S]*"id":"s4"/],
    ["a path that climbs", head("GET /api/../../etc/passwd"), /^HTTP\/1\.1 40[04] /],
    [
      "an address of another site",
      head("GET http://elsewhere.example/api/shoes/s5"),
      /^HTTP\/1\.1 200 [\s\S]*"id":"s5"/,
    ],
    ["letters that are not encoded", head("GET /api/shoes?q=\u00e9"), /^HTTP\/1\.1 (200|400) /],
    ["a NUL in the address", head("GET /api/shoes\0"), /^HTTP\/1\.1 (400|505) /],
    [
      "two lengths",
      head("GET /api/shoes/s1", "Host: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
      /^HTTP\/1\.1 400 /,
    ],
    [
      "another protocol",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
      /^(HTTP\/1\.1 (400|505) |$)/,
    ],
  ];
  test.each(rows)("%s", async (_, bytes, answer) => {
    const got = await exchange(Number(new URL(shop.url).port), bytes);
    expect(got.slice(0, 4_000)).toMatch(answer);
    expect(got).not.toMatch(/^HTTP\/1\.1 5(?!05)/);
  });

  // biome-ignore format: one line reads as one table
  const NO_HOSTS = [
    "Host: localhost\r\nHost: localhost", "Host: localhost\r\nHost: evil.example.com", "Host: localhost\r\nhost:",
    "Host: localhost\r\nX: y\r\nHOST: 127.0.0.1", "Host: a, b", "Host: a,b", "Host: ,", "Host: a,", "Host:", "Host:  ",
    "Host: a b/c", "Host: a b", "Host: a\tb", "Host: [::", "Host: [::1", "Host: ::1", "Host: [::1]x", "Host: [127.0.0.1]",
    "Host: [::1%25lo]", "Host: [gg::1]", "Host: user@localhost", "Host: user:word@localhost", "Host: localhost/x",
    "Host: localhost?x", "Host: localhost#x", "Host: localhost\\x", "Host: localhost:80x", "Host: localhost:99999",
    "Host: localhost:65536", "Host: localhost:-1", "Host: localhost:80:80", "Host: :80", "Host: .", "Host: a..b", "Host: .a",
    "Host: a%41", "Host: a%2fb", "Host: caf\u00e9", "Host: a'b", 'Host: a"b', "Host: <a>", "Host: a;b", "Host: a*b", "Host: $a",
    "Host: http://localhost", `Host: ${"a".repeat(254)}`, `Host: ${"a.".repeat(200)}a`,
  ];
  test.each(NO_HOSTS)("%p is 400 and says why, with any route", async (host) => {
    for (const path of ["/livez", "/metrics", "/api/shoes?page=2", "/api/nothing", "/"]) {
      const got = await exchange(Number(new URL(shop.url).port), head(`GET ${path}`, `${host}\r\n`));
      expect([path, got]).toEqual([
        path,
        expect.stringMatching(/^HTTP\/1\.1 400 [\s\S]*problem\+json[\s\S]*Host header/),
      ]);
    }
  });

  test.each([
    "localhost",
    "LOCALHOST:80",
    "a_b",
    "-a",
    "x.",
    "[::1]",
    "[::1]:80",
    "127.0.0.1:65535",
    "xn--caf-dma.example",
    "a:",
  ])("%p is a Host", async (host) => {
    const got = await exchange(Number(new URL(shop.url).port), head("GET /livez", `Host: ${host}\r\n`));
    expect(got).toStartWith("HTTP/1.1 200 ");
  });

  test("every pipelined request is answered, in order", async () => {
    const line = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
    const bytes =
      line("/livez") +
      line("/api/shoes/none") +
      line("/api/shoes?limit=1") +
      line("/health", "Connection: close\r\n");
    const got = await exchange(Number(new URL(shop.url).port), bytes);
    expect([...got.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status)).toEqual([
      "200",
      "404",
      "200",
      "200",
    ]);
    expect(got.indexOf("uptimeSeconds")).toBeGreaterThan(got.indexOf('"limit":1'));
  });

  test("silent connections, half requests and slow readers delay no other client", async () => {
    const port = Number(new URL(shop.url).port);
    const open = async (bytes: string) => {
      const socket: Socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      await new Promise((resolve) => socket.once("connect", resolve));
      if (bytes !== "") socket.write(bytes);
      socket.pause();
      return socket;
    };
    await (await shop.get("/api/shoes?limit=100")).arrayBuffer();
    const unread = `GET /api/shoes?limit=100 HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    const kinds = [
      "",
      "GET /api/sho",
      "GET /api/shoes HTTP/1.1\r\nHost: localh",
      "POST /api/shoes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx",
      unread,
    ];
    const sockets = await Promise.all(
      Array.from({ length: 60 }, (_, index) => open(kinds[index % kinds.length] ?? "")),
    );
    const times: number[] = [];
    for (let index = 0; index < 100; index += 1) {
      const from = performance.now();
      expect((await shop.get(`/api/shoes/s${index}`)).status).toBe(200);
      times.push(performance.now() - from);
    }
    times.sort((a, b) => a - b);
    expect(times[90]).toBeLessThan(DELAYED_MS_MIN);
    expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([]);
    for (const socket of sockets) socket.destroy();
    expect((await shop.get("/livez")).status).toBe(200);
  });
});
