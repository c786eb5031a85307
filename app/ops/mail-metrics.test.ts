// Metrics and readiness of mail over HTTP: what a process sent, and what waits, as the sender leaves the outbox.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "../testing/people.ts";
import { type ObservedShop, openFolder, openObservedShop, shoe } from "../testing/shop.ts";

const NOW_MS = Date.UTC(2030, 0, 1);
const folder = openFolder();
let nowMs = NOW_MS;
let shop: ObservedShop;
beforeAll(async () => {
  shop = await openObservedShop([shoe("a")], true, {
    now: () => nowMs,
    settings: { DATA_DIR: folder.path },
  });
  shop.status.enter("ready");
});
afterAll(async () => {
  await shop.close();
  folder.remove();
});

const NOTHING = [
  'insole_mails_waiting{state="due"} 0',
  'insole_mails_waiting{state="parked"} 0',
  "insole_mail_overdue_seconds 0",
];
const metrics = async (): Promise<string[]> =>
  (await (await shop.get("/metrics")).text()).split("\n").filter((line) => /^insole_mails?_/.test(line));
const details = async () => ((await (await shop.get("/readyz?verbose")).json()) as { mail: unknown }).mail;

test("without mails: nothing waits, and nothing is due next", async () => {
  expect(await metrics()).toEqual(NOTHING);
  expect(await details()).toEqual({ mails: [], waiting: { due: 0, parked: 0 }, overdueMs: 0 });
});

test("mails that wait, that failed, that were parked, withdrawn and sent", async () => {
  const body = { items: [{ productId: "a", quantity: 1 }], email: "sam@shop.example" };
  expect((await ask(shop, "POST", "/api/orders", { body })).status).toBe(201);
  // One for the staff, which has no address.
  await shop.db.write([{ sql: "UPDATE outbox SET kind = 'receipt', part = 1 WHERE recipient IS NULL" }]);
  nowMs += 90_500;
  expect(await details()).toEqual({ mails: [], waiting: { due: 2, parked: 0 }, overdueMs: 90_500 });
  expect(await metrics()).toEqual([
    'insole_mails_waiting{state="due"} 2',
    'insole_mails_waiting{state="parked"} 0',
    "insole_mail_overdue_seconds 90.5",
  ]);

  // A file in the place of the folder of mails: nothing can be sent.
  writeFileSync(join(folder.path, "mail"), "");
  await shop.mail.run();
  nowMs += 24 * 3_600_000;
  await shop.mail.run();
  await shop.db.write([
    { sql: "UPDATE outbox SET tries = 11, due_at = ? WHERE state = 'due'", args: [nowMs] },
  ]);
  nowMs += 24 * 3_600_000;
  await shop.mail.run();
  const waiting = await metrics();
  expect(waiting).toContain('insole_mails_waiting{state="due"} 0');
  expect(waiting).toContain('insole_mails_waiting{state="parked"} 1');
  expect(waiting).toContain("insole_mail_overdue_seconds 0");
  expect(waiting).toContain('insole_mails_total{kind="receipt",outcome="parked"} 1');
  expect(waiting).toContain('insole_mails_total{kind="receipt",outcome="withdrawn"} 1');
  expect(waiting.some((line) => /kind="receipt",outcome="failed"\} [12]$/.test(line))).toBe(true);

  rmSync(join(folder.path, "mail"));
  await shop.db.write([{ sql: "UPDATE outbox SET state = 'due', tries = 0 WHERE state = 'parked'" }]);
  nowMs += 24 * 3_600_000;
  await shop.mail.run();
  expect(await metrics()).toContain('insole_mails_total{kind="receipt",outcome="sent"} 1');
  expect(await details()).toMatchObject({
    mails: expect.arrayContaining([{ kind: "receipt", outcome: "sent", count: 1 }]),
    waiting: { due: 0, parked: 0 },
    overdueMs: 0,
  });
});

test("a copy that cannot be read: what this process sent, and no number of mails that wait", async () => {
  await shop.db.close();
  expect((await metrics()).some((line) => line.startsWith("insole_mails_waiting"))).toBe(false);
  expect(await metrics()).toContain('insole_mails_total{kind="receipt",outcome="sent"} 1');
  expect(await details()).toMatchObject({ waiting: null, overdueMs: null });
});
