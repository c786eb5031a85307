// The page of an order through the edge: passed on each time with its own headers, and logged without its token.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { type Edge, openPrograms } from "./testing/edge.ts";

setDefaultTimeout(60_000);

// Skipped on a machine without NGINX; CI installs it.
const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
let edges: Edge[];
let order: { id: string; number: string; accessToken: string };

beforeAll(async () => {
  if (!hasNginx) return;
  const files = join(programs.folder, "files");
  mkdirSync(join(files, "orders"), { recursive: true });
  writeFileSync(join(files, "orders", "mine.html"), "the storefront's page");
  const addresses = (await programs.bootNodes(1)).map(({ address }) => address);
  const logAll = ["--log-sample", "100"];
  edges = [
    await programs.bootEdge(addresses, logAll),
    await programs.bootEdge(addresses, [...logAll, "--public-dir", files]),
  ];
  order = await place();
});
afterAll(programs.close);

const ask = (edge: Edge | undefined, path: string, init: RequestInit = {}) =>
  fetch(`${edge?.url}${path}`, init);

async function place(): Promise<typeof order> {
  const list = await ask(edges[0], "/api/shoes?limit=1&inStock=true");
  const [shoe] = ((await list.json()) as { data: { id: string; sizes: { size: string; stock: number }[] }[] })
    .data;
  const size = shoe?.sizes.find(({ stock }) => stock > 0)?.size ?? "";
  const answer = await ask(edges[0], "/api/orders", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: "edge@shop.example", items: [{ productId: shoe?.id, size, quantity: 1 }] }),
  });
  return ((await answer.json()) as { data: typeof order }).data;
}

describe.skipIf(!hasNginx)("the page of an order", () => {
  const pathOf = (token: string) => `/orders/${order.id}?token=${token}`;

  test.each([
    ["without files", 0],
    ["beside the storefront's files", 1],
  ])("is a node's, with its own headers and uncached, %s", async (_what, at) => {
    for (const [path, status, heading] of [
      [pathOf(order.accessToken), 200, `Order ${order.number}`],
      [pathOf("wrong"), 404, "There is no such order"],
      [`/orders/${order.id}`, 200, "Where you find your order"],
      // Once more: no answer of another token is kept for the address.
      [pathOf(order.accessToken), 200, `Order ${order.number}`],
    ] as const) {
      const answer = await ask(edges[at], path);
      expect([path, answer.status]).toEqual([path, status]);
      expect(await answer.text()).toContain(`<h1>${heading}</h1>`);
      const { headers } = answer;
      expect([headers.get("cache-control"), headers.get("referrer-policy")]).toEqual([
        "private, no-store",
        "no-referrer",
      ]);
      expect(headers.get("content-security-policy")).toContain("form-action 'none'");
      expect(headers.get("cache-status")).toBeNull();
    }
    const head = await ask(edges[at], pathOf(order.accessToken), { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const sent = await ask(edges[at], pathOf(order.accessToken), { method: "POST", body: "" });
    expect([sent.status, sent.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
  });

  test("leaves the storefront's own paths to its files", async () => {
    const [plain, own] = [await ask(edges[0], "/orders/mine.html"), await ask(edges[1], "/orders/mine.html")];
    expect([plain.status, await own.text()]).toEqual([200, "the storefront's page"]);
  });

  test("is in the access log without its token", async () => {
    for (const edge of edges) {
      const log = () => Bun.file(`${edge.folder}/logs/access.log`).text();
      // Each worker writes its lines together.
      const hasLast = async () => (await log()).includes('"request":"POST [masked]');
      await until("the last request is logged", hasLast);
      const text = await log();
      expect(text).not.toContain(order.accessToken);
      expect(text.match(/"request":"(?:GET|HEAD) \[masked\]/g)).toHaveLength(3);
      expect(text).toContain(`"request":"GET /orders/${order.id}?[masked]`);
    }
  });
});
