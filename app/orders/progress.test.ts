// Steps of orders over HTTP: who may take which, shipping and cancelling with the gateway, and what they leave behind.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { plainWrite } from "../http/write.ts";
import {
  type Asker,
  factsOf,
  openGate,
  openStepShop,
  type Placed,
  type StepShop,
} from "../testing/order-steps.ts";
import { readUntil, silentLog } from "../testing/shop.ts";
import { effectsOf, requestKey } from "./payment/effects.ts";
import { changeStatus } from "./progress.ts";
import { openOrderTokens } from "./tokens.ts";

const SOON_MS = 5_000;
const LINK = "https://parcels.example/track?no=1";

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

describe("who asks for which step", () => {
  const STEPPED = [200, 403, 404, 401] as const;
  type Row = [who: Asker, to: string, owners: (typeof STEPPED)[number], guests: (typeof STEPPED)[number]];
  const rows: Row[] = [
    ["owner", "shipped", 403, 404],
    ["owner", "confirmed", 200, 404],
    ["owner", "delivered", 403, 404],
    ["owner", "cancelled", 200, 404],
    ["other", "shipped", 404, 404],
    ["other", "confirmed", 404, 404],
    ["other", "delivered", 404, 404],
    ["other", "cancelled", 404, 404],
    ["guest", "shipped", 404, 403],
    ["guest", "delivered", 404, 403],
    ["guest", "cancelled", 404, 200],
    ["admin", "shipped", 200, 200],
    ["admin", "cancelled", 200, 200],
    ["key", "shipped", 200, 200],
    ["key", "cancelled", 200, 200],
    ["anonymous", "cancelled", 401, 401],
    ["anonymous", "shipped", 401, 401],
  ];
  test.each(rows)(
    "%s to %s: %d for an account's order, %d for a guest's",
    async (who, to, owners, guests) => {
      for (const [order, expected] of [
        [await shop.place("owner"), owners],
        [await shop.place("guest"), guests],
      ] as const) {
        // The other kind of order has no token; then a guest comes with one that opens nothing.
        const before = facts.payment(order);
        const answer = await shop.as(
          who,
          "PUT",
          `/api/orders/${order.id}/status`,
          { status: to },
          {},
          { ...order, accessToken: order.accessToken ?? "x".repeat(43) },
        );
        expect(answer.status).toBe(expected);
        if (expected !== 200) expect(facts.payment(order)).toEqual(before);
        if (expected !== 200) expect(answer.text).not.toContain(shop.people.owner.email);
      }
    },
  );

  test("an unknown order is 404 for every caller", async () => {
    const unknown = { id: crypto.randomUUID(), number: 0, accessToken: "x".repeat(43) };
    for (const who of ["owner", "guest", "admin", "key"] as const)
      expect((await shop.put(who, unknown, { status: "cancelled" })).status).toBe(404);
  });

  test("history and audit name the actor", async () => {
    const [own, guests, keys] = [
      await shop.place("owner"),
      await shop.place("guest"),
      await shop.place("guest"),
    ];
    await shop.put("owner", own, { status: "cancelled" });
    await shop.put("guest", guests, { status: "cancelled" });
    await shop.put("key", keys, { status: "cancelled" });
    expect(facts.history(own).at(-1)).toEqual(["cancelled", "customer"]);
    expect(facts.history(guests).at(-1)).toEqual(["cancelled", "customer"]);
    expect(facts.history(keys)).toEqual([
      ["pending", "customer"],
      ["confirmed", "gateway"],
      ["cancelled", "admin"],
    ]);
    expect([facts.audit(own), facts.audit(guests), facts.audit(keys)]).toEqual([
      [],
      [],
      [["key", "order.cancel"]],
    ]);
  });
});

describe("a bad body", () => {
  test.each<[unknown, number, string | null]>([
    [{}, 400, "/status"],
    [{ status: "returned" }, 400, "/status"],
    [{ status: null }, 400, "/status"],
    [{ status: ["shipped"] }, 400, "/status"],
    [{ status: "shipped", trackingUrl: "javascript:alert(1)" }, 400, "/trackingUrl"],
    [{ status: "shipped", trackingUrl: "/orders" }, 400, "/trackingUrl"],
    [{ status: "shipped", trackingUrl: "ftp://parcels.example/1" }, 400, "/trackingUrl"],
    [{ status: "shipped", trackingUrl: "https://u:p@parcels.example/1" }, 400, "/trackingUrl"],
    [{ status: "shipped", trackingUrl: "https://parcels.example/a b" }, 400, "/trackingUrl"],
    [{ status: "shipped", trackingUrl: `https://parcels.example/${"1".repeat(2_048)}` }, 400, "/trackingUrl"],
    [{ status: "shipped", trackingUrl: 1 }, 400, "/trackingUrl"],
    [[], 400, null],
    ["{", 400, null],
  ])("%j", async (body, status, pointer) => {
    const order = await shop.place("owner");
    const answer = await shop.put("admin", order, body);
    expect(answer.status).toBe(status);
    if (pointer)
      expect(answer.body.errors.map((each: { pointer: string }) => each.pointer)).toEqual([pointer]);
    expect(facts.payment(order)).toEqual(["confirmed", "authorized", 0, 0]);
  });
});

describe("shipping", () => {
  test("captures the amount, and its mail shows all", async () => {
    const order = await shop.place("owner");
    const answer = await shop.put("admin", order, { status: "shipped", trackingUrl: LINK });
    expect(answer.body.data).toMatchObject({
      status: "shipped",
      payment: { status: "captured" },
      trackingUrl: LINK,
    });
    expect(shop.gateway.payments.get(order.id)).toMatchObject({ status: "captured", capturedCents: 10_000 });
    expect(facts.payment(order)).toEqual(["shipped", "captured", 10_000, 0]);
    const [[recipient, state, data] = [], ...more] = facts.mails(order, "shipped");
    expect([recipient, state, more]).toEqual([shop.people.owner.email, "due", []]);
    expect(JSON.parse(data ?? "")).toEqual(answer.body.data);
    expect(facts.audit(order)).toEqual([["user", "order.ship"]]);
  });

  test("the same again changes nothing, but a corrected link is stored", async () => {
    const order = await shop.place("owner");
    await shop.put("admin", order, { status: "shipped", trackingUrl: LINK });
    const asked = shop.gateway.asked.length;
    const again = await shop.put("admin", order, { status: "shipped", trackingUrl: LINK });
    expect(again.body.data.trackingUrl).toBe(LINK);
    const other = await shop.put("key", order, { status: "shipped", trackingUrl: `${LINK}2` });
    expect([other.status, other.body.data.trackingUrl]).toEqual([200, `${LINK}2`]);
    const kept = await shop.put("admin", order, { status: "shipped" });
    expect(kept.body.data.trackingUrl).toBe(`${LINK}2`);
    // A customer may not.
    const own = await shop.put("owner", order, {
      status: "shipped",
      trackingUrl: "https://elsewhere.example/",
    });
    expect([own.status, own.body.data.trackingUrl]).toEqual([200, `${LINK}2`]);
    expect([shop.gateway.asked.length, facts.mails(order, "shipped").length]).toEqual([asked, 1]);
    expect(facts.audit(order)).toEqual([
      ["user", "order.ship"],
      ["key", "order.track"],
    ]);
  });

  test("an invoice asks no gateway", async () => {
    const order = await shop.place("owner", { paymentMethod: "invoice" });
    expect(facts.payment(order)).toEqual(["pending", "none", 0, 0]);
    const confirmed = await shop.put("admin", order, { status: "confirmed" });
    expect(confirmed.body.data.payment).toEqual({ status: "captured", reference: null });
    const shipped = await shop.put("admin", order, { status: "shipped", trackingUrl: LINK });
    expect(shipped.body.data).toMatchObject({ status: "shipped", trackingUrl: LINK });
    expect(facts.payment(order)).toEqual(["shipped", "captured", 10_000, 0]);
    expect([
      facts.mails(order, "shipped").length,
      shop.gateway.asked.filter((each) => each.includes(order.id)),
    ]).toEqual([1, []]);
    expect(facts.audit(order).map(([, action]) => action)).toEqual(["order.confirm", "order.ship"]);
  });

  test("is refused where the gateway refuses, and may be tried again", async () => {
    const order = await shop.place("owner");
    shop.gateway.script.capture = async () => "refuse";
    const refused = await shop.put("admin", order, { status: "shipped", trackingUrl: LINK });
    expect([refused.status, refused.body.type]).toEqual([409, "/problems/conflict"]);
    expect(refused.body.detail).toContain("the payment gateway refused to capture the amount");
    expect(facts.payment(order)).toEqual(["confirmed", "authorized", 0, 0]);
    expect(shop.row("SELECT tracking_url FROM orders WHERE number = ?", order)).toEqual([null]);
    expect([facts.request(order, "capture"), facts.mails(order, "shipped")]).toEqual([["refused", 1], []]);
    shop.gateway.script = {};
    expect((await shop.put("admin", order, { status: "shipped" })).status).toBe(200);
    expect([facts.payment(order), facts.request(order, "capture")]).toEqual([
      ["shipped", "captured", 10_000, 0],
      ["done", 1],
    ]);
  });

  test("without an answer is 504, no second capture, no cancelling, and completed by its late answer", async () => {
    const order = await shop.place("owner");
    shop.gateway.script.capture = async () => {
      throw new Error("no answer");
    };
    const lost = await shop.put("admin", order, { status: "shipped", trackingUrl: LINK });
    expect([lost.status, lost.body.type, lost.headers.get("retry-after")]).toEqual([
      504,
      "/problems/outcome-unknown",
      "2",
    ]);
    expect([facts.payment(order), facts.request(order, "capture")]).toEqual([
      ["confirmed", "authorized", 0, 0],
      ["due", 0],
    ]);
    const cancelled = await shop.put("owner", order, { status: "cancelled" });
    expect([cancelled.status, cancelled.body.detail]).toEqual([
      409,
      "the order is being shipped: the payment gateway was asked for the amount and has not answered",
    ]);
    expect((await shop.put("admin", order, { status: "shipped" })).status).toBe(504);
    const request = {
      orderId: order.id,
      number: order.number,
      kind: "capture",
      refund: 0,
      amountCents: 10_000,
      key: requestKey(order.id, "capture", 0),
    } as const;
    // Stored twice: the second changes nothing.
    for (const nowMs of [1_000, 2_000]) await shop.db.write(effectsOf(request, { outcome: "done" }, nowMs));
    expect([facts.payment(order), facts.mails(order, "shipped").length]).toEqual([
      ["shipped", "captured", 10_000, 0],
      1,
    ]);
    const again = await shop.put("admin", order, { status: "shipped" });
    expect(again.body.data.trackingUrl).toBe(LINK);
  });

  test("two at once capture once, and both are answered when it is captured", async () => {
    const order = await shop.place("owner");
    const gate = openGate();
    shop.gateway.script.capture = () => gate.passed;
    const both = ["admin", "key"].map((who) =>
      shop.put(who as "admin" | "key", order, { status: "shipped" }),
    );
    await readUntil(() => shop.gateway.asked.includes(`capture ${order.id}`), Boolean, SOON_MS);
    gate.open();
    expect((await Promise.all(both)).map(({ status, body }) => [status, body.data.status])).toEqual([
      [200, "shipped"],
      [200, "shipped"],
    ]);
    expect(shop.gateway.asked.filter((each) => each === `capture ${order.id}`).length).toBe(1);
  });

  test("the second of two is 504 while the gateway does not answer the first", async () => {
    const order = await shop.place("owner");
    const gate = openGate();
    shop.gateway.script.capture = () => gate.passed;
    const [first, second] = [
      shop.put("admin", order, { status: "shipped" }),
      shop.put("key", order, { status: "shipped" }),
    ];
    await readUntil(() => shop.gateway.asked.includes(`capture ${order.id}`), Boolean, SOON_MS);
    const early = await Promise.race([first, second]);
    expect(early.status).toBe(504);
    gate.open();
    const statuses = (await Promise.all([first, second])).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 504]);
    expect(shop.gateway.asked.filter((each) => each === `capture ${order.id}`).length).toBe(1);
    expect([facts.payment(order), facts.mails(order, "shipped").length]).toEqual([
      ["shipped", "captured", 10_000, 0],
      1,
    ]);
  });

  test("and cancelling at once: one of them happens, never both", async () => {
    for (let round = 0; round < 10; round += 1) {
      const order = await shop.place("owner");
      const [shipped, cancelled] = await Promise.all([
        shop.put("admin", order, { status: "shipped" }),
        shop.put("owner", order, { status: "cancelled" }),
      ]);
      expect([shipped.status, cancelled.status].sort()).toEqual([200, 409]);
      const isShipped = shipped.status === 200;
      expect(facts.payment(order)).toEqual(
        isShipped ? ["shipped", "captured", 10_000, 0] : ["cancelled", "voided", 0, 0],
      );
      expect(shop.gateway.payments.get(order.id)?.status).toBe(isShipped ? "captured" : "voided");
    }
  });
});

test("without a gateway a card's order cannot be shipped, but cancelled: it is voided once there is one", async () => {
  const [first, second] = [await shop.place("owner"), await shop.place("owner")];
  const services = {
    db: shop.db,
    gateway: null,
    orderTokens: openOrderTokens(["a secret"]),
    log: silentLog,
    now: Date.now,
  };
  const caller = { userId: shop.people.admin.id, role: "admin", kind: "user" } as const;
  const to = ({ id }: Placed, status: "shipped" | "cancelled") =>
    changeStatus(services, plainWrite(caller, Date.now()), {
      visitor: { caller, orderToken: null },
      orderId: id,
      change: { status },
    });
  const refusal = await to(first, "shipped").catch((thrown: unknown) => thrown);
  expect(refusal).toMatchObject({ type: "payment-unavailable" });
  expect([facts.payment(first), facts.request(first, "capture")]).toEqual([
    ["confirmed", "authorized", 0, 0],
    [],
  ]);
  await to(second, "cancelled");
  expect([facts.payment(second)[0], facts.request(second, "void")]).toEqual(["cancelled", ["due", 0]]);
});
