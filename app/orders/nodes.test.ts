// Orders through two nodes behind one door: steps and refunds on either, and at once on both, with the sandbox as gateway.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { openTestDoor, type TestDoor } from "../../replicas/testing/door.ts";
import { untilUnused } from "../../replicas/testing/replica.ts";
import type { Shop } from "../main.ts";
import { openTestNode, templateWith } from "../testing/nodes.ts";
import { type Folder, openFolder, shoe } from "../testing/shop.ts";

const ADMIN = { email: "admin@shop.example", password: "an admin's password" };
const NAMES = ["1", "2"];
const STOCK = 50;
const GUEST = "guest@shop.example";

let folder: Folder;
let door: TestDoor;
let nodes: Shop[];
let admin: Record<string, string>;

beforeAll(async () => {
  folder = openFolder();
  const template = await templateWith(folder.path, [shoe("a", { sizes: [{ size: "42", stock: STOCK }] })]);
  door = await openTestDoor({ template });
  nodes = [];
  for (const name of NAMES) nodes.push(await openNode(name));
  const { body } = await send(0, "POST", "/auth/login", ADMIN);
  admin = { authorization: `Bearer ${body.token}` };
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await untilUnused(...NAMES.map((name) => join(folder.path, name, "replica.db")));
  await door.remove();
  folder.remove();
});

const openNode = (name: string): Promise<Shop> =>
  openTestNode({
    door,
    dataDir: join(folder.path, name),
    settings: {
      PUBLIC_URL: "http://shop.example",
      PAYMENT_GATEWAY: "sandbox",
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
    },
  });

async function send(
  node: number,
  method: string,
  path: string,
  content?: unknown,
  headers: Record<string, string> = {},
) {
  const answer = await fetch(`${nodes[node]?.url}/api${path}`, {
    method,
    headers: { ...headers, ...(content === undefined ? {} : { "content-type": "application/json" }) },
    ...(content === undefined ? {} : { body: JSON.stringify(content) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: the expectations of a test say what the body is
  return { status: answer.status, body: (await answer.json()) as any };
}

async function place(node: number): Promise<{ id: string; token: string }> {
  const items = [{ productId: "a", size: "42", quantity: 2 }];
  const { status, body } = await send(node, "POST", "/orders", { email: GUEST, items });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return { id: body.data.id, token: body.data.accessToken };
}
const put = (node: number, id: string, status: string, headers = admin) =>
  send(node, "PUT", `/orders/${id}/status`, { status }, headers);
const stockLeft = async (): Promise<number> => {
  const ask = { items: [{ productId: "a", size: "42", quantity: 100 }] };
  return (await send(0, "POST", "/orders/quote", ask)).body.data.short[0].available;
};

test("an order goes from node to node: placed, shipped, delivered, refunded, read", async () => {
  const before = await stockLeft();
  const { id, token } = await place(0);
  expect((await send(1, "GET", `/orders/${id}`, undefined, { "order-token": token })).body.data.status).toBe(
    "confirmed",
  );
  expect((await put(1, id, "shipped")).body.data.payment.status).toBe("captured");
  expect((await put(0, id, "delivered")).status).toBe(200);
  const body = { items: [{ productId: "a", size: "42", quantity: 1 }], restock: true };
  expect((await send(1, "POST", `/orders/${id}/refunds`, body, admin)).body.data.payment.status).toBe(
    "partially_refunded",
  );
  const history = await send(0, "GET", `/orders/${id}/history`, undefined, admin);
  expect(history.body.data.map(({ status }: { status: string }) => status)).toEqual([
    "pending",
    "confirmed",
    "shipped",
    "delivered",
  ]);
  const list = await send(0, "GET", `/orders?email=${GUEST}&status=delivered`, undefined, admin);
  expect(list.body.data.map((each: { id: string }) => each.id)).toEqual([id]);
  expect(await stockLeft()).toBe(before - 1);
});

test("both nodes at once: one of two steps happens, and refunds stay within what was bought", async () => {
  for (let round = 0; round < 5; round += 1) {
    const before = await stockLeft();
    const { id, token } = await place(round % 2);
    const [shipped, cancelled] = await Promise.all([
      put(0, id, "shipped"),
      put(1, id, "cancelled", { "order-token": token }),
    ]);
    expect([shipped.status, cancelled.status].sort()).toEqual([200, 409]);
    const { data } = (await send(0, "GET", `/orders/${id}`, undefined, admin)).body;
    expect([data.status, data.payment.status]).toEqual(
      shipped.status === 200 ? ["shipped", "captured"] : ["cancelled", "voided"],
    );
    expect(await stockLeft()).toBe(shipped.status === 200 ? before - 2 : before);
  }
  const { id } = await place(0);
  await put(0, id, "shipped");
  const body = { items: [{ productId: "a", size: "42", quantity: 1 }], restock: false };
  const answers = await Promise.all(
    [0, 1, 0, 1, 0, 1].map((node) => send(node, "POST", `/orders/${id}/refunds`, body, admin)),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409, 409]);
});
