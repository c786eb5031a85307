// The bounds of one connection of HTTP/2: how many requests it takes at once and in all.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { requestManyTimes } from "./rows/client.ts";
import { type Edge, makeCertificate, openPrograms, PUBLIC } from "./testing/edge.ts";

const AT_ONCE_MAX = 128;
const REQUESTS_MAX = 1_000;
/** More than a connection takes, fewer than the limits of one client allow. */
const TRIES = 1_500;
const ROUND_TRIP_EVERY = 100;

const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
afterAll(programs.close);

/** Sends one request; resolves with whether the connection took it. `act` may end it before its response. */
const send = (session: ClientHttp2Session, act: "wait" | "reset"): Promise<boolean> =>
  new Promise((resolve) => {
    const stream = session.request({ ":path": "/livez" });
    let isAnswered = false;
    stream.on("response", () => {
      isAnswered = true;
    });
    stream.on("error", () => {});
    stream.on("close", () => resolve(isAnswered || act === "reset"));
    stream.resume();
    stream.end();
    if (act === "reset") stream.close(constants.NGHTTP2_CANCEL);
  });

/** Resolves when the edge has read everything that was sent before, or has closed the connection. */
const roundTrip = (session: ClientHttp2Session): Promise<void> =>
  new Promise((resolve) => {
    session.once("close", () => resolve());
    if (session.closed || session.destroyed || !session.ping(() => resolve())) resolve();
  });

// Skipped on a machine without NGINX; CI installs it.
describe.skipIf(!hasNginx)("one connection", () => {
  const node = programs.openNode(() => Response.json({}, { headers: PUBLIC }));
  let edge: Edge;
  beforeAll(async () => {
    edge = await programs.bootEdge([node.address], [], {
      certificate: await makeCertificate(programs.folder),
    });
  });

  test.each(["wait", "reset"] as const)(
    "of HTTP/2 ends after 1,000 requests, when the client %ss each",
    async (act) => {
      const session = connect(edge.tlsUrl, { rejectUnauthorized: false });
      let isEnding = false;
      let atOnceMax: number | undefined;
      session.on("goaway", () => {
        isEnding = true;
      });
      session.on("close", () => {
        isEnding = true;
      });
      session.on("error", () => {});
      session.on("remoteSettings", ({ maxConcurrentStreams }) => {
        atOnceMax = maxConcurrentStreams;
      });
      await until("the edge has sent its settings", () => atOnceMax !== undefined);
      expect(atOnceMax).toBe(AT_ONCE_MAX);
      let taken = 0;
      for (let tries = 1; tries <= TRIES && !isEnding; tries += 1) {
        if (await send(session, act)) taken += 1;
        // A reset waits for no response.
        if (tries % ROUND_TRIP_EVERY === 0) await roundTrip(session);
      }
      await until("the edge has ended the connection", () => isEnding);
      session.destroy();
      expect(taken).toBeGreaterThanOrEqual(act === "wait" ? REQUESTS_MAX : 1);
      expect(taken).toBeLessThan(TRIES);
    },
  );

  test("of plain HTTP/1.1 goes on after 1,000 requests", async () => {
    const { statuses } = await requestManyTimes(edge.url, { path: "/livez", from: "127.0.0.6" }, TRIES);
    expect(statuses).toEqual({ "200": TRIES });
  });
});
