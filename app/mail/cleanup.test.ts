// Cleanup of the outbox: which mails are emptied, deleted and left, in how many writes, and how many rows that reads.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Database, Statement, Value } from "../../db/database.ts";
import { openStepShop, type Placed, type StepShop } from "../testing/order-steps.ts";
import { hasServer, openRowCounter } from "../testing/rows-read.ts";
import { cleanUpOutbox } from "./cleanup.ts";

const NOW_MS = Date.UTC(2030, 0, 1);
const DAY_MS = 86_400_000;
const OLD_MS = 30 * DAY_MS + 1;

let shop: StepShop;
let order: Placed;
/** The shop's database, which notes the statements of each write. */
let db: Database;
const writes: Statement[][] = [];

beforeAll(async () => {
  shop = await openStepShop({ now: () => NOW_MS });
  order = await shop.place("guest");
  db = {
    ...shop.watched,
    write(statements, writeId) {
      writes.push(statements);
      return shop.watched.write(statements, writeId);
    },
  };
});
beforeEach(async () => {
  await shop.db.write([{ sql: "DELETE FROM outbox" }]);
  writes.length = 0;
});
afterAll(() => shop.close());

type Mail = { state: string; ageMs: number; kind?: string; about?: "order" | "key"; error?: string };
let added = 0;

/** Adds mails of one kind, by default one about the order. */
async function add(
  { state, ageMs, kind = "shipped", about = "order", error }: Mail,
  count = 1,
): Promise<void> {
  added += 1;
  const args: Value[] = [
    about === "order" ? order.number : null,
    kind,
    state,
    NOW_MS - ageMs,
    about === "key" ? `${added} ` : null,
    count,
    added * 100_000,
    error ?? null,
  ];
  await shop.db.write([
    {
      sql: `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?6)
        INSERT INTO outbox (number, key, kind, part, recipient, data, state, tries, due_at, created_at, sent_at, last_error)
        SELECT ?1, ?5 || i, ?2, ?7 + i, 'sam@shop.example', '{"name":"Sam"}', ?3, 1, ?4, 1, iif(?3 = 'sent', ?4, NULL), ?8
        FROM n`,
      args,
    },
  ]);
}

/** The row of the only mail: whether it is emptied, or `gone`. */
const left = () => {
  const row = shop.db.read.get("SELECT state, recipient, data, tries, sent_at IS NOT NULL FROM outbox");
  return row ?? "gone";
};
const whole = (state: string) => [state, "sam@shop.example", '{"name":"Sam"}', 1, Number(state === "sent")];
const emptied = (state: string) => [state, null, null, 1, Number(state === "sent")];

test.each<[Mail, ReturnType<typeof left>]>([
  [{ state: "sent", ageMs: OLD_MS }, emptied("sent")],
  [{ state: "withdrawn", ageMs: OLD_MS }, emptied("withdrawn")],
  [{ state: "sent", ageMs: OLD_MS - 1 }, whole("sent")],
  [{ state: "held", ageMs: OLD_MS }, whole("held")],
  [{ state: "due", ageMs: OLD_MS }, whole("due")],
  [{ state: "parked", ageMs: OLD_MS }, whole("parked")],
  [{ about: "key", kind: "low-stock", state: "sent", ageMs: OLD_MS }, "gone"],
  [{ about: "key", kind: "daily-report", state: "withdrawn", ageMs: OLD_MS }, "gone"],
  [{ about: "key", kind: "daily-report", state: "sent", ageMs: OLD_MS - 1 }, whole("sent")],
  [{ about: "key", kind: "low-stock", state: "parked", ageMs: OLD_MS }, whole("parked")],
  [{ about: "key", kind: "password-reset", state: "sent", ageMs: DAY_MS + 1 }, "gone"],
  [{ about: "key", kind: "password-reset", state: "withdrawn", ageMs: DAY_MS + 1 }, "gone"],
  [{ about: "key", kind: "password-reset", state: "sent", ageMs: DAY_MS }, whole("sent")],
  [{ about: "key", kind: "password-reset", state: "due", ageMs: OLD_MS }, whole("due")],
  [{ about: "key", kind: "password-reset", state: "parked", ageMs: OLD_MS }, whole("parked")],
])("%j", async (mail, expected) => {
  await add(mail);
  await cleanUpOutbox(db, NOW_MS);
  expect(left()).toEqual(expected);
  const isLeft = JSON.stringify(expected) === JSON.stringify(whole(mail.state));
  expect(writes).toHaveLength(isLeft ? 0 : 1);
});

test("an outbox that was cleaned up costs no write", async () => {
  await add({ state: "sent", ageMs: OLD_MS }, 30);
  await cleanUpOutbox(db, NOW_MS);
  expect(writes).toHaveLength(1);
  await cleanUpOutbox(db, NOW_MS);
  expect(writes).toHaveLength(1);
});

test("much is removed in batches, the oldest first; a run has an end, and the next one goes on", async () => {
  await add({ state: "sent", ageMs: OLD_MS + 2 }, 3_000);
  await add({ about: "key", kind: "low-stock", state: "withdrawn", ageMs: OLD_MS + 1 }, 1_700);
  await add({ state: "withdrawn", ageMs: OLD_MS }, 1_000);
  const counts = () =>
    shop.db.read.get("SELECT count(*), sum(data IS NULL), sum(number IS NULL) FROM outbox") as number[];
  await cleanUpOutbox(db, NOW_MS);
  expect(writes).toHaveLength(10);
  expect(counts()).toEqual([4_000, 3_800, 0]);
  await cleanUpOutbox(db, NOW_MS);
  expect(counts()).toEqual([4_000, 4_000, 0]);
  expect(writes).toHaveLength(11);
});

test("of several processes at once each stops when nothing is left", async () => {
  await add({ state: "sent", ageMs: OLD_MS }, 1_200);
  await Promise.all([1, 2, 3].map(() => cleanUpOutbox(db, NOW_MS)));
  expect(shop.db.read.get("SELECT count(*), count(data) FROM outbox")).toEqual([1_200, 0]);
  // Three of rows, and the last of each, which finds too few.
  expect(writes.length).toBeLessThanOrEqual(5);
});

test("an emptied mail has no error left: a mail server's words may name the recipient", async () => {
  await add({ state: "withdrawn", ageMs: OLD_MS, error: "550 <sam@shop.example>: unknown" });
  await cleanUpOutbox(db, NOW_MS);
  expect(shop.db.read.all("SELECT last_error FROM outbox")).toEqual([[null]]);
});

test.skipIf(!hasServer)("a batch of a large outbox reads its own rows, however many are young", async () => {
  await add({ state: "sent", ageMs: 0 }, 30_000);
  await add({ about: "key", kind: "low-stock", state: "sent", ageMs: 0 }, 30_000);
  await add({ state: "sent", ageMs: OLD_MS }, 30_000);
  await add({ about: "key", kind: "password-reset", state: "sent", ageMs: OLD_MS }, 500);
  shop.ran.length = 0;
  await cleanUpOutbox(db, NOW_MS);
  const queries = shop.ran.filter(({ sql }) => sql.includes("outbox"));
  expect(queries.filter(({ here }) => here)).toEqual([]);
  const statements = writes.slice(0, 1).concat(writes.slice(-1)).flat();
  const counter = await openRowCounter(shop.databasePath);
  const asked = [...queries, ...statements].map(({ sql, args = [] }) => ({ sql, args }));
  const counts = await counter.count(asked).finally(counter.close);
  expect(counts.filter((count) => count > 2_500)).toEqual([]);
  expect(counts.length).toBe(5);
});
