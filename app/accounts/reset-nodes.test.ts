// Password resets on two nodes behind one door: requested on one, set on the other, of two at once one happens.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { openTestDoor, type TestDoor } from "../../replicas/testing/door.ts";
import { untilUnused } from "../../replicas/testing/replica.ts";
import type { Shop } from "../main.ts";
import { type MailServer, openMailServer } from "../testing/mail-server.ts";
import { openTestNode } from "../testing/nodes.ts";
import { tokenIn } from "../testing/resets.ts";
import { type Folder, openFolder, quickPasswords, readUntil } from "../testing/shop.ts";

setDefaultTimeout(60_000);

const NAMES = ["1", "2"];
const EMAIL = "ada@shop.example";
const ARRIVES_MS = 20_000;
const LOOK_MS = 20;

let folder: Folder;
let door: TestDoor;
let server: MailServer;
let nodes: Shop[];

beforeAll(async () => {
  folder = openFolder();
  [door, server] = await Promise.all([openTestDoor(), openMailServer()]);
  nodes = [];
  for (const name of NAMES) nodes.push(await openNode(name));
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await untilUnused(...NAMES.map((name) => join(folder.path, name, "replica.db")));
  await Promise.all([door.remove(), server.close()]);
  folder.remove();
});

const openNode = (name: string): Promise<Shop> =>
  openTestNode({
    door,
    dataDir: join(folder.path, name),
    settings: {
      PUBLIC_URL: "http://shop.example",
      SMTP_URL: server.url,
      MAIL_FROM: "shop@shop.example",
    },
    instead: { passwords: quickPasswords(), mailTimes: { lookMs: LOOK_MS } },
  });

async function send(node: number, path: string, content: object, token?: string) {
  const answer = await fetch(`${nodes[node]?.url}/api/auth/${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify(content),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
}
const profile = async (node: number, token: string) =>
  (await fetch(`${nodes[node]?.url}/api/auth/profile`, { headers: { authorization: `Bearer ${token}` } }))
    .status;

/** Requests a mail on a node, and returns the token once one of the nodes has sent it. */
async function mailed(node: number): Promise<string> {
  const before = server.received.length;
  expect((await send(node, "forgot", { email: EMAIL })).status).toBe(204);
  await readUntil(
    () => server.received.length,
    (count) => count > before,
    ARRIVES_MS,
  );
  expect(server.received).toHaveLength(before + 1);
  return tokenIn(server);
}

test("a mail requested on one node resets on the other, and ends the sessions of both", async () => {
  const registered = await send(0, "register", { email: EMAIL, password: "the first password", name: "Ada" });
  const { token, refreshToken } = registered.body as { token: string; refreshToken: string };
  expect([await profile(0, token), await profile(1, token)]).toEqual([200, 200]);
  expect((await send(1, "forgot", { email: "nobody@shop.example" })).status).toBe(204);
  const reset = { token: await mailed(0), password: "the second password" };
  expect((await send(1, "reset", reset)).status).toBe(204);
  // The node of the reset knows at once, the other one by the change feed.
  expect(await profile(1, token)).toBe(401);
  expect(
    await readUntil(
      () => profile(0, token),
      (status) => status === 401,
      ARRIVES_MS,
    ),
  ).toBe(401);
  expect((await send(0, "refresh", { refreshToken })).status).toBe(401);
  expect((await send(0, "login", { email: EMAIL, password: reset.password })).status).toBe(200);
  const again = await send(0, "reset", reset);
  expect([again.status, again.body.errors[0].pointer]).toEqual([400, "/token"]);
});

test("of resets on both nodes at once one happens", async () => {
  for (let round = 0; round < 2; round += 1) {
    const token = await mailed(round);
    const words = Array.from({ length: 6 }, (_, at) => `the password ${round} of ${at}`);
    const answers = await Promise.all(
      words.map((password, at) => send(at % 2, "reset", { token, password })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([204, ...Array(5).fill(400)]);
    const logins = await Promise.all(
      words.map((password, at) => send(at % 2, "login", { email: EMAIL, password })),
    );
    expect(logins.map(({ status }) => status === 200)).toEqual(statuses.map((status) => status === 204));
  }
});
