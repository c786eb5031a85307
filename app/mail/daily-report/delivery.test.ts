// The daily report from its day to the mail server: two whole shops on one file send it once.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Database } from "../../../db/database.ts";
import { openFile } from "../../../db/file.ts";
import { migrate } from "../../../db/schema/migrate.ts";
import { until } from "../../../db/until.ts";
import { readConfig } from "../../config.ts";
import { main, type Shop } from "../../main.ts";
import { addDays, dayOf } from "../../orders/orders.ts";
import { type MailServer, openMailServer, parseMail } from "../../testing/mail-server.ts";
import { type Folder, openFolder, quickPasswords, silentLog } from "../../testing/shop.ts";

/** A zone whose clocks are never changed: 72 hours are three of its days. */
const ZONE = "Pacific/Kiritimati";
const HOUR_MS = 3_600_000;
const TIMES = { lookMs: 10, reportLookMs: 10, graceMs: 0, spreadMs: 0 };

let folder: Folder;
let db: Database;
let server: MailServer;
/** How often any of the shops has looked for missing reports. */
let looks = 0;

beforeAll(async () => {
  folder = openFolder();
  const path = join(folder.path, "insole.db");
  migrate(path);
  db = openFile(path);
  server = await openMailServer();
});
afterAll(async () => {
  await db.close();
  await server.close();
  folder.remove();
});

const openShop = (): Promise<Shop> =>
  main(
    readConfig({
      DATA_DIR: folder.path,
      PORT: "0",
      DEMO: "false",
      SMTP_URL: server.url,
      MAIL_FROM: "Insole <shop@shop.example>",
      ADMIN_ALERT_EMAIL: "owner@shop.example",
      REPORT_TIMEZONE: ZONE,
    }),
    silentLog,
    { instead: { passwords: quickPasswords(), mailTimes: TIMES, database: countingLooks } },
  );

const countingLooks = (file: Database): Database => ({
  ...file,
  read: {
    get: file.read.get,
    all(sql, ...args) {
      if (sql.includes("daily-report")) looks += 1;
      return file.read.all(sql, ...args);
    },
  },
});

/** The dates of the reports that are sent. */
const sent = (): string[] =>
  db.read
    .all<[string]>("SELECT key FROM outbox WHERE kind = 'daily-report' AND state = 'sent' ORDER BY key")
    .flat();

test("each day since the first start is reported by one mail, also after a restart", async () => {
  const nowMs = Date.now();
  const startedMs = nowMs - 72 * HOUR_MS;
  await db.write([{ sql: "INSERT INTO mail_start (one, at) VALUES (1, ?)", args: [startedMs] }]);
  const start = dayOf(startedMs, ZONE);
  const expected = [start, addDays(start, 1), addDays(start, 2)];
  expect(addDays(start, 3)).toBe(dayOf(nowMs, ZONE));

  const shops = await Promise.all([openShop(), openShop()]);
  await until("the reports are sent", () => expected.every((date) => sent().includes(date)));
  await Promise.all(shops.map((shop) => shop.close()));
  const looksBefore = looks;
  const successor = await openShop();
  await until("the successor has looked", () => looks > looksBefore + 2);
  await successor.close();

  // Where midnight came meanwhile, there is one more.
  const dates = sent();
  expect(dates.slice(0, 3)).toEqual(expected);
  expect(server.received.map(({ to }) => to)).toEqual(dates.map(() => ["owner@shop.example"]));
  expect(new Set(server.received.map(({ messageId }) => messageId)).size).toBe(dates.length);
  const [mail] = await Promise.all(server.received.slice(0, 1).map(parseMail));
  expect(mail?.subject).toStartWith("Insole: no orders on ");
  expect(mail?.text).toContain("New customers");
});
