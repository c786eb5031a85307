// What `nginx/generate` writes and refuses, and the options that need an edge of their own.
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { request, requestManyTimes } from "./rows/client.ts";
import { makeCertificate, openFakeNode, openPrograms, PUBLIC, run } from "./testing/edge.ts";

const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
// Skipped on a machine without NGINX; CI installs it.
const nginx = findNginx(process.env.PATH ?? "");
const withNginx = test.skipIf(nginx === null);
const FORGED = "0123abcd.42.AAAAAAAAAAAAAAAA";
// Behind TLS a real node says the same, with other words.
const SECURE = { "strict-transport-security": "max-age=1" };
const node = openFakeNode(({ url }) =>
  Response.json({ node: new URL(url).pathname }, { headers: { ...PUBLIC, ...SECURE } }),
);
const other = openFakeNode(() => Response.json({ node: "other" }, { headers: PUBLIC }));
afterAll(async () => {
  await node.close();
  await other.close();
  await programs.close();
});

const nodesPath = join(programs.folder, "some-nodes.txt");
writeFileSync(nodesPath, "# two\n127.0.0.1:3001  # the first\n\n[::1]:3002\n");
const generate = (...words: string[]) =>
  run(["nginx/generate", "--out", join(programs.folder, "out"), "--nodes", nodesPath, ...words]);
const REFUSED: [string[], string][] = [
  [["--listen", "127.0.0.1:80;}"], "is not ADDR:PORT"],
  [["--cache-bytes", "much"], "is not a size"],
  [["--log-sample", "101"], "is not a percentage"],
  [["--log-dir", "a b;"], "has a character other than"],
  [["--tls-listen", "127.0.0.1:8443"], "needs --tls-cert"],
  [["--public-dir", "no-such-folder"], "is not a folder"],
  [["--nodes", "no-such-file"], "cannot be read"],
  [["--trust-proxy", "everybody"], "is not an address"],
  [["--colour", "red"], "is not known"],
  [["--listen"], "needs a value"],
];

test("a second run changes no file, and leaves no temporary one", async () => {
  expect((await generate()).code).toBe(0);
  const out = join(programs.folder, "out");
  const names = readdirSync(out);
  expect(names.filter((name) => name.startsWith("."))).toEqual([]);
  const nodes = await Bun.file(join(out, "nodes.conf")).text();
  expect([...(nodes.match(/server [^ ]+/g) ?? [])]).toEqual(
    Array.from({ length: 3 }, () => ["server 127.0.0.1:3001", "server [::1]:3002"]).flat(),
  );
  const longAgo = new Date(0);
  for (const name of names) utimesSync(join(out, name), longAgo, longAgo);
  expect((await generate()).code).toBe(0);
  const files = readdirSync(out).filter((name) => name.endsWith(".conf"));
  expect(files.filter((name) => statSync(join(out, name)).mtimeMs !== 0)).toEqual([]);
  for (const name of files) expect(await Bun.file(join(out, name)).text()).not.toMatch(/@[a-z_]+@/);
});

test("--listen may be repeated, and each address is a listener of the same server", async () => {
  expect((await generate("--listen", "127.0.0.1:8000", "--listen", "[::1]:8001")).code).toBe(0);
  const text = await Bun.file(join(programs.folder, "out", "nginx.conf")).text();
  expect(text.split("\n").filter((line) => line.includes("listen "))).toEqual([
    "    listen 127.0.0.1:8000 default_server backlog=4096;",
    "    listen [::1]:8001 default_server backlog=4096;",
  ]);
});

test.each(REFUSED.map(([words, why]) => ({ words, why })))("refuses $words", async ({ words, why }) => {
  const { code, text } = await generate(...words);
  expect(text).toContain(why);
  expect(code).toBe(2);
});

test.each(["evil;", "a b:1", "host", "host:1:2"])("refuses the node %p", async (line) => {
  const path = join(programs.folder, "bad-nodes.txt");
  writeFileSync(path, `${line}\n`);
  const { code, text } = await generate("--nodes", path);
  // A blank or a semicolon ends the name.
  expect(text).toContain("is not ADDR:PORT");
  expect(code).toBe(2);
});

test("a list without nodes is refused", async () => {
  const path = join(programs.folder, "no-nodes.txt");
  writeFileSync(path, "# none\n");
  expect((await generate("--nodes", path)).text).toContain("names no node");
});

withNginx("a reload applies a change of the nodes", async () => {
  const edge = await programs.bootEdge([node.address]);
  expect((await request(edge.url, { path: "/health" })).body).toBe('{"node":"/health"}');
  await edge.generate([other.address]);
  await edge.reload();
  await until(
    "the other node gets the request",
    async () => (await request(edge.url, { path: "/health" })).body === '{"node":"other"}',
  );
});

withNginx("clients in exempt.txt are not limited", async () => {
  const path = join(programs.folder, "exempt.txt");
  writeFileSync(path, "127.0.0.0/9 1; # half of the loopback addresses\n");
  const edge = await programs.bootEdge([node.address], ["--exempt", path]);
  const flood = async (from: string) => {
    // The limit of versions: lower, so that a slow machine reaches it too.
    const sent = { path: "/api/shoes/flooded", headers: { "insole-version": FORGED }, from };
    return Object.keys((await requestManyTimes(edge.url, sent, 2_000)).statuses).sort();
  };
  expect(await flood("127.0.0.1")).toEqual(["200"]);
  expect(await flood("127.200.0.1")).toEqual(["200", "429"]);
});

withNginx("X-Forwarded-For is believed only from the proxies of --trust-proxy", async () => {
  const edge = await programs.bootEdge([node.address], ["--trust-proxy", "127.0.0.5,10.0.0.0/8"]);
  const headers = { "x-forwarded-for": "6.6.6.6, 9.9.9.9, 10.1.1.1" };
  await request(edge.url, { path: "/livez", headers, from: "127.0.0.5" });
  await request(edge.url, { path: "/livez", headers, from: "127.0.0.6" });
  expect(node.received.slice(-2).map(({ headers: sent }) => sent["x-forwarded-for"])).toEqual([
    "9.9.9.9",
    "127.0.0.6",
  ]);
});

withNginx("an IPv6 network of 64 bits is one client, and goes to one node", async () => {
  const edge = await programs.bootEdge([node.address, other.address], ["--trust-proxy", "127.0.0.0/8"]);
  const nodeOf = async (address: string) =>
    (await request(edge.url, { path: "/livez", headers: { "x-forwarded-for": address } })).body;
  const numbers = Array.from({ length: 20 }, (_, at) => (at + 0xa0).toString(16));
  const inOne = await Promise.all(numbers.map((at) => nodeOf(`2001:db8:1:2:${at}:1:1:1`)));
  expect(new Set(inOne).size).toBe(1);
  const inMany = await Promise.all(numbers.map((at) => nodeOf(`2001:db8:1:${at}:1:1:1:1`)));
  expect(new Set(inMany).size).toBe(2);
});

withNginx("--redirect-listen redirects plain HTTP to TLS", async () => {
  const certificate = await makeCertificate(programs.folder);
  const edge = await programs.bootEdge([node.address], [], { certificate, redirects: true });
  const reply = await request(edge.redirectUrl, {
    path: "/a?b=c",
    // The port of plain HTTP is not that of TLS.
    headers: { host: "shop.example:8000" },
  });
  expect([reply.status, reply.headers.location]).toEqual([308, "https://shop.example/a?b=c"]);
  for (const path of ["/api/shoes/a", "/livez"]) {
    const secure = await request(edge.tlsUrl, { path });
    expect(secure.headers["strict-transport-security"]).toBe("max-age=31536000");
  }
  expect(node.received.at(-1)?.headers["x-forwarded-proto"]).toBe("https");
});

withNginx("a returning client of TLS 1.2 resumes its session, and gets no ticket", async () => {
  const certificate = await makeCertificate(programs.folder);
  const { tlsUrl } = await programs.bootEdge([node.address], [], { certificate });
  const { host } = new URL(tlsUrl);
  // On a loaded machine not always at the first try.
  await until("a session is resumed", async () => {
    const { text } = await run(["openssl", "s_client", "-connect", host, "-tls1_2", "-reconnect"]);
    expect(text).not.toContain("session ticket");
    return text.includes("Reused, TLSv1.2");
  });
});

/** An address of this machine that is not on loopback. */
const ownAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

test.skipIf(nginx === null || ownAddress === undefined)(
  "the counters refuse a client that is not on loopback, also where their listener is open to all",
  async () => {
    const edge = await programs.bootEdge([node.address], [], { statusHost: "0.0.0.0" });
    expect((await request(edge.statusUrl, { path: "/status" })).status).toBe(200);
    const { port } = new URL(edge.statusUrl);
    expect((await request(`http://${ownAddress}:${port}`, { path: "/status" })).status).toBe(403);
  },
);

withNginx("the loaded configuration refuses the counters to all addresses but loopback", async () => {
  const { folder } = await programs.bootEdge([node.address]);
  const { text } = await run([nginx ?? "", "-T", "-p", folder, "-c", join(folder, "nginx.conf")]);
  const file = text.split("# configuration file ").find((each) => each.startsWith(`${folder}/status.conf:`));
  const rules = file?.split("\n").filter((line) => /^\s*(allow|deny) /.test(line));
  expect(rules?.map((line) => line.trim())).toEqual(["allow 127.0.0.0/8;", "allow ::1;", "deny all;"]);
});

withNginx("the edge serves the files of --public-dir, a node everything else", async () => {
  const folder = join(programs.folder, "public");
  for (const name of ["assets", "assets.bak", "drafts~", "#old#"])
    mkdirSync(join(folder, name), { recursive: true });
  const write = (name: string) => writeFileSync(join(folder, name), `file ${name}`);
  const hashed = ["app.3f2a91bc.js", "assets/x-DiwrgTda.css"];
  // A date, and a word of the letters that hexadecimal digits have.
  const words = ["photo-20240101.js", "x-deadbeef.js"];
  // What editors leave, and names that only look like it.
  const left = [
    "index.html~",
    "#index.html#",
    "app.js.bak",
    "APP.JS.BAK",
    "app.old",
    "app.js.orig",
    "a.rej",
    "a.html.swp",
    ".a.swo",
    "a.tmp",
    "a.save",
    "assets/a.css~",
    "assets.bak/a.css",
    "drafts~/index.html",
    "#old#/index.html",
  ];
  const kept = ["a~b.css", "bak", "old.css", "a.backup", "#a.css", "swp.js"];
  for (const name of ["index.html", ...hashed, ...words, "plain.css", ".hidden", ...left, ...kept])
    write(name);
  writeFileSync(join(programs.folder, "outside.txt"), "secret");
  symlinkSync(join(programs.folder, "outside.txt"), join(folder, "link.txt"));
  const edge = await programs.bootEdge([node.address], ["--public-dir", folder]);
  const at = (path: string, method = "GET") => request(edge.url, { path, method });
  const immutable = "public, max-age=31536000, immutable";
  for (const [path, name, caching, type] of [
    ["/", "index.html", "no-cache", "text/html; charset=utf-8"],
    ["/plain.css", "plain.css", "no-cache", "text/css; charset=utf-8"],
    ["/photo-20240101.js", "photo-20240101.js", "no-cache", "text/javascript; charset=utf-8"],
    ["/x-deadbeef.js", "x-deadbeef.js", "no-cache", "text/javascript; charset=utf-8"],
    ["/app.3f2a91bc.js", "app.3f2a91bc.js", immutable, "text/javascript; charset=utf-8"],
    ["/assets/x-DiwrgTda.css", "assets/x-DiwrgTda.css", immutable, "text/css; charset=utf-8"],
  ] as const) {
    const { status, body, headers } = await at(path);
    expect([status, body, headers["cache-control"], headers["content-type"]]).toEqual([
      200,
      `file ${name}`,
      caching,
      type,
    ]);
    expect(headers["content-security-policy"]).toBe("frame-ancestors 'self'");
    const again = await request(edge.url, { path, headers: { "if-none-match": headers.etag ?? "" } });
    expect(again.status).toBe(304);
    const refused = await request(edge.url, { path, headers: { "if-match": '"another"' } });
    expect(JSON.parse(refused.body)).toMatchObject({ type: "/problems/precondition-failed", status: 412 });
    const past = await request(edge.url, { path, headers: { range: "bytes=999-" } });
    expect(JSON.parse(past.body)).toMatchObject({ type: "/problems/invalid-request", status: 416 });
  }
  for (const name of kept) expect((await at(`/${name.replace("#", "%23")}`)).body).toBe(`file ${name}`);
  for (const path of [
    ...left.map((name) => `/${name.replaceAll("#", "%23")}`),
    "/.hidden",
    "/link.txt",
    "/assets",
    "/nothing",
    "/health",
    "/docs",
    "/api/auth/profile",
  ])
    expect((await at(path)).body).toBe(JSON.stringify({ node: path }));
  expect((await at("/", "POST")).body).toBe('{"node":"/"}');
  expect((await at("/metrics")).status).toBe(404);
});

test("logrotate.conf names the logs and the process id", async () => {
  await generate();
  const text = await Bun.file(join(programs.folder, "out", "logrotate.conf")).text();
  expect(text).toContain(`${join(programs.folder, "out", "logs")}/*.log {`);
  expect(text).toContain(`kill -USR1 "$(cat ${join(programs.folder, "out", "nginx.pid")})"`);
});
