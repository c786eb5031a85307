// A shop in production without a mail server: no mail counts as sent, and the server that is set later gets them all.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { until } from "../../db/until.ts";
import { readConfig } from "../config.ts";
import { main } from "../main.ts";
import { statesIn } from "../testing/mail.ts";
import { type MailServer, openMailServer } from "../testing/mail-server.ts";
import { GUEST, guestOrder, order } from "../testing/orders.ts";
import { type Folder, openFolder, quickPasswords, saveAll, shoe, silentLog } from "../testing/shop.ts";

const LOOKS = 20;

let folder: Folder;
let server: MailServer;
let db: ReturnType<typeof openFile>;
beforeEach(async () => {
  folder = openFolder();
  server = await openMailServer();
  const path = join(folder.path, "insole.db");
  migrate(path);
  db = openFile(path);
  await saveAll(db, [shoe("s")]);
});
afterEach(async () => {
  await db.close();
  await server.close();
  folder.remove();
});

async function openShop(settings: Record<string, string>) {
  const env = { DATA_DIR: folder.path, PORT: "0", JWT_SECRET: "s".repeat(32), PAYMENT_GATEWAY: "sandbox" };
  const config = readConfig({ ...env, NODE_ENV: "production", ...settings });
  const instead = { passwords: quickPasswords(), mailTimes: { lookMs: 1 } };
  const shop = await main(config, silentLog, { instead });
  return { ...shop, get: (path: string, init: RequestInit = {}) => fetch(`${shop.url}${path}`, init) };
}

test("its mails stay due until there is a server", async () => {
  const without = await openShop({});
  await order(without, guestOrder("s"));
  // Each takes longer than the pause between two looks.
  for (let looks = 0; looks < LOOKS; looks += 1) await without.get("/api/shoes?q=s");
  await without.close();
  expect([statesIn(db), existsSync(join(folder.path, "mail"))]).toEqual([["due", "due"], false]);
  const withServer = await openShop({ SMTP_URL: server.url, MAIL_FROM: "shop@shop.example" });
  await until("the mails are settled", () => !statesIn(db).includes("due"));
  await withServer.close();
  expect(server.received.map(({ to }) => to)).toEqual([[GUEST]]);
});
