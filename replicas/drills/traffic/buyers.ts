// Buyers who each want one pair: each repeats its order by its key, on one node after the other, until the answer is final.
import { must } from "../../../db/must.ts";
import type { ClusterNode } from "../cluster.ts";
import { type HttpResponse, request, statusOf } from "./client.ts";

type BuyersOptions = {
  nodes: readonly ClusterNode[];
  count: number;
  shoeId: string;
  sizes: readonly string[];
  /** Called after each acknowledged order with how many there are. */
  onAcknowledged(count: number): void;
};

export type Buyers = {
  /** The ids of acknowledged orders by the buyers' addresses. */
  acknowledged: ReadonlyMap<string, string>;
  outOfStock(): number;
  /** Requests beyond the first of each buyer, and orders placed anew after one was cancelled. */
  repeated(): number;
  placedAnew(): number;
  /** Responses that no buyer should get, and buyers without a final answer, as text. */
  unexpected: readonly string[];
  /** Resolves when every buyer has a final answer, or has given up. */
  done: Promise<unknown>;
};

type Order = { id: string; status: string };
/** The decision of a buyer after a response. */
type Meaning = "repeat" | "anew" | "out of stock" | "unexpected" | Order;

const PAUSE_MS = 200;
const GIVE_UP_MS = 150_000;
const REPEATED = [0, 429, 503, 504];

/** Starts all buyers at once. */
export function startBuyers({ nodes, count, shoeId, sizes, onAcknowledged }: BuyersOptions): Buyers {
  const acknowledged = new Map<string, string>();
  const unexpected: string[] = [];
  let [outOfStock, repeated, placedAnew] = [0, 0, 0];
  const givesUpAt = performance.now() + GIVE_UP_MS;

  const buy = async (number: number): Promise<void> => {
    const email = `buyer-${number}@shop.example`;
    const size = sizes[Math.floor(Math.random() * sizes.length)];
    for (let [tries, orders] = [0, 0]; performance.now() < givesUpAt; tries += 1) {
      if (tries > 0) repeated += 1;
      const node = must(nodes[(number + tries) % nodes.length], "the node");
      const response = await request(node.url, {
        path: "/api/orders",
        method: "POST",
        headers: { "idempotency-key": `${email} ${orders}` },
        body: { items: [{ productId: shoeId, size, quantity: 1 }], email },
      });
      const meaning = meaningOf(response);
      if (typeof meaning === "object") {
        acknowledged.set(email, meaning.id);
        return onAcknowledged(acknowledged.size);
      }
      if (meaning === "out of stock") {
        outOfStock += 1;
        return;
      }
      if (meaning === "unexpected")
        return void unexpected.push(`${statusOf(response)} ${response.text.slice(0, 200)}`);
      if (meaning === "anew") [orders, placedAnew] = [orders + 1, placedAnew + 1];
      await Bun.sleep(PAUSE_MS * (0.5 + Math.random()));
    }
    unexpected.push(`${email} has no final answer`);
  };

  return {
    acknowledged,
    outOfStock: () => outOfStock,
    repeated: () => repeated,
    placedAnew: () => placedAnew,
    unexpected,
    done: Promise.all(Array.from({ length: count }, (_, number) => buy(number))),
  };
}

/** The decision of a buyer after this response to an order. */
export function meaningOf({ status, text }: Pick<HttpResponse, "status" | "text">): Meaning {
  if (REPEATED.includes(status)) return "repeat";
  const { data, type } = JSON.parse(text) as { data?: Order; type?: string };
  if (status === 402 || data?.status === "cancelled") return "anew";
  if (type === "/problems/out-of-stock") return "out of stock";
  if (type === "/problems/request-under-way" || data?.status === "pending") return "repeat";
  return status === 201 && data?.status === "confirmed" ? data : "unexpected";
}
