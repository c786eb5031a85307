// What a reading token could try at a primary: SQL by every way in, odd paths and methods, other services, bent tokens.
import { DOOR } from "../../../db/server/door-protocol.ts";
import type { RawRequest } from "./raw.ts";

/** One request that must be refused. */
export type Attempt = { what: string; request: RawRequest };

/** What the attempts aim at: a file that only the host's user may read, and paths at which none may appear. */
export type Targets = { token: string; secretFile: string; writtenFile: string };

const JSON_BODY = ["content-type", "application/json"] as const;
const bearer = (token: string): [string, string][] => [
  ["authorization", `Bearer ${token}`],
  ["x-authorization", `Bearer ${token}`],
];

/** SQL that reads or writes files, reads accounts, changes rows, or locks out all writers. */
const sqlsFor = ({ secretFile, writtenFile }: Targets): string[] => [
  `SELECT CAST(readfile('${secretFile}') AS TEXT)`,
  `SELECT "ReadFile"('${secretFile}')`,
  `SELECT [readfile]/* */('${secretFile}')`,
  `SELECT writefile('${writtenFile}', 'x')`,
  `SELECT name, data FROM fsdir('${secretFile}')`,
  "BEGIN IMMEDIATE",
  "UPDATE shoes SET price_cents = 1",
  "DELETE FROM users WHERE 0",
  "SELECT email, password_hash FROM users",
  "PRAGMA writable_schema = ON",
  "ATTACH 'x' AS x",
  "SELECT load_extension('x')",
];

/** The ways by which a libSQL server or the door takes SQL: the path, and the body with this statement. */
const CARRIERS: [string, (sql: string) => unknown][] = [
  ["/", (sql) => ({ statements: [sql] })],
  ["/v1/execute", (sql) => ({ stmt: { sql } })],
  ["/v1/batch", (sql) => ({ batch: { steps: [{ stmt: { sql } }] } })],
  ...["/v2/pipeline", "/v3/pipeline", "/v3-protobuf/pipeline"].map(
    (path): [string, (sql: string) => unknown] => [
      path,
      (sql) => ({ requests: [{ type: "execute", stmt: { sql } }] }),
    ],
  ),
  ["/v3/cursor", (sql) => ({ baton: null, batch: { steps: [{ stmt: { sql } }] } })],
  [
    DOOR.commit,
    (sql) => ({ dataset: null, waitMs: 1_000, members: [{ writeId: "x", statements: [{ sql, args: [] }] }] }),
  ],
  [DOOR.query, (sql) => ({ dataset: null, waitMs: 1_000, queries: [{ sql, args: [] }] })],
  ...["/v2/pipeline", "/v3/pipeline"].map((path): [string, (sql: string) => unknown] => [
    DOOR.migrations + path,
    (sql) => ({ requests: [{ type: "execute", stmt: { sql } }, { type: "close" }] }),
  ]),
];

/** Paths that mean a pipeline to a server that decodes, resolves or folds them. */
const SPELLINGS = [
  "//v3/pipeline",
  "/v3//pipeline",
  "/v3/pipeline/",
  "/V3/Pipeline",
  "/v3/./pipeline",
  "/dataset/../v3/pipeline",
  "/wal_log.ReplicationLog/../v3/pipeline",
  "/wal_log.ReplicationLog/..%2fv3/pipeline",
  "/wal_log.ReplicationLog/%2e%2e/v3/pipeline",
  "/wal_log.ReplicationLog\\..\\v3\\pipeline",
  "/wal_log.ReplicationLog/Hello/../../v3/pipeline",
  "/dataset;/v3/pipeline",
  "/dataset%00/v3/pipeline",
  "/dataset?/v3/pipeline",
  "/%76%33/pipeline",
  "/v3/pipeline?x=/dataset",
  "/v3/pipeline#/dataset",
  "http://127.0.0.1/v3/pipeline",
  "/migrations/../migrations/v3/pipeline",
  "/migrations%2fv3/pipeline",
];
const OTHER_PATHS = [
  "/dump",
  "/console",
  "/admin",
  "/version",
  "/v1/namespaces/default/config",
  "/v1/namespaces/x/create",
  "/beta/listen?table=shoes&action=UPDATE",
  "/debug/pprof",
  "/migrations",
  "/migrations/dump",
];
/** Services and methods of gRPC that the door does not know. */
const SERVICES = [
  "/wal_log.ReplicationLog/LogEntries",
  "/wal_log.ReplicationLog/Execute",
  "/wal_log.ReplicationLog/hello",
  "/replication.ReplicationLog/Hello",
  "/proxy.Proxy/Execute",
  "/proxy.Proxy/StreamExec",
  "/proxy.Proxy/Disconnect",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
];
const METHODS = ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "CONNECT"];

/** All attempts. */
export function attemptsWith(targets: Targets): Attempt[] {
  const { token } = targets;
  const sqls = sqlsFor(targets);
  const [readFile = ""] = sqls;
  const pipeline = JSON.stringify({ requests: [{ type: "execute", stmt: { sql: readFile } }] });
  const withToken = (request: Omit<RawRequest, "headers">, headers = bearer(token)): RawRequest => ({
    ...request,
    headers: [...headers, JSON_BODY],
  });
  const post = (target: string, body: string, headers = bearer(token)): RawRequest =>
    withToken({ method: "POST", target, body }, headers);
  return [
    ...CARRIERS.flatMap(([path, bodyOf]) =>
      sqls.map((sql) => ({ what: `${sql} at ${path}`, request: post(path, JSON.stringify(bodyOf(sql))) })),
    ),
    ...SPELLINGS.map((path) => ({ what: `POST ${path}`, request: post(path, pipeline) })),
    ...[...OTHER_PATHS, ...CARRIERS.map(([path]) => path)].map((target) => ({
      what: `GET ${target}`,
      request: withToken({ method: "GET", target }),
    })),
    ...OTHER_PATHS.map((path) => ({ what: `POST ${path}`, request: post(path, pipeline) })),
    ...SERVICES.map((path) => ({ what: path, request: post(path, "\0\0\0\0\0") })),
    ...METHODS.flatMap((method) =>
      [DOOR.dataset, "/wal_log.ReplicationLog/Hello", "/v3/pipeline"].map((target) => ({
        what: `${method} ${target}`,
        request: withToken({ method, target, body: pipeline }),
      })),
    ),
    ...["hrana1", "hrana2", "hrana3"].map((protocol) => ({
      what: `a WebSocket of ${protocol}`,
      request: withToken({ method: "GET", target: "/" }, [
        ...bearer(token),
        ["upgrade", "websocket"],
        ["sec-websocket-version", "13"],
        ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
        ["sec-websocket-protocol", protocol],
      ]),
    })),
    ...bentTokens(token).map(({ what, headers, query = "" }) => ({
      what: `a commit with ${what}`,
      request: post(
        `${DOOR.commit}${query}`,
        JSON.stringify({ dataset: null, waitMs: 1, members: [] }),
        headers,
      ),
    })),
  ];
}

type Bent = { what: string; headers: [string, string][]; query?: string };

/** The token as one that may write, or by another way than the right header. */
function bentTokens(token: string): Bent[] {
  const [head = "", claims = "", mac = ""] = token.split(".");
  const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const writing = encoded({ ...JSON.parse(Buffer.from(claims, "base64url").toString()), a: "rw" });
  const unsigned = encoded({ alg: "none", typ: "JWT" });
  return [
    { what: "claims of a writing token", headers: bearer(`${head}.${writing}.${mac}`) },
    { what: "no signature", headers: bearer(`${unsigned}.${writing}.`) },
    { what: "no signature, but one", headers: bearer(`${unsigned}.${writing}.${mac}`) },
    { what: "Basic", headers: [["authorization", `Basic ${Buffer.from(`x:${token}`).toString("base64")}`]] },
    { what: "the token in the query", headers: [], query: `?authToken=${token}` },
    { what: "no token", headers: [] },
    { what: "two tokens", headers: [...bearer(token), ...bearer(`${head}.${writing}.${mac}`)] },
  ];
}
