// The settlement: each due request is settled once and in time, also when the gateway fails.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Database } from "../../../db/database.ts";
import { openFile } from "../../../db/file.ts";
import { openHandle } from "../../../db/read/reader.ts";
import { openLog } from "../../log.ts";
import { readUntil } from "../../testing/shop.ts";
import type { Gateway, PaymentState } from "./gateway.ts";
import { HOLD_MS } from "./settle.ts";
import { openSettlement } from "./settlement.ts";
import { openPaying, type Paying } from "./testing/paying.ts";

// Five databases on one file commit some hundred times: a busy disk makes seconds of that.
setDefaultTimeout(60_000);

const PATIENCE_MS = 30_000;
const LEASE_MS = 15_000;
const MINUTE_MS = 60_000;

/** A gateway whose answers the test gives: by default it knows every payment, which waits. */
function openTestGateway() {
  const asked: string[] = [];
  const state: PaymentState = {
    status: "processing",
    reference: "test",
    redirectUrl: null,
    capturedCents: 0,
    refundedCents: 0,
  };
  const answers = {
    authorise: async (): Promise<PaymentState> => ({ ...state }),
    lookUp: async (_id: string): Promise<PaymentState | null> => ({ ...state }),
    void: async (_id: string): ReturnType<Gateway["void"]> => ({ outcome: "done" }),
    capture: async (_id: string): ReturnType<Gateway["void"]> => ({ outcome: "done" }),
  };
  const noting =
    <T>(what: "lookUp" | "void" | "capture", answer: () => (id: string) => Promise<T>) =>
    (id: string) => {
      asked.push(`${what} ${id}`);
      return answer()(id);
    };
  const gateway: Gateway = {
    name: "test",
    authorise: () => answers.authorise(),
    lookUp: noting("lookUp", () => answers.lookUp),
    void: noting("void", () => answers.void),
    capture: noting("capture", () => answers.capture),
    refund: async () => ({ outcome: "done" }),
  };
  return { gateway, answers, asked, state };
}

describe("an order whose payment has no outcome", () => {
  let paying: Paying;
  beforeAll(async () => {
    paying = await openPaying();
  });
  afterAll(() => paying.close());
  const settle = () => paying.shop.payments.settle();

  test("holds its stock for 15 minutes, not a millisecond less, and is cancelled then", async () => {
    const { id } = await paying.place("timeout");
    const { stock } = paying.standing(id);
    for (let passed = 0; passed < HOLD_MS - 1; ) {
      const step = Math.min(MINUTE_MS, HOLD_MS - 1 - passed);
      paying.times.pass(step);
      passed += step;
      await settle();
      expect(paying.standing(id)).toMatchObject({ status: "pending", stock });
    }
    paying.times.pass(1);
    await settle();
    expect(paying.standing(id)).toEqual({
      status: "cancelled",
      payment: "voided",
      history: "pending cancelled",
      requests: "authorise refused, void done",
      stock: stock + 2,
    });
    expect(paying.atSandbox(id)?.status).toBe("voided");
  });

  test("that is authorised in its last moment is confirmed, even if that is seen later", async () => {
    const { id } = await paying.place("redirect");
    paying.times.pass(HOLD_MS - 1);
    await paying.shop.payments.checkout?.choose(id, "lose");
    paying.times.pass(MINUTE_MS);
    await settle();
    expect(paying.standing(id)).toMatchObject({ status: "confirmed", payment: "authorized" });
  });

  test("#10 expiry touches only orders it was set for", async () => {
    const confirmed = await paying.place(null);
    const declined = await paying.place("declined");
    const waiting = await paying.place("redirect");
    paying.times.pass(HOLD_MS - 1);
    const younger = await paying.place("redirect");
    const untouched = [confirmed, declined, younger].map(({ id }) => ({ id, before: paying.standing(id) }));
    paying.times.pass(1);
    await settle();
    expect(paying.standing(waiting.id).status).toBe("cancelled");
    for (const { id, before } of untouched)
      expect(paying.standing(id)).toEqual({ ...before, stock: expect.any(Number) });
  });

  test("#11 a charge whose answer was lost is found by asking, and its order confirmed", async () => {
    const { id } = await paying.place("lost");
    expect([paying.standing(id).payment, paying.atSandbox(id)?.status]).toEqual(["unknown", "authorized"]);
    paying.times.pass(10_000);
    await settle();
    expect(paying.standing(id)).toMatchObject({ status: "confirmed", payment: "authorized" });
    const counted = paying.shop.payments.state()?.settled;
    expect(counted).toContainEqual({ kind: "authorise", outcome: "confirmed", count: expect.any(Number) });
  });

  test("that its customer cancels is voided at the gateway, and not asked about again", async () => {
    const { id, token } = await paying.place("redirect");
    const answer = await paying.shop.get(`/api/orders/${id}/status`, {
      method: "PUT",
      headers: { "order-token": token, "content-type": "application/json" },
      body: JSON.stringify({ status: "cancelled" }),
    });
    expect(answer.status).toBe(200);
    expect([paying.standing(id).payment, paying.atSandbox(id)?.status]).toEqual(["voided", "voided"]);
    paying.times.pass(HOLD_MS);
    await settle();
    expect(paying.standing(id)).toMatchObject({
      history: "pending cancelled",
      requests: "authorise refused, void done",
    });
  });
});

test("metrics and details show what waits, and its outcomes", async () => {
  const paying = await openPaying();
  const metrics = async () =>
    (await (await paying.shop.get("/metrics")).text())
      .split("\n")
      .filter((line) => /^insole_(payment|orders_waiting)/.test(line))
      .toSorted();
  await paying.place(null);
  await paying.place("lost");
  await paying.place("redirect");
  expect(await metrics()).toEqual(["insole_orders_waiting 2", "insole_payment_requests_due 2"]);
  paying.times.pass(10_000);
  await paying.shop.payments.settle();
  expect(await metrics()).toEqual([
    "insole_orders_waiting 1",
    "insole_payment_requests_due 1",
    'insole_payment_requests_total{kind="authorise",outcome="confirmed"} 1',
    'insole_payment_requests_total{kind="authorise",outcome="waiting"} 1',
  ]);
  const details = (await (await paying.shop.get("/readyz?verbose")).json()) as { payments: object };
  expect(details.payments).toMatchObject({ underway: 0, waiting: { requests: 1, orders: 1 } });
  await paying.close();
});

describe("a gateway that is down", () => {
  test("neither ends the settlement nor floods the log; a hold ends in time, and its void is sent later", async () => {
    const { gateway, answers, asked } = openTestGateway();
    const paying = await openPaying(gateway);
    const orders = await Promise.all([1, 2, 3].map(() => paying.place("any")));
    const down = () => Promise.reject(new Error("connection refused"));
    const works = answers.void;
    Object.assign(answers, { lookUp: down, void: down });
    for (let passed = 0; passed < HOLD_MS; passed += 10_000) {
      paying.times.pass(10_000);
      await paying.shop.payments.settle();
    }
    for (const { id } of orders)
      expect(paying.standing(id)).toMatchObject({
        status: "cancelled",
        requests: "authorise refused, void due",
      });
    // Each message once a minute at most, for any number of orders.
    const lines = paying.shop.logged.filter((line) => line.includes("connection refused"));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(2 * (HOLD_MS / MINUTE_MS + 1));
    expect(asked.length).toBeGreaterThan(lines.length);

    answers.void = works;
    paying.times.pass(10 * MINUTE_MS);
    await paying.shop.payments.settle();
    for (const { id } of orders)
      expect(paying.standing(id)).toMatchObject({
        payment: "voided",
        requests: "authorise refused, void done",
      });
    await paying.close();
  });

  test("is asked less and less often", async () => {
    const { gateway, answers, asked } = openTestGateway();
    const paying = await openPaying(gateway);
    answers.authorise = async () => ({ ...openTestGateway().state, status: "authorized" });
    const { id } = await paying.place("any");
    answers.capture = () => Promise.reject(new Error("connection refused"));
    const answer = await paying.asAdmin("PUT", `/api/orders/${id}/status`, { status: "shipped" });
    expect([answer.status, paying.standing(id).requests]).toEqual([504, "authorise done, capture due"]);
    const times: number[] = [];
    for (let passed = 0; passed < HOLD_MS; passed += 1_000) {
      const before = asked.length;
      paying.times.pass(1_000);
      await paying.shop.payments.settle();
      if (asked.length > before) times.push(passed);
    }
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(times.length).toBeLessThan(15);
    expect(Math.max(...pauses)).toBeGreaterThan(60_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(5 * MINUTE_MS + 1_000);
    await paying.close();
  });
});

test("a slow request holds up none of the others", async () => {
  const { gateway, answers } = openTestGateway();
  const paying = await openPaying(gateway);
  const slow = await paying.place("any");
  const quick = await paying.place("any");
  const slowAnswer = Promise.withResolvers<null>();
  answers.lookUp = (id) =>
    id === slow.id
      ? slowAnswer.promise
      : Promise.resolve({ ...openTestGateway().state, status: "authorized" });
  paying.times.pass(LEASE_MS);
  const settling = paying.shop.payments.settle();
  // The commit of an outcome can be read before the thread that made it has told the settlement.
  const underway = () => paying.shop.payments.state()?.underway;
  expect(await readUntil(underway, (count) => count === 1, PATIENCE_MS)).toBe(1);
  expect([slow, quick].map(({ id }) => paying.standing(id).status)).toEqual(["pending", "confirmed"]);
  // Closing waits for what is under way.
  let isClosed = false;
  const closing = paying.shop.payments.close().then(() => {
    isClosed = true;
  });
  await Promise.resolve();
  expect(isClosed).toBe(false);
  slowAnswer.resolve(null);
  await Promise.all([settling, closing]);
  expect(paying.standing(slow.id).status).toBe("cancelled");
  await paying.close();
});

describe("several processes on one database", () => {
  const ORDERS = 40;
  const PROCESSES = 4;

  test("settle each order once", async () => {
    const { gateway, answers, asked, state } = openTestGateway();
    const paying = await openPaying(gateway);
    const placed = await Promise.all(Array.from({ length: ORDERS }, () => paying.place("any")));
    // By the clock that stands still no write is too late to be sent.
    const { now } = paying.times;
    const files: Database[] = Array.from({ length: PROCESSES }, () =>
      openFile(paying.shop.databasePath, undefined, { now }),
    );
    const log = openLog("error", "json", () => undefined);
    const settlements = files.map((db) => openSettlement({ db, gateway, now, log }));
    answers.lookUp = async () => ({ ...state, status: "authorized" });
    paying.times.pass(LEASE_MS);
    // Each look takes as many as may be under way at once.
    for (let look = 0; look < 5; look += 1) await Promise.all(settlements.map(({ run }) => run()));

    expect(asked.toSorted()).toEqual(placed.map(({ id }) => `lookUp ${id}`).toSorted());
    const shares = settlements.map((each) =>
      each.state().settled.find(({ outcome }) => outcome === "confirmed"),
    );
    expect(shares.reduce((sum, share) => sum + (share?.count ?? 0), 0)).toBe(ORDERS);
    for (const { id } of placed)
      expect(paying.standing(id)).toMatchObject({ status: "confirmed", history: "pending confirmed" });
    for (const each of settlements) await each.close();
    for (const db of files) await db.close();
    await paying.close();
  });

  test("one whose copy is old leaves what others have settled, and tries each lease once", async () => {
    const { gateway, answers, asked, state } = openTestGateway();
    const paying = await openPaying(gateway);
    for (let placed = 0; placed < 3; placed += 1) await paying.place("any");
    const path = `${paying.shop.databasePath}-old`;
    const handle = openHandle(paying.shop.databasePath, 1_000);
    handle.exec(`VACUUM INTO '${path}'`);
    handle.close();
    const old = openFile(path);
    answers.lookUp = async () => ({ ...state, status: "authorized" });
    paying.times.pass(LEASE_MS);
    await paying.shop.payments.settle();
    const before = asked.length;

    let writes = 0;
    const behind: Database = {
      ...paying.shop.db,
      read: old.read,
      write(statements, writeId) {
        writes += 1;
        return paying.shop.db.write(statements, writeId);
      },
    };
    const log = openLog("error", "json", () => undefined);
    const settlement = openSettlement({ db: behind, gateway, now: paying.times.now, log });
    for (let look = 0; look < 4; look += 1) await settlement.run();
    expect([asked.length, writes, settlement.state().settled]).toEqual([before, 3, []]);
    await old.close();
    await paying.close();
  });
});
