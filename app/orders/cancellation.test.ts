// Cancelling orders over HTTP: stock and money come back once, in every state of the payment.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { factsOf, openGate, openStepShop, type StepShop } from "../testing/order-steps.ts";
import { readUntil } from "../testing/shop.ts";

const SOON_MS = 5_000;

let shop: StepShop;
let facts: ReturnType<typeof factsOf>;
beforeAll(async () => {
  shop = await openStepShop();
  facts = factsOf(shop);
});
afterEach(() => {
  shop.gateway.script = {};
});
afterAll(() => shop.close());

describe("cancelling", () => {
  test("returns stock once and voids the payment", async () => {
    const before = facts.stock();
    const order = await shop.place("owner");
    expect(facts.stock()).toBe(before - 2);
    const answers = await Promise.all([1, 2, 3].map(() => shop.put("owner", order, { status: "cancelled" })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(facts.stock()).toBe(before);
    expect([facts.payment(order), facts.request(order, "void")]).toEqual([
      ["cancelled", "voided", 0, 0],
      ["done", 1],
    ]);
    expect(shop.gateway.payments.get(order.id)?.status).toBe("voided");
    const [[recipient, state, data] = [], ...more] = facts.mails(order, "cancelled");
    expect([recipient, state, more]).toEqual([shop.people.owner.email, "due", []]);
    expect(JSON.parse(data ?? "")).toMatchObject({ id: order.id, status: "cancelled" });
  });

  test("stands without the gateway's answer, which is asked for later", async () => {
    const order = await shop.place("owner");
    shop.gateway.script.void = async () => {
      throw new Error("no answer");
    };
    const answer = await shop.put("owner", order, { status: "cancelled" });
    expect([answer.status, answer.body.data.status, answer.body.data.payment.status]).toEqual([
      200,
      "cancelled",
      "authorized",
    ]);
    expect(facts.request(order, "void")).toEqual(["due", 0]);
  });

  test("an invoice before it is confirmed has no money, after that it is paid back in the books", async () => {
    const before = facts.stock();
    const [early, late] = [
      await shop.place("owner", { paymentMethod: "invoice" }),
      await shop.place("owner", { paymentMethod: "invoice" }),
    ];
    await shop.move(late, "confirmed");
    for (const order of [early, late])
      expect((await shop.put("owner", order, { status: "cancelled" })).status).toBe(200);
    expect(facts.payment(early)).toEqual(["cancelled", "none", 0, 0]);
    expect(facts.payment(late)).toEqual(["cancelled", "refunded", 10_000, 10_000]);
    expect(
      shop.row("SELECT position, amount_cents, restock, state FROM refunds WHERE number = ?", late),
    ).toEqual([1, 10_000, 1, "done"]);
    expect(shop.row("SELECT refund, position, quantity FROM refund_lines WHERE number = ?", late)).toEqual([
      1, 0, 2,
    ]);
    expect(shop.row("SELECT refunded, returned FROM order_lines WHERE number = ?", late)).toEqual([2, 2]);
    expect([
      facts.request(late, "void"),
      facts.mails(early, "cancelled").length,
      facts.mails(late, "cancelled").length,
    ]).toEqual([[], 1, 1]);
    expect(facts.stock()).toBe(before);
  });

  test("an invoice that was paid back before returns its stock, and no money twice", async () => {
    const before = facts.stock();
    const order = await shop.place("owner", { paymentMethod: "invoice" });
    await shop.move(order, "confirmed");
    const body = { amount: 100, restock: false };
    const refund = await shop.as("admin", "POST", `/api/orders/${order.id}/refunds`, body);
    expect(refund.body.data.payment.status).toBe("refunded");
    await shop.move(order, "cancelled");
    expect([facts.payment(order), facts.stock()]).toEqual([
      ["cancelled", "refunded", 10_000, 10_000],
      before,
    ]);
    expect(shop.row("SELECT count(*) FROM refunds WHERE number = ?", order)).toEqual([1]);
    expect(shop.row("SELECT refunded, returned FROM order_lines WHERE number = ?", order)).toEqual([0, 2]);
  });

  test("an order that waits for its payment: its receipt is withdrawn, its payment released", async () => {
    const order = await shop.place("guest", { paymentToken: "redirect" });
    expect((await shop.put("guest", order, { status: "cancelled" })).body.data.payment.status).toBe("voided");
    expect(facts.mails(order, "receipt").map(([, state]) => state)).toEqual(["withdrawn"]);
    expect(facts.mails(order, "cancelled").length).toBe(1);
    expect(facts.request(order, "authorise")).toEqual(["refused", 1]);
  });

  test("while the payment is being authorised: cancelled, stock back once, and then voided", async () => {
    const before = facts.stock();
    const [authorised, voided] = [openGate(), openGate()];
    shop.gateway.script.authorise = () => authorised.passed;
    shop.gateway.script.void = () => voided.passed;
    const placing = shop.as("owner", "POST", "/api/orders", {
      items: [{ productId: "a", size: "42", quantity: 2 }],
    });
    const findPlaced = () =>
      shop.db.read.get<[string, number]>(
        "SELECT id, number FROM orders WHERE payment_status = 'authorizing'",
      );
    const [id, number] = (await readUntil(findPlaced, (row) => row !== undefined, SOON_MS)) ?? ["", 0];
    const order = { id, number };
    const cancelling = shop.put("owner", order, { status: "cancelled" });
    await readUntil(() => shop.gateway.asked.includes(`void ${id}`), Boolean, SOON_MS);
    expect([facts.payment(order)[0], facts.request(order, "void"), facts.stock()]).toEqual([
      "cancelled",
      ["due", 0],
      before,
    ]);
    authorised.open();
    await placing;
    expect([facts.payment(order)[0], shop.gateway.payments.get(id)?.status]).toEqual([
      "cancelled",
      "authorized",
    ]);
    voided.open();
    expect((await cancelling).body.data).toMatchObject({
      status: "cancelled",
      payment: { status: "voided" },
    });
    expect([facts.payment(order), facts.request(order, "void"), facts.stock()]).toEqual([
      ["cancelled", "voided", 0, 0],
      ["done", 1],
      before,
    ]);
    expect(shop.gateway.payments.get(id)?.status).toBe("voided");
    // The customer has no mail about this order yet.
    expect(facts.mails(order, "cancelled")).toEqual([]);
    expect(facts.mails(order, "receipt").map(([, state]) => state)).toEqual(["withdrawn"]);
  });

  test("an order that is declined sends no second notice", async () => {
    const answer = await shop.as("owner", "POST", "/api/orders", {
      items: [{ productId: "b", quantity: 1 }],
      paymentToken: "declined",
    });
    const { orderId } = answer.body;
    const [number = 0] = shop.db.read.get<[number]>("SELECT number FROM orders WHERE id = ?", orderId) ?? [];
    const order = { id: orderId, number };
    expect((await shop.put("owner", order, { status: "cancelled" })).status).toBe(200);
    expect([facts.payment(order)[1], facts.mails(order, "cancelled"), facts.request(order, "void")]).toEqual([
      "declined",
      [],
      [],
    ]);
  });

  test("a void that the gateway refuses sends a mail to the shop's staff", async () => {
    const order = await shop.place("owner");
    shop.gateway.script.void = async () => "refuse";
    expect((await shop.put("owner", order, { status: "cancelled" })).status).toBe(200);
    expect([facts.payment(order), facts.request(order, "void")]).toEqual([
      ["cancelled", "authorized", 0, 0],
      ["refused", 1],
    ]);
    expect(facts.mails(order, "void-refused").map(([recipient, state]) => [recipient, state])).toEqual([
      [null, "due"],
    ] as never);
  });
});
