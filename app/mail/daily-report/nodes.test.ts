// Daily reports of two nodes with replicas of their own: made once, by a node whose replica has all of the day.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { must } from "../../../db/must.ts";
import { openTurns } from "../../../db/read/turns.ts";
import { migratedTemplate } from "../../../db/testing/server.ts";
import type { Topology } from "../../../db/topology.ts";
import { until } from "../../../db/until.ts";
import { openNode } from "../../../replicas/node/node.ts";
import { openTestDoor, type TestDoor } from "../../../replicas/testing/door.ts";
import { untilUnused } from "../../../replicas/testing/replica.ts";
import { GRACE_MS, reportIn, soldAt, utc } from "../../testing/daily-reports.ts";
import { type Sale, writeSales } from "../../testing/sales.ts";
import { type Folder, openFolder } from "../../testing/shop.ts";
import { type DailyReports, openDailyReports } from "./reports.ts";

const NAMES = ["1", "2"];
/** Long limits, so that a busy machine refuses no write. */
const PATIENT = { commitMs: 30_000, deadlineMs: 30_000, queryMs: 30_000 };
const MIDNIGHT_MS = utc("2026-03-11T00:00");
const SALES: Sale[] = [
  soldAt("2026-03-10T12:00"),
  soldAt("2026-03-10T23:59:59.999", 2_000),
  soldAt("2026-03-11T00:00"),
];

let folder: Folder;
let door: TestDoor;
let line: HeldLine;
let nodes: Topology[];

type HeldLine = { url: string; hold(): void; release(): void; close(): Promise<void> };

/** A line to the door. While it is held, only writes and questions pass, so a replica behind it gets no news. */
function openHeldLine(url: string): HeldLine {
  let gate: PromiseWithResolvers<void> | null = null;
  const listener = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { method, headers } = request;
      const path = new URL(request.url).pathname;
      const body = method === "GET" ? null : await request.arrayBuffer();
      if (path.includes("ReplicationLog")) await gate?.promise;
      const answer = await fetch(url + path, { method, headers, body });
      return new Response(await answer.arrayBuffer(), { status: answer.status, headers: answer.headers });
    },
  });
  const release = () => {
    gate?.resolve();
    gate = null;
  };
  return {
    url: `http://127.0.0.1:${listener.port}`,
    hold() {
      gate ??= Promise.withResolvers();
    },
    release,
    async close() {
      release();
      await listener.stop(true);
    },
  };
}

beforeAll(async () => {
  folder = openFolder();
  door = await openTestDoor({ template: migratedTemplate(folder.path) });
  line = openHeldLine(door.url);
  nodes = await Promise.all(
    NAMES.map((name, at) =>
      openNode({
        primary: { url: at === 0 ? door.url : line.url, authToken: door.writeToken },
        syncToken: door.readToken,
        path: join(folder.path, name, "replica.db"),
        pauseMs: 20,
        log: () => undefined,
        onFatal: (why) => {
          throw new Error(why);
        },
        remote: PATIENT,
      }),
    ),
  );
});
afterAll(async () => {
  await Promise.all(nodes.map(({ db }) => db.close()));
  await line.close();
  await untilUnused(...NAMES.map((name) => join(folder.path, name, "replica.db")));
  await door.remove();
  folder.remove();
});

const KEYS = "SELECT key FROM outbox ORDER BY seq";

test("the last order of a day is in its report, however far the replica of a node is behind", async () => {
  const [first, second] = [must(nodes[0], "a node"), must(nodes[1], "a node")];
  await first.db.write([{ sql: "INSERT INTO mail_start VALUES (1, ?)", args: [MIDNIGHT_MS - 1] }]);
  await until(
    "the second node has the start",
    () => second.db.read.get("SELECT 1 FROM mail_start") !== undefined,
  );

  // The shop's clock stands still until the last commit is acknowledged; the end of the grace falls on that moment.
  let committedMs: number | null = null;
  const now = () => MIDNIGHT_MS + (committedMs === null ? 0 : GRACE_MS + Date.now() - committedMs);
  let scans = 0;
  const reports: DailyReports[] = nodes.map((node) =>
    openDailyReports({
      db: {
        ...node.db,
        get read() {
          return node.db.read;
        },
        scan(queries) {
          scans += 1;
          return node.db.scan(queries);
        },
      },
      books: { timezone: "UTC", currency: "USD" },
      copy: node,
      turns: openTurns({ runningMax: 1, waitingMax: 10 }),
      now,
      random: () => 0,
      log: { warn: (message, fields) => expect([message, fields]).toEqual([]) },
    }),
  );
  const [ofFirst, ofSecond] = [must(reports[0], "reports"), must(reports[1], "reports")];
  const made = () => first.db.onPrimary(({ read }) => read.all(KEYS));
  await Promise.all([ofFirst.run(), ofSecond.run()]);
  line.hold();
  await writeSales(first.db, SALES);
  committedMs = Date.now();
  // The second node serves, and could write; its replica lacks the sales.
  for (let look = 0; look < 20; look += 1) await ofSecond.run();
  expect([second.db.read.all("SELECT number FROM orders"), await made(), scans]).toEqual([[], [], 0]);

  line.release();
  await until("the report is made", async () => {
    await Promise.all([ofSecond.run(), ofFirst.run()]);
    return (await made()).length > 0;
  });
  await until("both replicas have it", () => nodes.every(({ db }) => db.read.all(KEYS).length > 0));
  await Promise.all([ofFirst.run(), ofSecond.run()]);
  expect(await made()).toEqual([["2026-03-10"]]);
  expect(reportIn(second.db, "2026-03-10")).toMatchObject({ orders: 2, items: 2, revenue: 30 });
  // Two scans for each node at most: neither reads the day again.
  expect(scans).toBeLessThanOrEqual(4);
  await Promise.all(reports.map((each) => each.close()));
});
