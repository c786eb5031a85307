// Each point where the process can be killed while it sends mails: every receipt arrives, and only the mail whose server had
// taken it while that was not stored arrives twice, with the same Message-ID.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { openFile } from "../../db/file.ts";
import { openHandle } from "../../db/read/reader.ts";
import { until } from "../../db/until.ts";
import { readConfig } from "../config.ts";
import { main } from "../main.ts";
import { booksOf } from "../testing/books.ts";
import { argsOf, type DeathPoint, DYING_SHOP } from "../testing/dying-shop.ts";
import { statesIn } from "../testing/mail.ts";
import { type MailServer, openMailServer } from "../testing/mail-server.ts";
import { guestOrder, order } from "../testing/orders.ts";
import { type Folder, openFolder, openTestShop, quickPasswords, shoe, silentLog } from "../testing/shop.ts";
import { openShopProcesses, type ShopProcess } from "../testing/shop-process.ts";

const BUYERS = ["a@shop.example", "b@shop.example", "c@shop.example"];
const SECRET = { JWT_SECRET: "a secret that only these processes share" };
const SETTLED_MS_MAX = 15_000;
/** The exit code of a process that was killed. */
const KILLED = 137;
const CLAIM = /UPDATE outbox SET due_at = iif/;
const SENT = /UPDATE outbox SET state = 'sent'/;
/** As if their time had passed: the process that had them is dead. */
const END_LEASES = "UPDATE outbox SET due_at = 0 WHERE state = 'due'";

let template: Folder;
let folder: Folder;
let server: MailServer;

beforeAll(async () => {
  template = openFolder();
  const shop = await openTestShop([shoe("s")], SECRET);
  for (const email of BUYERS) await order(shop, guestOrder("s", { email }));
  await shop.db.write([
    { sql: "UPDATE outbox SET state = 'sent', tries = 1, sent_at = due_at WHERE kind <> 'receipt'" },
  ]);
  const handle = openHandle(shop.databasePath, 1_000);
  handle.exec(`VACUUM INTO '${join(template.path, "insole.db")}'`);
  handle.close();
  await shop.close();
});
afterAll(() => template.remove());

beforeEach(async () => {
  folder = openFolder();
  copyFileSync(join(template.path, "insole.db"), join(folder.path, "insole.db"));
  server = await openMailServer();
});
afterEach(async () => {
  await server.close();
  folder.remove();
});

const settings = () => ({ SMTP_URL: server.url, MAIL_FROM: "shop@shop.example", ...SECRET });

/** Starts a program on the folder, and resolves with its exit code once `work` has ended it. */
async function runUntilDead(script: string[] | undefined, work: (shop: ShopProcess) => Promise<unknown>) {
  const processes = openShopProcesses(folder.path, settings(), script);
  try {
    const shop = await processes.start();
    await work(shop);
    return await shop.exited;
  } finally {
    await processes.end();
  }
}

const dieAt = (point: DeathPoint): Promise<unknown> =>
  runUntilDead([DYING_SHOP, ...argsOf(point)], ({ exited }) => exited);

/** Kills the program while the server has not answered for its first mail. */
function dieWhileSending(): Promise<unknown> {
  const held = Promise.withResolvers<"accept">();
  server.behave((_, before) => (before === 0 ? held.promise : "accept"));
  return runUntilDead(undefined, async ({ kill }) => {
    await until("a mail is under way", () => server.attempts() === 1, SETTLED_MS_MAX);
    await kill();
    held.resolve("accept");
  });
}

test.each<[string, () => Promise<unknown>, received: number, again: number]>([
  ["before it claims the first mail", () => dieAt({ when: "before", write: CLAIM }), 0, 0],
  ["when it has claimed it, and not sent", () => dieAt({ when: "after", write: CLAIM }), 0, 0],
  ["while it sends it", dieWhileSending, 0, 0],
  ["when the server has it, and that is not stored", () => dieAt({ when: "before", write: SENT }), 1, 1],
  ["when that is stored, and the next one claimed", () => dieAt({ when: "after", write: SENT }), 1, 0],
])("killed %s", async (_, die, received, again) => {
  expect(await die()).toBe(KILLED);
  expect(server.received).toHaveLength(received);
  const db = openFile(join(folder.path, "insole.db"));
  await db.write([{ sql: END_LEASES }]);
  const survivor = await main(
    readConfig({ DATA_DIR: folder.path, PORT: "0", DEMO: "false", ...settings() }),
    silentLog,
    { instead: { passwords: quickPasswords(), mailTimes: { lookMs: 20 } } },
  );
  await until("all mails are settled", () => !statesIn(db).includes("due"), SETTLED_MS_MAX);
  await survivor.close();
  expect(new Set(statesIn(db))).toEqual(new Set(["sent"]));
  expect([...new Set(server.received.map(({ to }) => `${to}`))].sort()).toEqual(BUYERS);
  expect(server.received).toHaveLength(BUYERS.length + again);
  expect(new Set(server.received.map(({ messageId }) => messageId)).size).toBe(BUYERS.length);
  await db.close();
  expect(await booksOf(join(folder.path, "insole.db"))).toEqual([]);
});
