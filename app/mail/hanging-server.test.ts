// A mail server that hangs: requests are answered while a mail is under way, and the end of the shop does not wait for it.
import { expect, test } from "bun:test";
import { until } from "../../db/until.ts";
import { openMailServer } from "../testing/mail-server.ts";
import { guestOrder, order } from "../testing/orders.ts";
import { openTestShop, shoe } from "../testing/shop.ts";

const ENDLESS = { connectMs: 3_600_000, silenceMs: 3_600_000, sendMs: 3_600_000 };
const SOON_MS = 15_000;
const ROUNDS = 10;

test("costs no request anything", async () => {
  const server = await openMailServer();
  server.behave(() => new Promise(() => undefined));
  const settings = { SMTP_URL: server.url, MAIL_FROM: "shop@shop.example" };
  const shop = await openTestShop([shoe("s", { sizes: [{ size: "", stock: 100 }] })], settings, {
    mailTimes: { lookMs: 20, closeMs: 20 },
    mailBounds: ENDLESS,
  });
  await order(shop, guestOrder("s"));
  await until("a mail is under way", () => server.attempts() === 1, SOON_MS);
  for (let round = 0; round < ROUNDS; round += 1) {
    expect((await order(shop, guestOrder("s"))).status).toBe(201);
    for (const path of ["/api/shoes", "/api/shoes/s", "/readyz"])
      expect((await shop.get(path)).status).toBe(200);
  }
  // The same mail is still under way, so all of that was answered meanwhile, and nobody else's mail has lost a try.
  const triesOf = "SELECT tries, count(*) FROM outbox WHERE kind = 'receipt' GROUP BY tries ORDER BY tries";
  expect([server.attempts(), server.received]).toEqual([1, []]);
  expect(shop.db.read.all(triesOf)).toEqual([
    [0, ROUNDS],
    [1, 1],
  ]);
  await shop.close();
  await server.close();
});
