// The webhook over HTTP: an event is only a hint, counts once, and changes no order that was settled before.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ask } from "../../testing/people.ts";
import { SIGNATURE } from "./sandbox/event.ts";
import { openSignatures } from "./signature.ts";
import { openPaying, type Paying } from "./testing/paying.ts";

let paying: Paying;
beforeAll(async () => {
  paying = await openPaying();
});
afterAll(() => paying.close());

const PATH = "/api/payments/webhooks/sandbox";
/** The secret of observed shops of tests. */
const signatures = openSignatures(["a secret that only the tests of this shop know"], SIGNATURE);

type Sent = { id?: unknown; type?: unknown; orderId?: unknown };
const eventOf = (orderId: string, id: string = Bun.randomUUIDv7()): Sent => ({
  id,
  type: "payment.settled",
  orderId,
});

/** Sends an event, signed over its bytes. */
async function send(event: unknown, headers: Record<string, string> = {}, path = PATH) {
  const body = typeof event === "string" ? event : JSON.stringify(event);
  const signature = signatures.of(body, paying.times.now());
  const answer = await ask(paying.shop, "POST", path, {
    body,
    headers: { [SIGNATURE]: signature, ...headers },
  });
  return { status: answer.status, body: (await answer.json()) as Answer };
}
type Answer = { data?: { result: string }; errors?: { pointer: string }[]; detail?: string };

const result = async (event: unknown) => {
  const { status, body } = await send(event);
  return [status, body.data?.result];
};

/** An order that waits for its customer, who has paid; the shop has no answer and no event of it. */
const paidUnanswered = async () => {
  const { id } = await paying.place("redirect");
  await paying.shop.payments.checkout?.choose(id, "lose");
  expect(paying.standing(id)).toMatchObject({ status: "pending", payment: "requires_action" });
  return id;
};
const eventsOf = (id: string) =>
  paying.shop.db.read.get<[number]>(
    "SELECT count(*) FROM payment_events WHERE number = (SELECT number FROM orders WHERE id = ?)",
    id,
  )?.[0];
const mailsOf = (id: string) =>
  paying.shop.db.read.all<[string, string]>(
    "SELECT kind, state FROM outbox WHERE number = (SELECT number FROM orders WHERE id = ?) ORDER BY kind",
    id,
  );
const lastNumber = () => paying.shop.db.read.get<[number]>("SELECT max(number) FROM orders")?.[0];
const orderCount = () => paying.shop.db.read.get<[number]>("SELECT count(*) FROM orders")?.[0];

describe("an event", () => {
  test("settles the order that waits, before the customer is back", async () => {
    const id = await paidUnanswered();
    expect(await result(eventOf(id))).toEqual([200, "confirmed"]);
    expect(paying.standing(id)).toMatchObject({ status: "confirmed", history: "pending confirmed" });
    expect(mailsOf(id)).toEqual([
      ["alert", "due"],
      ["receipt", "due"],
    ]);
  });

  test("#12 and the customer's return at once: the second one changes nothing", async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await paying.place("redirect");
      await paying.shop.payments.checkout?.choose(id, "lose");
      // The second choice finds the payment paid, and only asks, as the page does at a return.
      const [event] = await Promise.all([
        result(eventOf(id)),
        paying.shop.payments.checkout?.choose(id, "pay"),
      ]);
      expect(event[0]).toBe(200);
      expect(["confirmed", "unchanged"]).toContain(event[1] as string);
      expect(paying.standing(id)).toMatchObject({ history: "pending confirmed", payment: "authorized" });
      expect(mailsOf(id)).toHaveLength(2);
    }
  });

  test("#13 three times at once settles once", async () => {
    const id = await paidUnanswered();
    const event = eventOf(id);
    const results = await Promise.all([result(event), result(event), result(event)]);
    expect(results.map(([status]) => status)).toEqual([200, 200, 200]);
    expect(results.map(([, what]) => what).toSorted()).toEqual(["confirmed", "repeated", "repeated"]);
    expect(await result(event)).toEqual([200, "repeated"]);
    expect([paying.standing(id).history, eventsOf(id), mailsOf(id).length]).toEqual([
      "pending confirmed",
      1,
      2,
    ]);
  });

  test("under another id, three at once, settles once too", async () => {
    const id = await paidUnanswered();
    const results = await Promise.all([1, 2, 3].map(() => result(eventOf(id))));
    expect(results.map(([, what]) => what).toSorted()).toEqual(["confirmed", "unchanged", "unchanged"]);
    expect([paying.standing(id).history, mailsOf(id).length]).toEqual(["pending confirmed", 2]);
  });

  test("#14 of a payment under processing places nothing and spends no number", async () => {
    const { id } = await paying.place("timeout");
    const before = [lastNumber(), orderCount(), paying.standing(id)];
    for (const type of ["payment.processing", "payment.settled"])
      expect(await result({ ...eventOf(id), type })).toEqual([200, "waiting"]);
    const unknown = { ...eventOf(Bun.randomUUIDv7()), type: "payment.processing" };
    expect((await send(unknown)).status).toBe(404);
    expect([lastNumber(), orderCount(), paying.standing(id)]).toEqual(before);
    expect(eventsOf(id)).toBe(0);
  });

  test("#15 of a late failure never downgrades a paid order, and is logged", async () => {
    const { id } = await paying.place("late_failure");
    const before = paying.standing(id);
    paying.times.pass(2_000);
    expect(await result(eventOf(id))).toEqual([200, "unchanged"]);
    expect(paying.standing(id)).toEqual(before);
    expect(before).toMatchObject({ status: "confirmed", payment: "authorized" });
    const lines = paying.shop.logged.filter((line) => line.includes("a confirmed order has failed"));
    expect(lines.length).toBeGreaterThan(0);
  });

  test("of a payment whose order was cancelled releases the amount", async () => {
    const { id } = await paying.place("redirect");
    // The sandbox does not get the void, as when it cannot be reached.
    await paying.shop.db.write([
      {
        sql: "UPDATE orders SET status = 'cancelled', payment_status = 'declined' WHERE id = ?",
        args: [id],
      },
      {
        sql: "UPDATE payment_requests SET state = 'refused' WHERE number = (SELECT max(number) FROM orders)",
      },
    ]);
    await paying.shop.payments.checkout?.choose(id, "lose");
    expect(await result(eventOf(id))).toEqual([200, "unchanged"]);
    await paying.shop.payments.settle();
    expect([paying.standing(id).status, paying.atSandbox(id)?.status]).toEqual(["cancelled", "voided"]);
  });

  test("of a declined payment cancels the order, and gives its stock back once", async () => {
    const { id } = await paying.place("redirect");
    const { stock } = paying.standing(id);
    await paying.shop.db.write([
      { sql: "UPDATE sandbox_payments SET status = 'declined' WHERE id = ?", args: [id] },
    ]);
    expect(await result(eventOf(id))).toEqual([200, "declined"]);
    expect(await result(eventOf(id))).toEqual([200, "unchanged"]);
    expect(paying.standing(id)).toMatchObject({ status: "cancelled", payment: "declined", stock: stock + 2 });
  });

  test("with further fields is taken: gateways add some", async () => {
    const id = await paidUnanswered();
    expect(await result({ ...eventOf(id), createdAt: "2026-06-01T00:00:00Z", attempt: 2 })).toEqual([
      200,
      "confirmed",
    ]);
  });
});

describe("a bad event", () => {
  const LONG = "x".repeat(256);
  const OTHER = Bun.randomUUIDv7();
  const SIGNED_BY_OTHER = openSignatures(["a secret of another shop"], SIGNATURE).of(
    JSON.stringify(eventOf(OTHER, OTHER)),
    Date.UTC(2026, 5, 1),
  );
  test.each<[string, (id: string) => unknown, Record<string, string>, number, string | null]>([
    ["of an unknown order", () => eventOf(Bun.randomUUIDv7()), {}, 404, null],
    ["without a signature", (id) => eventOf(id), { [SIGNATURE]: "" }, 401, null],
    ["with a signature of another body", (id) => eventOf(id), { [SIGNATURE]: signed("{}") }, 401, null],
    ["signed with another secret", () => eventOf(OTHER, OTHER), { [SIGNATURE]: SIGNED_BY_OTHER }, 401, null],
    ["that is no JSON", () => "{", {}, 400, ""],
    ["that is a list", () => [], {}, 400, ""],
    ["without an id", (id) => ({ ...eventOf(id), id: undefined }), {}, 400, "/id"],
    ["with an empty id", (id) => eventOf(id, ""), {}, 400, "/id"],
    ["with a long id", (id) => eventOf(id, LONG), {}, 400, "/id"],
    ["with a number as its type", (id) => ({ ...eventOf(id), type: 7 }), {}, 400, "/type"],
    ["without an order", (id) => ({ ...eventOf(id), orderId: null }), {}, 400, "/orderId"],
    ["with an order's number", () => eventOf("10001"), {}, 404, null],
  ])("%s is refused and changes nothing", async (_what, event, headers, status, pointer) => {
    const id = await paidUnanswered();
    const before = paying.standing(id);
    const answer = await send(event(id), headers);
    expect([answer.status, answer.body.errors?.[0]?.pointer ?? null]).toEqual([status, pointer]);
    expect([paying.standing(id), eventsOf(id)]).toEqual([before, 0]);
  });

  test("that was recorded and is sent again after five minutes is refused", async () => {
    const id = await paidUnanswered();
    const body = JSON.stringify(eventOf(id));
    const recorded = signed(body);
    paying.times.pass(5 * 60_000 + 1_000);
    expect((await send(body, { [SIGNATURE]: recorded })).status).toBe(401);
    expect((await send(body)).status).toBe(200);
  });

  test("for another gateway finds nothing there", async () => {
    const id = await paidUnanswered();
    for (const name of ["stripe", "SANDBOX", "sandbox%20"])
      expect((await send(eventOf(id), {}, `/api/payments/webhooks/${name}`)).status).toBe(404);
    expect(paying.standing(id).status).toBe("pending");
  });
});

const signed = (body: string) => signatures.of(body, Date.UTC(2026, 5, 1));
