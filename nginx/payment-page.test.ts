// The sandbox gateway's page through the edge: its form reaches a node, with what tells the node which page it is on.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { type Edge, openPrograms } from "./testing/edge.ts";

setDefaultTimeout(60_000);

// Skipped on a machine without NGINX; CI installs it.
const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
let edge: Edge;

beforeAll(async () => {
  if (!hasNginx) return;
  const nodes = await programs.bootNodes(1);
  edge = await programs.bootEdge(nodes.map(({ address }) => address));
});
afterAll(programs.close);

type Order = { id: string; status: string; accessToken: string; payment: { redirectUrl: string } };

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${edge.url}${path}`, { redirect: "manual", ...init });
}
const dataOf = async (answer: Response) => ((await answer.json()) as { data: Order }).data;

test.skipIf(!hasNginx)(
  "an order is paid on the page, and a form of a stranger's page is refused",
  async () => {
    const list = await ask("/api/shoes?limit=1&inStock=true");
    const [found] = ((await list.json()) as { data: { id: string }[] }).data;
    const shoe = await ask(`/api/shoes/${found?.id}`);
    const { sizes } = ((await shoe.json()) as { data: { sizes: { size: string; stock: number }[] } }).data;
    const size = sizes.find(({ stock }) => stock > 0)?.size ?? "";
    const order = await dataOf(
      await ask("/api/orders", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          email: "edge@shop.example",
          items: [{ productId: found?.id, size, quantity: 1 }],
          paymentToken: "redirect",
        }),
      }),
    );
    const path = order.payment.redirectUrl;
    const page = await ask(path);
    expect([page.status, page.headers.get("content-security-policy")]).toEqual([
      200,
      expect.stringContaining("form-action 'self'"),
    ]);
    expect(page.headers.get("cache-control")).toBe("private, no-store");

    const pay = (origin: string) =>
      ask(path, {
        method: "POST",
        headers: { origin, "content-type": "application/x-www-form-urlencoded" },
        body: "choice=pay",
      });
    expect((await pay("https://evil.example")).status).toBe(403);
    const paid = await pay(edge.url);
    expect([paid.status, paid.headers.get("location")]).toEqual([303, path]);
    const now = await ask(`/api/orders/${order.id}`, { headers: { "order-token": order.accessToken } });
    expect((await dataOf(now)).status).toBe("confirmed");
    expect(await (await ask(path)).text()).toContain("the order is confirmed");
  },
);
