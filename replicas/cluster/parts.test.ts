// The command line of a cluster, its table, and the figures in it.
import { describe, expect, test } from "bun:test";
import { readOptions } from "./options.ts";
import { nodeEnvironment } from "./run.ts";
import { renderTable } from "./table.ts";
import { type Reading, totalsOf } from "./watch.ts";

describe("the command line", () => {
  test("without options means a cluster of twelve nodes", () => {
    expect(readOptions([])).toEqual({
      kind: "run",
      data: "data/cluster",
      nodes: 12,
      port: undefined,
      from: undefined,
      withEdge: true,
      cacheBytes: 8_388_608,
      json: false,
    });
    expect(
      readOptions(["--nodes", "3", "--port", "9000", "--json", "--no-edge", "--from", "a.db"]),
    ).toMatchObject({
      nodes: 3,
      port: 9000,
      json: true,
      withEdge: false,
      from: "a.db",
    });
  });

  test.each([
    [["--kill", "3"], { verb: "kill", targets: ["3"] }],
    [["--kill", "3, node-4,primary"], { verb: "kill", targets: ["3", "node-4", "primary"] }],
    [["--pause"], { verb: "pause", targets: ["primary"] }],
    [["--resume", "--data", "d"], { verb: "resume", targets: ["primary"] }],
    [["--pause", "edge"], { verb: "pause", targets: ["edge"] }],
    [["--drain", "5", "--restart"], { verb: "drain", targets: ["5"], restart: true }],
    [["--add"], { verb: "add", targets: [] }],
    [["--status", "--json"], { verb: "status", targets: [], json: true }],
  ])("%j is a control", (words, control) => {
    expect(readOptions(words)).toMatchObject({ kind: "control", control } as never);
  });

  test.each([
    [["--nodes", "0"], "--nodes is 0: it must be a whole number from 1 to 48"],
    [["--nodes", "49"], "--nodes is 49: it must be a whole number from 1 to 48"],
    [["--port", "x"], "--port is x: it must be a whole number from 1 to 65535"],
    [["--cache-bytes", "-1"], "--cache-bytes"],
    [["--pause", "door"], "--pause door: a target is a node's number, primary or edge"],
    [["--kill", "everything"], "--kill everything: a target is a node's number, primary or edge"],
    [["--kill", "123"], "--kill 123: a target"],
    [["--kill", "edges"], "--kill edges: a target"],
    [["--stop", "3,"], "--stop : a target"],
    [["--drain", "the-primary"], "--drain the-primary: a target"],
    [["--kill", "3", "--add"], "--kill and --add exclude each other"],
    [["--restart"], "--restart goes with --drain"],
    [["--kill", "3", "--restart"], "--restart goes with --drain"],
  ])("%j is refused", (words, sentence) => {
    expect(() => readOptions(words)).toThrow(sentence);
  });
});

test("totals leave out the requests of operators", () => {
  const metrics = [
    "# HELP insole_http_requests_total Requests answered",
    'insole_http_requests_total{route="cached",method="GET",status="2xx"} 40',
    'insole_http_requests_total{route="/api/shoes/:id",method="GET",status="2xx"} 2',
    'insole_http_requests_total{route="/metrics",method="GET",status="2xx"} 100',
    'insole_http_requests_total{route="/health",method="GET",status="2xx"} 100',
    'insole_cache_answers_total{kind="hit"} 30',
    'insole_cache_answers_total{kind="not-modified"} 10',
    'insole_cache_answers_total{kind="miss"} 2',
    "insole_cache_bytes 5000",
  ].join("\n");
  expect(totalsOf(metrics)).toEqual({ requests: 42, answers: 42, hits: 40 });
});

test("the table aligns its columns, and shows a dash for an unknown value", () => {
  const ready: Reading = {
    name: "node-1",
    role: "node",
    state: "ready",
    seq: 1234,
    lagMs: 20.6,
    requestsPerSecond: 1500.4,
    hitShare: 0.987,
    memoryMib: 81.2,
  };
  const down: Reading = {
    name: "node-12",
    role: "node",
    state: "down",
    seq: null,
    lagMs: null,
    requestsPerSecond: null,
    hitShare: null,
    memoryMib: null,
  };
  expect(renderTable([ready, down])).toEqual([
    "name     role  state  version    lag  requests/s  hits  memory",
    "node-1   node  ready     1234  21 ms        1500  99 %  81 MiB",
    "node-12  node  down         -      -           -     -       -",
  ]);
});

test("the nodes get every setting of mail, and no setting of a single shop", () => {
  const mail = {
    SMTP_URL: "smtp://mail.example",
    MAIL_FROM: "shop@shop.example",
    ADMIN_ALERT_EMAIL: "staff@shop.example",
    SHOP_NAME: "Feet & Co",
    LOCALE: "de-DE",
    LOW_STOCK: "5",
    REPORT_TIMEZONE: "Europe/Berlin",
    PUBLIC_URL: "https://shop.example",
    ORDER_URL: "https://front.example/orders",
    RESET_URL: "https://front.example/reset",
  };
  expect(nodeEnvironment({ ...mail, PORT: "3000", DATA_DIR: "data", DATABASE_URL: "file:a.db" })).toEqual(
    mail,
  );
});
