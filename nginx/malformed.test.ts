// Requests whose head says two things at once: the edge refuses each with a problem, and no node gets it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { type Edge, openPrograms, PUBLIC } from "./testing/edge.ts";

const LINE = "GET /livez HTTP/1.1";
const POST = "POST /api/auth/login HTTP/1.1";

/** The lines of a head, with what makes it malformed. */
const MALFORMED: [string, string[]][] = [
  ["two hosts", [LINE, "Host: a", "Host: b"]],
  ["the same host twice", [LINE, "Host: a", "host: a"]],
  ["two hosts with a public read", ["GET /api/shoes/a HTTP/1.1", "Host: a", "Host: b"]],
  ["two hosts with a picture", ["GET /images/a.svg HTTP/1.1", "Host: a", "HOST: b"]],
  ["two hosts with a write", [POST, "Host: a", "Host: b", "Content-Length: 0"]],
  ["an empty host and another", [LINE, "Host:", "Host: b"]],
  ["three hosts", [LINE, "Host: a", "Host: b", "Host: c"]],
  ["two hosts apart from each other", [LINE, "Host: a", "Accept: */*", "Host: b"]],
  ["two hosts and an absolute address", ["GET http://a/livez HTTP/1.1", "Host: a", "Host: b"]],
  ["two hosts in HTTP/1.0", ["GET /livez HTTP/1.0", "Host: a", "Host: b"]],
  ["no host", [LINE]],
  ["two hosts in one line", [LINE, "Host: a, b"]],
  ["a host with a path", [LINE, "Host: a/b"]],
  ["a folded host", [LINE, "Host: a", " b"]],
  ["a blank before the colon", [LINE, "Host : a"]],
  ["a blank in the address", ["GET /livez ?a HTTP/1.1", "Host: a"]],
  ["a tab in the address", ["GET /li\tvez HTTP/1.1", "Host: a"]],
  ["a control character in the address", ["GET /li\u0001vez HTTP/1.1", "Host: a"]],
  ["a NUL in the address", ["GET /li\0vez HTTP/1.1", "Host: a"]],
  ["an encoded NUL in the address", ["GET /livez%00 HTTP/1.1", "Host: a"]],
  ["an address above the root", ["GET /../livez HTTP/1.1", "Host: a"]],
  ["an address without a slash", ["GET livez HTTP/1.1", "Host: a"]],
  ["half an encoded character", ["GET /livez%2 HTTP/1.1", "Host: a"]],
  ["an absolute address without a host", ["GET http:///livez HTTP/1.1", "Host: a"]],
  ["an absolute address with backslashes", ["GET http:\\\\a\\livez HTTP/1.1", "Host: a"]],
  ["two lengths", [POST, "Host: a", "Content-Length: 0", "Content-Length: 5"]],
  ["a length and chunks", [POST, "Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"]],
  ["a negative length", [POST, "Host: a", "Content-Length: -1"]],
  ["a length that is no number", [POST, "Host: a", "Content-Length: 0x1"]],
  ["another coding than chunks", [POST, "Host: a", "Transfer-Encoding: gzip"]],
  ["two codings", [POST, "Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]],
];

// Skipped on a machine without NGINX; CI installs it.
const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
afterAll(programs.close);

/** Sends the head and resolves with the response, whose body is JSON. */
const exchange = ({ url }: Edge, lines: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(Buffer.from(`${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n`, "latin1"));
    socket.on("data", (chunk) => {
      chunks.push(Buffer.from(chunk));
      // NGINX may wait for the body of a request that it has refused.
      if (chunk.toString().endsWith("}")) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });

describe.skipIf(!hasNginx)("malformed requests", () => {
  const node = programs.openNode(() => Response.json({}, { headers: PUBLIC }));
  let edge: Edge;
  beforeAll(async () => {
    edge = await programs.bootEdge([node.address]);
  });

  test.each(MALFORMED)("%s: a problem, and no node gets the request", async (_, lines) => {
    node.received.length = 0;
    const text = await exchange(edge, lines);
    const [head = "", body = ""] = text.split("\r\n\r\n");
    expect(head).toStartWith("HTTP/1.1 400 ");
    expect(head).toContain("\r\nContent-Type: application/problem+json");
    expect(JSON.parse(body)).toMatchObject({ type: "/problems/invalid-request", status: 400 });
    expect(node.received).toEqual([]);
  });

  test("the same head without its fault reaches a node", async () => {
    node.received.length = 0;
    expect(await exchange(edge, [LINE, "Host: a"])).toStartWith("HTTP/1.1 200 ");
    expect(node.received.map(({ headers }) => headers.host)).toEqual(["a"]);
  });
});
