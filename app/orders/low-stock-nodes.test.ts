// Low stock on nodes of a real primary whose replicas never follow: what they do not show is told all the same, and once.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Database } from "../../db/database.ts";
import { must } from "../../db/must.ts";
import { openRemote, type Remote } from "../../db/server/remote.ts";
import { openTestDoor, type TestDoor } from "../../replicas/testing/door.ts";
import { templateWith } from "../testing/nodes.ts";
import { guestOrder, openTestGateway, order } from "../testing/orders.ts";
import { type Folder, type ObservedShop, openFolder, openObservedShop, shoe } from "../testing/shop.ts";

const SETTINGS = {
  OPEN_ORDERS_MAX: "0",
  OPEN_ORDERS_ADDRESS_MAX: "0",
  ADMIN_ALERT_EMAIL: "staff@shop.example",
  LOW_STOCK: "3",
};
/** Pairs that the replica of each node shows, whatever the primary has. */
const SHOWN = [1_004, 900, 5_000];
const TIMEOUT_MS = 30_000;

let folder: Folder;
let door: TestDoor;
let primary: Remote;
let nodes: ObservedShop[] = [];

beforeAll(async () => {
  folder = openFolder();
  const template = await templateWith(folder.path, [shoe("a")]);
  door = await openTestDoor({ template });
  primary = openRemote({ url: door.url, authToken: door.writeToken });
  nodes = await Promise.all(SHOWN.map(openNode));
}, TIMEOUT_MS);
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await primary.close();
  await door.remove();
  folder.remove();
});

const openNode = (stock: number): Promise<ObservedShop> =>
  openObservedShop([shoe("a", { sizes: [{ size: "", stock }] })], false, {
    settings: SETTINGS,
    gateway: openTestGateway().gateway,
    before({ read, scan }): Database {
      const remote = openRemote({ url: door.url, authToken: door.writeToken });
      return { ...remote, read, scan };
    },
  });

const stock = (pairs: number) =>
  primary.write([{ sql: "UPDATE sizes SET stock = ?", args: [pairs] }, { sql: "DELETE FROM outbox" }]);
beforeEach(async () => {
  await stock(5);
});
const buy = async (node: number) => (await order(must(nodes[node], "a node"), guestOrder("a"))).status;
const left = () => primary.onPrimary(({ read }) => read.get("SELECT stock FROM shoes")?.[0]);
const told = async () =>
  (
    await primary.onPrimary(({ read }) =>
      read.all<[string]>("SELECT data FROM outbox WHERE kind = 'low-stock' ORDER BY seq"),
    )
  ).map(([data]) => JSON.parse(data).stock);

test("others took as many pairs as the margin allows since the replica's state", async () => {
  await stock(4);
  expect([await buy(0), await left(), await told()]).toEqual([201, 3, [3]]);
});

test("beyond the margin the next order that sees less tells", async () => {
  await stock(4);
  expect([await buy(2), await left(), await told()]).toEqual([201, 3, []]);
  expect([await buy(0), await left(), await told()]).toEqual([201, 2, [2]]);
});

test("the primary decides: a shoe that only the replica shows as low is not told", async () => {
  await stock(5_000);
  expect([await buy(0), await left(), await told()]).toEqual([201, 4_999, []]);
});

test(
  "a rush on two nodes for the last pairs tells once",
  async () => {
    await stock(30);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => buy(index % 2)));
    expect(answers.filter((status) => status === 201)).toHaveLength(30);
    expect([await left(), (await told()).length]).toEqual([0, 1]);
  },
  TIMEOUT_MS,
);
