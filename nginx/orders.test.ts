// Orders through an edge with two nodes: what a client sends reaches one node, and what the node refuses reaches the client.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { must } from "../db/must.ts";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { type Edge, openPrograms } from "./testing/edge.ts";

// Skipped on a machine without NGINX; CI installs it.
const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
afterAll(programs.close);

type Shoe = { id: string; sizes: { size: string; stock: number }[] };
type Order = { id: string; status: string; accessToken?: string };

describe.skipIf(!hasNginx)("two nodes", () => {
  let edge: Edge;
  let item: { productId: string; size: string; quantity: number };
  beforeAll(async () => {
    const nodes = await programs.bootNodes(2);
    edge = await programs.bootEdge(nodes.map(({ address }) => address));
    const list = (await (await fetch(`${edge.url}/api/shoes?limit=20`)).json()) as { data: Shoe[] };
    const [shoe] = list.data.filter(({ sizes }) => sizes.some(({ stock }) => stock >= 4));
    const { id, sizes } = must(shoe, "a shoe with four pairs of a size");
    const { size } = must(
      sizes.find(({ stock }) => stock >= 4),
      "the size",
    );
    item = { productId: id, size, quantity: 1 };
  }, 60_000);

  const place = (body: object, headers: Record<string, string> = {}) =>
    fetch(`${edge.url}/api/orders`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ items: [item], ...body }),
    });
  const dataOf = async (answer: Response) => ((await answer.json()) as { data: Order }).data;

  test("a quote and an order with a key, which is sent twice and placed once", async () => {
    const quote = await fetch(`${edge.url}/v1/orders/quote`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ items: [item] }),
    });
    expect([quote.status, quote.headers.get("cache-status")]).toEqual([200, null]);
    const guest = { email: "edge@shop.example" };
    const first = await place(guest, { "idempotency-key": "at the edge" });
    const again = await place(guest, { "idempotency-key": "at the edge" });
    expect([first.status, again.status, again.headers.get("idempotent-replayed")]).toEqual([
      201,
      201,
      "true",
    ]);
    const [order, replayed] = [await dataOf(first), await dataOf(again)];
    expect([order.status, replayed.id]).toEqual(["confirmed", order.id]);
    expect(first.headers.get("location")).toBe(`/api/orders/${order.id}`);
    expect(first.headers.get("insole-version")).not.toBeNull();
  });

  test("the problem of a declined payment and of too many open orders is the node's own", async () => {
    const declined = await place({ email: "declined@shop.example", paymentToken: "declined" });
    expect([declined.status, declined.headers.get("content-type")]).toEqual([
      402,
      "application/problem+json",
    ]);
    expect(await declined.json()).toMatchObject({
      type: "/problems/payment-declined",
      status: 402,
      orderId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const waits = { email: "waits@shop.example", paymentToken: "redirect" };
    const answers = [await place(waits), await place(waits), await place(waits), await place(waits)];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 429]);
    const refused = must(answers[3], "the last answer");
    expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await refused.json()).toMatchObject({ type: "/problems/too-many-open-orders", status: 429 });
  });

  test("a guest's token opens its order, and stands in no log", async () => {
    const order = await dataOf(await place({ email: "token@shop.example" }));
    const token = must(order.accessToken, "the token");
    const headers = { "order-token": token };
    const path = `/api/orders/${order.id}`;
    expect((await fetch(`${edge.url}${path}`)).status).toBe(401);
    const opened = await fetch(`${edge.url}${path}`, { headers });
    expect([opened.status, opened.headers.get("cache-control"), opened.headers.get("cache-status")]).toEqual([
      200,
      "private, no-store",
      null,
    ]);
    const body = JSON.stringify({ status: "cancelled" });
    const cancelled = await fetch(`${edge.url}${path}/status`, {
      method: "PUT",
      headers: { ...headers, "content-type": "application/json" },
      body,
    });
    expect([cancelled.status, (await dataOf(cancelled)).status]).toEqual([200, "cancelled"]);
    // A token in an address is wrong, and masked.
    await fetch(`${edge.url}${path}?${token}`);
    const log = Bun.file(`${edge.folder}/logs/access.log`);
    await until("the last request is logged", async () => (await log.text()).includes("[masked]"));
    expect(await log.text()).not.toContain(token);
  });
});
