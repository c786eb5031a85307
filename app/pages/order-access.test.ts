// Who sees an order's page: the guest's token opens it, nothing else does, and no log, cache or other site gets to know of it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import { openOrderTokens } from "../orders/tokens.ts";
import { type LaggingNode, openLagging } from "../testing/lagging.ts";
import { guestOrder, openTestGateway, order } from "../testing/orders.ts";
import { ask, type Person, signUp } from "../testing/people.ts";
import { type ObservedShop, openFolder, openObservedShop, openTestShop, shoe } from "../testing/shop.ts";

const SECRETS = ["the secret that signs the tokens of orders"];
const tokens = openOrderTokens(SECRETS);
const UNKNOWN = "01a22108-c8be-769a-98df-57940655e967";
const SETTINGS = { OPEN_ORDERS_MAX: "0", OPEN_ORDERS_ADDRESS_MAX: "0" };

let shop: ObservedShop;
let node: LaggingNode;
let person: Person;
type Order = { id: string; number: string; accessToken: string };
let [mine, others, accounts] = [] as unknown as [Order, Order, Order];
beforeAll(async () => {
  // The replica never follows, so what is shown was read on the primary.
  const before = (file: Database, path: string): Database => {
    node = openLagging(file, path);
    const remote: Database = { ...node.db, isRemote: true };
    return remote;
  };
  const given = { secrets: SECRETS, settings: SETTINGS, gateway: openTestGateway().gateway, before };
  shop = await openObservedShop([shoe("a", { sizes: [{ size: "", stock: 500 }] })], false, given);
  person = await signUp(shop);
  const place = async (body: object, sent = {}) => (await order(shop, body, sent)).body.data as Order;
  mine = await place(guestOrder("a"));
  others = await place(guestOrder("a", { email: "other@shop.example" }));
  accounts = await place({ items: [{ productId: "a", quantity: 1 }] }, { token: person.token });
});
afterAll(() => shop.close());
beforeEach(() => {
  node.primaryQueries.length = 0;
  shop.logged.length = 0;
});

const read = async (path: string, init?: RequestInit) => {
  const answer = await shop.get(path, init);
  return { status: answer.status, headers: answer.headers, body: await answer.text() };
};
const opened = () => `/orders/${mine.id}?token=${mine.accessToken}`;
const HEADING = /<h1>(.*)<\/h1>/;
const headingOf = (body: string) => HEADING.exec(body)?.[1];

describe("the page", () => {
  test("opens by its token, read on the primary", async () => {
    const { status, body } = await read(opened());
    expect([status, headingOf(body)]).toEqual([200, `Order ${mine.number}`]);
    expect(node.primaryQueries.length).toBeGreaterThan(0);
  });

  test("is stored nowhere, tells no site its address, and runs and frames nothing", async () => {
    for (const path of [opened(), `/orders/${mine.id}`, `/orders/${mine.id}?token=x`]) {
      const { headers, body } = await read(path, {
        headers: { origin: "https://evil.example", "if-none-match": "*" },
      });
      expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(headers.get("cache-control")).toBe("private, no-store");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-robots-tag")).toBe("noindex");
      for (const absent of ["etag", "cache-status", "access-control-allow-origin", "set-cookie"])
        expect([absent, headers.get(absent)]).toEqual([absent, null]);
      const style = /<style>([\s\S]*?)<\/style>/.exec(body)?.[1] ?? "";
      const hash = new Bun.CryptoHasher("sha256").update(style).digest("base64");
      expect(headers.get("content-security-policy")?.split("; ")).toEqual([
        "default-src 'none'",
        `style-src 'sha256-${hash}'`,
        "img-src 'self' https: http:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ]);
      expect(body).not.toContain(mine.accessToken);
    }
  });

  test("is logged without its token, also where that opens nothing", async () => {
    await read(opened());
    await read(`/orders/${others.id}?token=${mine.accessToken}`);
    const lines = shop.logged.filter((line) => line.includes("/orders/"));
    expect(lines.map((line) => line.includes("token=***"))).toEqual([true, true]);
    expect(lines.join("")).not.toContain(mine.accessToken);
  });

  test("answers HEAD as GET without the body, and no other method", async () => {
    const [head, { body }] = [await shop.get(opened(), { method: "HEAD" }), await read(opened())];
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect(head.headers.get("content-length")).toBe(String(Buffer.byteLength(body)));
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const answer = await shop.get(opened(), { method });
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
    }
  });
});

describe("a token that does not open the order gets the same 404 page as an order that does not exist:", () => {
  const refused = () => read(`/orders/${UNKNOWN}?token=${mine.accessToken}`);
  test.each<[string, () => string]>([
    ["another order's token", () => `/orders/${others.id}?token=${mine.accessToken}`],
    [
      "an account's order with the token of a guest's",
      () => `/orders/${accounts.id}?token=${mine.accessToken}`,
    ],
    [
      "an account's order with its own token, which nobody gets",
      () => `/orders/${accounts.id}?token=${tokens.of(accounts.id)}`,
    ],
    ["an unknown order with its own token", () => `/orders/${UNKNOWN}?token=${tokens.of(UNKNOWN)}`],
    [
      "a token of a secret that is no longer used",
      () => `/orders/${mine.id}?token=${openOrderTokens(["another secret"]).of(mine.id)}`,
    ],
    ["a part of the token", () => `/orders/${mine.id}?token=${mine.accessToken.slice(0, -1)}`],
    ["a longer token", () => `/orders/${mine.id}?token=${mine.accessToken}A`],
    ["a very long token", () => `/orders/${mine.id}?token=${"A".repeat(8_000)}`],
    ["the order's number", () => `/orders/${mine.number}?token=${mine.accessToken}`],
    ["the id in capitals", () => `/orders/${mine.id.toUpperCase()}?token=${mine.accessToken}`],
    [
      "SQL and markup",
      () => `/orders/${encodeURIComponent("' OR 1=1 --<script>")}?token=${encodeURIComponent('"><script>')}`,
    ],
    ["a token that is given twice", () => `/orders/${mine.id}?token=x&token=${mine.accessToken}`],
  ])("%s", async (_what, path) => {
    const [answer, { status, body }] = [await read(path()), await refused()];
    expect([answer.status, answer.body]).toEqual([404, body]);
    expect([status, headingOf(body)]).toEqual([404, "There is no such order"]);
    expect(body).toContain("sign in in the shop");
  });

  test("a wrong token asks the database nothing", async () => {
    const before = shop.ran.length;
    await read(`/orders/${mine.id}?token=${others.accessToken}`);
    expect([shop.ran.length - before, node.primaryQueries]).toEqual([0, []]);
  });
});

describe("without a token there is one page for every id, which asks the database nothing:", () => {
  test.each<[string, () => string, () => RequestInit]>([
    ["a guest's order, to which the payment gateway leads back", () => `/orders/${mine.id}`, () => ({})],
    ["an empty token", () => `/orders/${mine.id}?token=`, () => ({})],
    ["an account's order", () => `/orders/${accounts.id}`, () => ({})],
    [
      "an account's order with its session",
      () => `/orders/${accounts.id}`,
      () => ({ headers: { authorization: `Bearer ${person.token}` } }),
    ],
    [
      "the token in the API's header",
      () => `/orders/${mine.id}`,
      () => ({ headers: { "order-token": mine.accessToken } }),
    ],
    ["an unknown order", () => `/orders/${UNKNOWN}`, () => ({})],
    ["no id at all", () => "/orders/%3Cscript%3E", () => ({})],
  ])("%s", async (_what, path, init) => {
    const before = shop.ran.length;
    const [{ status, body }, unknown] = [await read(path(), init()), await read(`/orders/${UNKNOWN}`)];
    expect([status, headingOf(body), body]).toEqual([200, "Where you find your order", unknown.body]);
    // The mails of an account and of the staff lead here too: what they look for is not in another mail.
    expect(body).toContain("Ordered with an account? Sign in in the shop: your orders are there");
    expect([shop.ran.length - before, node.primaryQueries]).toEqual([0, []]);
  });

  test("an address of no order is no page", async () => {
    for (const path of [
      "/orders",
      "/orders/",
      `/orders/${mine.id}/`,
      `/orders/${mine.id}/items?token=${mine.accessToken}`,
    ])
      expect([path, (await read(path)).status]).toEqual([path, 404]);
  });
});

describe("where the page is", () => {
  test("it counts for the limit of requests", async () => {
    const limited = await openObservedShop([], false, {
      limits: { requestsMax: 2, signInsMax: 0, windowSeconds: 900 },
    });
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1)
      statuses.push((await limited.get(`/orders/${UNKNOWN}`)).status);
    await limited.close();
    expect(statuses).toEqual([200, 200, 429]);
  });

  test("ORDER_URL elsewhere leaves nothing at its path", async () => {
    const settings = { PUBLIC_URL: "https://shop.example", ORDER_URL: "https://front.example/orders" };
    const plain = await openTestShop([], settings);
    const answer = await plain.get(`/orders/${UNKNOWN}`);
    await plain.close();
    expect([answer.status, answer.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
  });

  test("a storefront in PUBLIC_DIR keeps its own paths", async () => {
    const folder = openFolder();
    mkdirSync(join(folder.path, "orders"));
    writeFileSync(join(folder.path, "orders", "index.html"), "the storefront's list");
    writeFileSync(join(folder.path, "orders", "mine.html"), "the storefront's page");
    const front = await openTestShop([shoe("a")], { PUBLIC_DIR: folder.path });
    const { body } = await order(front, guestOrder("a"));
    const texts: [number, string][] = [];
    for (const path of [
      "/orders/",
      "/orders/mine.html",
      `/orders/${body.data.id}?token=${body.data.accessToken}`,
    ]) {
      const answer = await front.get(path);
      const text = await answer.text();
      texts.push([answer.status, headingOf(text) ?? text]);
    }
    const head = await ask(front, "HEAD", "/orders/mine.html");
    await front.close();
    folder.remove();
    expect(texts).toEqual([
      [200, "the storefront's list"],
      [200, "the storefront's page"],
      [200, `Order ${body.data.number}`],
    ]);
    expect(head.headers.get("content-security-policy")).toBe("frame-ancestors 'self'");
  });
});
