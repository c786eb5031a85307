// The first start of a sender: mails that would come more than a day late are parked, once.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { addMail, openTestMail, outboxIn, START_MS, statesIn, type TestMail } from "../testing/mail.ts";
import { type MailServer, openMailServer } from "../testing/mail-server.ts";

const DAY_MS = 86_400_000;
const ADA = "ada@shop.example";

let server: MailServer;
let shop: TestMail;

beforeEach(async () => {
  server = await openMailServer();
  shop = openTestMail({ settings: { SMTP_URL: server.url } });
});
afterEach(async () => {
  await shop.close();
  await server.close();
});

const startsIn = ({ db }: TestMail) => db.read.all("SELECT one, at FROM mail_start");

test("parks what is older than a day and due, and sends the rest", async () => {
  await addMail(shop.db, "old@shop.example", { createdAtMs: START_MS - DAY_MS - 1 });
  await addMail(shop.db, "young@shop.example", { createdAtMs: START_MS - DAY_MS });
  await addMail(shop.db, "held@shop.example", { createdAtMs: START_MS - 2 * DAY_MS, state: "held" });
  await shop.mail.run();
  expect(outboxIn(shop.db)).toMatchObject([
    { state: "parked", tries: 0, error: "older than a day when mail was first sent" },
    { state: "sent" },
    { state: "held" },
  ]);
  expect(server.received.map(({ to }) => to[0])).toEqual(["young@shop.example"]);
  expect(startsIn(shop)).toEqual([[1, START_MS]]);
});

const NOTES = /^INSERT INTO mail_start/;

test("parks many in parts, and notes the start with the last of them", async () => {
  await shop.db.write([
    {
      sql: `WITH RECURSIVE counted (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM counted WHERE i < 2500)
        INSERT INTO outbox (kind, key, recipient, data, state, due_at, created_at)
        SELECT 'receipt', i, 'old@shop.example', '{}', 'due', ?1, ?1 FROM counted`,
      args: [START_MS - 2 * DAY_MS],
    },
  ]);
  await addMail(shop.db, ADA);
  const parked: number[] = [];
  const mail = shop.openAnother({
    settings: { SMTP_URL: server.url },
    before: (file) => ({
      ...file,
      async write(statements, ...rest) {
        const results = await file.write(statements, ...rest);
        if (statements.some(({ sql }) => NOTES.test(sql))) {
          parked.push(results[0]?.changes ?? 0);
          expect(startsIn(shop)).toHaveLength(parked.length < 3 ? 0 : 1);
        }
        return results;
      },
    }),
  });
  await mail.run();
  expect(parked).toEqual([1_000, 1_000, 500]);
  expect(statesIn(shop.db).filter((state) => state === "parked")).toHaveLength(2_500);
  expect(server.received.map(({ to }) => to)).toEqual([[ADA]]);
});

test("a later start parks nothing, also after an outage of days", async () => {
  await shop.mail.run();
  await addMail(shop.db, ADA);
  shop.clock.ms += 9 * DAY_MS;
  await shop.openAnother({ settings: { SMTP_URL: server.url } }).run();
  expect([statesIn(shop.db), startsIn(shop)]).toEqual([["sent"], [[1, START_MS]]]);
});

test("of two processes that start at once one parks, and no mail comes late", async () => {
  for (let count = 0; count < 20; count += 1)
    await addMail(shop.db, `${count}@shop.example`, { createdAtMs: START_MS - 2 * DAY_MS });
  const other = shop.openAnother({ settings: { SMTP_URL: server.url } });
  await Promise.all([shop.mail.run(), other.run()]);
  expect(new Set(statesIn(shop.db))).toEqual(new Set(["parked"]));
  expect([server.received, startsIn(shop)]).toEqual([[], [[1, START_MS]]]);
});

test("a fresh shop parks none, and notes its start with the first look", async () => {
  await shop.mail.run();
  expect(startsIn(shop)).toEqual([[1, START_MS]]);
  await addMail(shop.db, ADA);
  await shop.mail.run();
  expect(statesIn(shop.db)).toEqual(["sent"]);
});

test("a start that could not be noted is noted later, and nothing is sent before", async () => {
  let isFailing = true;
  const mail = shop.openAnother({
    settings: { SMTP_URL: server.url },
    before: (file) => ({
      ...file,
      write: (...given) => (isFailing ? Promise.reject(new Error("the disk is full")) : file.write(...given)),
    }),
  });
  await addMail(shop.db, ADA, { createdAtMs: START_MS - 2 * DAY_MS });
  await mail.run();
  expect([server.received, statesIn(shop.db)]).toEqual([[], ["due"]]);
  isFailing = false;
  await mail.run();
  expect([server.received, statesIn(shop.db)]).toEqual([[], ["parked"]]);
});
