// Mail on three nodes behind one door: of the nodes that see a mail one sends it, and idle nodes write nothing.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import { until } from "../../db/until.ts";
import { openTestDoor, type TestDoor } from "../../replicas/testing/door.ts";
import { untilUnused } from "../../replicas/testing/replica.ts";
import type { Shop } from "../main.ts";
import { type MailServer, openMailServer } from "../testing/mail-server.ts";
import { openTestNode, templateWith } from "../testing/nodes.ts";
import { guestOrder, order } from "../testing/orders.ts";
import { type Folder, openFolder, quickPasswords, shoe } from "../testing/shop.ts";

const NAMES = ["1", "2", "3"];
const ORDERS = 30;
const LOOK_MS = 10;
const SENT_MS_MAX = 15_000;

let folder: Folder;
let door: TestDoor;
let server: MailServer;
let nodes: Shop[];

beforeAll(async () => {
  folder = openFolder();
  server = await openMailServer();
  const template = await templateWith(folder.path, [shoe("s", { sizes: [{ size: "", stock: 1_000 }] })]);
  door = await openTestDoor({ template });
  nodes = await Promise.all(NAMES.map(openNode));
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await untilUnused(...NAMES.map((name) => join(folder.path, name, "replica.db")));
  await door.remove();
  await server.close();
  folder.remove();
});

const databases: Database[] = [];
/** Writes that the nodes send. */
let writes = 0;
/** Looks at the outbox, by all nodes. */
let looks = 0;

const openNode = (name: string): Promise<Shop> =>
  openTestNode({
    door,
    dataDir: join(folder.path, name),
    settings: { SMTP_URL: server.url, MAIL_FROM: "shop@shop.example" },
    instead: {
      passwords: quickPasswords(),
      mailTimes: { lookMs: LOOK_MS, paceMs: 0, paceMaxMs: 0 },
      database: counted,
    },
  });

function counted(db: Database): Database {
  databases.push(db);
  return {
    ...db,
    read: {
      ...db.read,
      get(sql, ...args) {
        if (sql.includes("FROM outbox WHERE state = 'due'")) looks += 1;
        return db.read.get(sql, ...args);
      },
    },
    write(...given) {
      writes += 1;
      return db.write(...given);
    },
  };
}

/** The length of the primary's log, which each of its commits makes longer. */
const logBytes = (): number => statSync(join(door.server.folder, "data/dbs/default/wallog")).size;

const looked = (times: number): Promise<unknown> => {
  const end = looks + times;
  return until("the nodes have looked", () => looks >= end, SENT_MS_MAX);
};

test("each receipt of orders through three nodes is sent once", async () => {
  const buyers = Array.from({ length: ORDERS }, (_, index) => `${index}@shop.example`);
  await Promise.all(
    buyers.map(async (email, index) => {
      const { url } = nodes[index % NAMES.length] as Shop;
      const at = { get: (path: string, init?: RequestInit) => fetch(`${url}${path}`, init) };
      expect((await order(at, guestOrder("s", { email }))).status).toBe(201);
    }),
  );
  const receipts = () => server.received.filter(({ messageId }) => messageId.startsWith("<receipt."));
  await until("all receipts are sent", () => receipts().length >= ORDERS, SENT_MS_MAX);
  // Where one were sent again, it would be by now: each node has seen the rows several times.
  await looked(20 * NAMES.length);
  expect(
    receipts()
      .map(({ to }) => to[0])
      .sort(),
  ).toEqual(buyers.sort());
  expect(new Set(receipts().map(({ messageId }) => messageId)).size).toBe(ORDERS);
});

test("nodes that look and find nothing due write nothing, neither they nor the primary", async () => {
  const [db] = databases as [Database];
  const bytes = logBytes();
  await db.write([
    { sql: "UPDATE outbox SET state = 'sent', tries = 1, sent_at = due_at WHERE kind <> 'receipt'" },
  ]);
  expect(logBytes()).toBeGreaterThan(bytes);
  const isQuiet = () =>
    databases.every((each) => each.read.get("SELECT 1 FROM outbox WHERE state = 'due'") === undefined);
  await until("all nodes know that nothing is due", isQuiet, SENT_MS_MAX);
  await looked(2 * NAMES.length);
  const before = { writes, bytes: logBytes() };
  await looked(100 * NAMES.length);
  expect({ writes, bytes: logBytes() }).toEqual(before);
});
