// Orders of a prepared shop: one of each kind that requests may name, and the stock that orders take.
import { must } from "../../../db/must.ts";
import { json } from "./json.ts";

type People = Record<"admin" | "customer" | "other", { token: string }>;

/** The ids of orders and the tokens of guests' orders, by the names of their placeholders. */
export type Orders = Record<
  "ownOrder" | "otherOrder" | "guestOrder" | "shippedOrder" | "orderToken" | "otherToken",
  string
>;

/** More than any generated request takes. */
const STOCK = 100_000;
/** The shoe of these orders, which requests may name too. */
const ITEM = { productId: "fuzz1", size: "9.5", quantity: 50 };

type PlacedOrder = { id: string; accessToken?: string; items: { productId: string; size: string }[] };

/** Places orders of the customer, of another one and of guests; one of them is shipped. */
export async function addOrders(url: string, { admin, customer, other }: People): Promise<Orders> {
  await fill(url, admin.token, ITEM);
  const place = async (more: object, token?: string): Promise<PlacedOrder> => {
    const response = await json(url, "POST", "/api/orders", { items: [ITEM], ...more }, token);
    if (response.status !== 201) throw new Error(`cannot place an order: ${response.body}`);
    return placedIn(response.body);
  };
  const own = await place({}, customer.token);
  const others = await place({}, other.token);
  const shipped = await place({}, customer.token);
  const guests = await place({ email: "guest@fuzz.example" });
  const waiting = await place({ email: "guest@fuzz.example", paymentToken: "redirect" });
  const step = await json(url, "PUT", `/api/orders/${shipped.id}/status`, { status: "shipped" }, admin.token);
  if (step.status !== 200) throw new Error(`cannot ship an order: ${step.body}`);
  return {
    ownOrder: own.id,
    otherOrder: others.id,
    guestOrder: guests.id,
    shippedOrder: shipped.id,
    orderToken: must(guests.accessToken, "a guest's token"),
    otherToken: must(waiting.accessToken, "a guest's token"),
  };
}

const placedIn = (body: string): PlacedOrder => (JSON.parse(body) as { data: PlacedOrder }).data;

/** Fills up the sizes that a placed order took. */
export async function restoreStock(url: string, token: string, body: string): Promise<void> {
  for (const item of placedIn(body).items) await fill(url, token, item);
}

async function fill(url: string, token: string, { productId, size }: { productId: string; size: string }) {
  const sizes = [{ size, stock: STOCK }];
  const response = await json(url, "PUT", `/api/shoes/${productId}/stock`, { sizes }, token);
  // The shoe may have been removed or given other sizes by an earlier request.
  if (response.status >= 500) throw new Error(`cannot fill up stock: ${response.body}`);
}
