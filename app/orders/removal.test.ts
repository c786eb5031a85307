// Removing an account over HTTP leaves its orders without a person; the address stays until the parcel is on its way.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { must } from "../../db/must.ts";
import { openStepShop, type Placed, type StepShop } from "../testing/order-steps.ts";
import { PASSWORD } from "../testing/people.ts";

let shop: StepShop;
const orders: Record<string, Placed> = {};
let staying: Placed;
const PERSON = {
  name: "Olga",
  street: "Secret lane 7",
  city: "Hidden town",
  country: "DE",
  phone: "+49 1234",
};

beforeAll(async () => {
  shop = await openStepShop();
  const statuses = {
    confirmed: [],
    shipped: ["shipped"],
    delivered: ["shipped", "delivered"],
    cancelled: ["cancelled"],
  };
  for (const [name, steps] of Object.entries(statuses)) {
    const order = await shop.place("owner", { shippingAddress: PERSON });
    await shop.move(order, ...steps);
    orders[name] = order;
  }
  orders.waiting = await shop.place("owner", { shippingAddress: PERSON, paymentToken: "redirect" });
  staying = await shop.place("other");
  // One mail was sent already.
  await shop.db.write([
    {
      sql: "UPDATE outbox SET state = 'sent' WHERE number = ? AND kind = 'receipt'",
      args: [must(orders.shipped, "the order").number],
    },
  ]);
  const { id } = shop.people.owner;
  const answer = await shop.as("owner", "DELETE", `/api/users/${id}`, { password: PASSWORD });
  if (answer.status !== 204) throw new Error(answer.text);
});
afterAll(() => shop.close());

const get = (who: "admin" | "other", path: string) => shop.as(who, "GET", `/api/orders${path}`);
const outboxOf = ({ number }: Placed) =>
  shop.db.read.all("SELECT kind, recipient, data, state FROM outbox WHERE number = ? ORDER BY seq", number);

test.each<[string, hasAddress: boolean]>([
  ["waiting", true],
  ["confirmed", true],
  ["shipped", false],
  ["delivered", false],
  ["cancelled", false],
])("an admin sees the %s one without its person", async (name, hasAddress) => {
  const order = must(orders[name], "the order");
  const { status, body, text } = await get("admin", `/${order.id}`);
  expect([status, body.data.userId, body.data.email]).toEqual([200, null, ""]);
  expect(body.data.shippingAddress?.street ?? null).toBe(hasAddress ? PERSON.street : null);
  expect(body.data.totalAmount).toBe(100);
  expect(text).not.toContain(shop.people.owner.email);
  for (const [, recipient, data, state] of outboxOf(order)) {
    expect([recipient, data]).toEqual([null, null]);
    expect(["withdrawn", "sent"]).toContain(String(state));
  }
});

test("a mail that was sent stays so, the others are withdrawn", () => {
  expect(outboxOf(must(orders.shipped, "the order")).map(([kind, , , state]) => [kind, state])).toEqual([
    ["receipt", "sent"],
    ["alert", "withdrawn"],
    ["shipped", "withdrawn"],
  ]);
});

test("nothing is found by its address or its account", async () => {
  const { id, email } = shop.people.owner;
  for (const query of [`?email=${email}`, `?userId=${id}`])
    expect((await get("admin", query)).body.data).toEqual([]);
  expect((await get("admin", "?email=")).status).toBe(400);
  expect((await get("admin", "?all=true")).body.pagination.total).toBe(6);
  const rest = shop.db.read.all("SELECT * FROM orders WHERE user_id = ? OR email_key = ?", id, email);
  expect(rest).toEqual([]);
});

test("others neither see it nor lose anything", async () => {
  expect((await get("other", `/${must(orders.shipped, "the order").id}`)).status).toBe(404);
  const { body } = await get("other", "");
  expect(body.data.map(({ id }: { id: string }) => id)).toEqual([staying.id]);
  expect(body.data[0].email).toBe(shop.people.other.email);
});

test("it is shipped, refunded and cancelled as any other, without a mail, and then its address is gone", async () => {
  const [confirmed, waiting] = [must(orders.confirmed, "the order"), must(orders.waiting, "the order")];
  await shop.move(confirmed, "shipped");
  await shop.move(waiting, "cancelled");
  const refund = await shop.as("admin", "POST", `/api/orders/${confirmed.id}/refunds`, {
    amount: 1,
    restock: false,
  });
  expect(refund.status).toBe(201);
  for (const order of [confirmed, waiting]) {
    expect((await get("admin", `/${order.id}`)).body.data.shippingAddress).toBeNull();
    expect(outboxOf(order).map(([kind]) => kind)).toEqual(["receipt", "alert"]);
    for (const text of [PERSON.street, PERSON.city, PERSON.phone, shop.people.owner.email])
      expect(JSON.stringify(shop.row("SELECT * FROM orders WHERE number = ?", order))).not.toContain(text);
  }
});
