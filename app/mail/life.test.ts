// The mails of a shop from their orders to their cleanup, by the shop's own means: the books are right after each step.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { booksOf } from "../testing/books.ts";
import { openStepShop, type Placed, type StepShop } from "../testing/order-steps.ts";
import { openFolder } from "../testing/shop.ts";
import { cleanUpOutbox } from "./cleanup.ts";

const HOUR_MS = 3_600_000;
const RUNS_MAX = 500;

const folder = openFolder();
const mailFolder = join(folder.path, "mail");
let nowMs = Date.UTC(2030, 0, 1);
let shop: StepShop;
let orders: Placed[];
beforeAll(async () => {
  shop = await openStepShop({ now: () => nowMs, settings: { DATA_DIR: folder.path } });
  orders = [await shop.place("guest"), await shop.place("owner"), await shop.place("other")];
  await shop.move(orders[0] as Placed, "shipped");
  await shop.move(orders[1] as Placed, "cancelled");
  await shop.move(await shop.place("owner", { paymentToken: "redirect" }), "cancelled");
});
afterAll(async () => {
  await shop.close();
  folder.remove();
});

const receipts = () =>
  shop.db.read.all("SELECT state FROM outbox WHERE kind = 'receipt' ORDER BY seq").map(([state]) => state);
const count = (state: string) =>
  shop.db.read.get<[number]>("SELECT count(*) FROM outbox WHERE state = ?", state)?.[0] ?? 0;

/** Sends until no mail is due at all; each run may end with the first failure of the server. */
async function sendAll(): Promise<void> {
  for (let runs = 0; count("due") > 0 && runs < RUNS_MAX; runs += 1) {
    nowMs += 13 * HOUR_MS;
    await shop.mail.run();
  }
}

test("what is not delivered in all its tries is parked", async () => {
  writeFileSync(mailFolder, "a file where the folder of mails should be");
  await sendAll();
  expect(receipts()).toEqual(["parked", "parked", "parked", "withdrawn"]);
  expect(shop.db.read.get("SELECT min(tries), max(tries) FROM outbox WHERE state = 'parked'")).toEqual([
    12, 12,
  ]);
  expect(await booksOf(shop.databasePath)).toEqual([]);
});

test("what is released is sent, and a removed account's mail is not", async () => {
  rmSync(mailFolder);
  // A key, because the people's tokens have long been over.
  expect((await shop.as("key", "DELETE", `/api/users/${shop.people.other.id}`)).status).toBe(204);
  const parked = await shop.as("key", "GET", "/api/outbox?state=parked&limit=100");
  for (const mail of parked.body.data)
    expect((await shop.as("key", "POST", `/api/outbox/${mail.id}/release`)).status).toBe(200);
  expect(await booksOf(shop.databasePath)).toEqual([]);
  await sendAll();
  expect(receipts()).toEqual(["sent", "sent", "withdrawn", "withdrawn"]);
  const files = readdirSync(mailFolder).filter((name) => name.startsWith("receipt."));
  expect(files.toSorted()).toEqual(
    orders
      .slice(0, 2)
      .map(({ id }) => `receipt.0.${id}.eml`)
      .toSorted(),
  );
  expect(await booksOf(shop.databasePath)).toEqual([]);
});

test("after the cleanup of a month later every order still has its receipt", async () => {
  nowMs += 31 * 24 * HOUR_MS;
  await cleanUpOutbox(shop.watched, nowMs);
  expect(receipts()).toEqual(["sent", "sent", "withdrawn", "withdrawn"]);
  expect(shop.db.read.all("SELECT data, recipient FROM outbox WHERE kind = 'receipt'")).toEqual(
    Array(4).fill([null, null]),
  );
  expect((await shop.as("key", "GET", "/api/outbox")).status).toBe(200);
  expect(await booksOf(shop.databasePath)).toEqual([]);
});
