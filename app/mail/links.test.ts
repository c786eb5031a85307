// The links of a shop without a public address: they lead to this machine, whatever address the shop listens at.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { simpleParser } from "mailparser";
import { until } from "../../db/until.ts";
import { linksIn } from "../testing/hostile-mails.ts";
import { guestOrder, order } from "../testing/orders.ts";
import { openTestShop, shoe } from "../testing/shop.ts";

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["0.0.0.0", "localhost"],
])("a receipt of a shop at HOST=%s leads to %s", async (host, name) => {
  const shop = await openTestShop([shoe("s")], { HOST: host }, { mailTimes: { lookMs: 20 } });
  const folder = join(dirname(shop.databasePath), "mail");
  await order(shop, guestOrder("s"));
  const receipts = () =>
    (existsSync(folder) ? readdirSync(folder) : []).filter((file) => /^receipt.*\.eml$/.test(file));
  await until("the receipt is written", () => receipts().length === 1);
  const { html } = await simpleParser(readFileSync(join(folder, receipts()[0] ?? "")));
  await shop.close();
  const [link = ""] = linksIn(String(html));
  expect(link).toMatch(/^http:\/\/[a-z0-9.]+:\d+\/orders\/[\w-]+\?token=/);
  expect(new URL(link).hostname).toBe(name);
});
