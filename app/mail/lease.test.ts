// The lease of a mail: one process sends it at a time, and settles only what it still holds.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { DatabaseError } from "../../db/errors.ts";
import { addMail, openTestMail, outboxIn, START_MS, statesIn, type TestMail } from "../testing/mail.ts";
import { type Behaviour, type MailServer, openMailServer } from "../testing/mail-server.ts";
import { SENDER_TIMES } from "./times.ts";

const ADA = "ada@shop.example";
const { leaseMs } = SENDER_TIMES;

let server: MailServer;
let settings: { SMTP_URL: string };
let shop: TestMail;

beforeEach(async () => {
  server = await openMailServer();
  settings = { SMTP_URL: server.url };
  shop = openTestMail({ settings, random: () => 1 });
});
afterEach(async () => {
  await shop.close();
  await server.close();
});

/** Lets the server hold the first mail at its recipient; resolves when it has it. */
function holdFirst() {
  const arrived = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Behaviour>();
  server.behave((_, before) => {
    if (before > 0) return "accept";
    arrived.resolve();
    return answer.promise;
  });
  return { arrived: arrived.promise, answer: answer.resolve };
}

test("two senders of one database send each mail once", async () => {
  const names = Array.from({ length: 60 }, (_, index) => `${index}@shop.example`);
  for (const name of names) await addMail(shop.db, name);
  const other = shop.openAnother({ settings });
  await Promise.all([shop.mail.run(), other.run()]);
  expect(server.received.map(({ to }) => to[0]).sort()).toEqual(names.toSorted());
  expect(new Set(outboxIn(shop.db).map(({ state, tries }) => `${state} ${tries}`))).toEqual(
    new Set(["sent 1"]),
  );
  const [mine = 0, others = 0] = [shop.mail, other].map((each) => each.state().mails[0]?.count);
  expect(Math.min(mine, others)).toBeGreaterThan(0);
  expect(mine + others).toBe(60);
});

test("while a sender holds a mail, another one leaves it alone until the lease ends", async () => {
  await addMail(shop.db, ADA);
  const held = holdFirst();
  const first = shop.mail.run();
  await held.arrived;
  const other = shop.openAnother({ settings });
  shop.clock.ms += leaseMs - 1;
  await other.run();
  expect([server.received.length, outboxIn(shop.db)]).toMatchObject([0, [{ state: "due", tries: 1 }]]);
  shop.clock.ms += 1;
  await other.run();
  const settled = outboxIn(shop.db);
  expect([server.received.length, settled]).toMatchObject([1, [{ state: "sent", tries: 2 }]]);
  // The first one comes to its end only now: its settlement does nothing.
  held.answer("refuse");
  await first;
  expect(outboxIn(shop.db)).toEqual(settled);
});

test("the old holder's success after the lease does not end the lease of the new one", async () => {
  await addMail(shop.db, ADA);
  const held = holdFirst();
  const first = shop.mail.run();
  await held.arrived;
  shop.clock.ms += leaseMs;
  server.behave(() => "greylist");
  await shop.openAnother({ settings, random: () => 1 }).run();
  const failed = outboxIn(shop.db);
  expect(failed).toMatchObject([{ state: "due", tries: 2, dueAtMs: START_MS + leaseMs + 15_000 }]);
  held.answer("accept");
  await first;
  expect(outboxIn(shop.db)).toEqual(failed);
});

test("a mail that was withdrawn while it was sent stays withdrawn", async () => {
  await addMail(shop.db, ADA);
  const held = holdFirst();
  const sending = shop.mail.run();
  await held.arrived;
  await shop.db.write([{ sql: "UPDATE outbox SET state = 'withdrawn', recipient = NULL, data = NULL" }]);
  held.answer("accept");
  await sending;
  expect(outboxIn(shop.db)).toMatchObject([{ state: "withdrawn", recipient: null, error: null }]);
});

test("a mail that was removed while it was sent stays away", async () => {
  await addMail(shop.db, ADA);
  await addMail(shop.db, "bob@shop.example");
  const held = holdFirst();
  const sending = shop.mail.run();
  await held.arrived;
  await shop.db.write([{ sql: "DELETE FROM outbox WHERE recipient = ?", args: [ADA] }]);
  server.behave(() => "accept");
  held.answer("accept");
  await sending;
  expect(outboxIn(shop.db)).toMatchObject([{ recipient: "bob@shop.example", state: "sent" }]);
});

describe("a mail that cannot be composed fails alone, and is parked in the end", () => {
  test.each<[string, { kind?: string; data?: unknown; recipient?: string; sql?: string }, RegExp]>([
    ["of a kind that this program does not know", { kind: "unheard-of" }, /no kind of mail "unheard-of"/],
    ["with data that its kind cannot read", { data: [1] }, /has no order/],
    ["with data that is null", { data: null }, /has no order/],
    ["to what is no address", { recipient: "ada@shop.example, bob@shop.example" }, /not an e-mail address/],
    ["without data", { sql: "UPDATE outbox SET data = NULL WHERE seq = 1" }, /no data/],
  ])("%s", async (_, given, error) => {
    await addMail(shop.db, given.recipient ?? ADA, given);
    await addMail(shop.db, "bob@shop.example");
    if (given.sql) await shop.db.write([{ sql: given.sql }]);
    await shop.mail.run();
    expect(outboxIn(shop.db)).toMatchObject([
      { state: "due", tries: 1, dueAtMs: START_MS + 5_000, error: expect.stringMatching(error) },
      { state: "sent" },
    ]);
    for (let tries = 1; tries < 12; tries += 1) {
      shop.clock.ms += 86_400_000;
      await shop.mail.run();
    }
    expect(outboxIn(shop.db)[0]).toMatchObject({
      state: "parked",
      tries: 12,
      error: expect.stringMatching(error),
    });
    expect(server.received.map(({ to }) => to)).toEqual([["bob@shop.example"]]);
  });

  test("without an address of the staff it is withdrawn", async () => {
    await addMail(shop.db, null);
    await shop.mail.run();
    expect(outboxIn(shop.db)).toMatchObject([{ state: "withdrawn", error: "no longer needed" }]);
  });

  test("one whose processes ended in each of its tries is parked by the next", async () => {
    await addMail(shop.db, ADA);
    await shop.db.write([{ sql: "UPDATE outbox SET tries = 12, last_error = 'before'" }]);
    await shop.mail.run();
    expect(outboxIn(shop.db)).toMatchObject([
      { state: "parked", tries: 12, error: "the process ended during the last try" },
    ]);
    expect([server.attempts(), shop.mail.state().mails]).toEqual([
      0,
      [{ kind: "receipt", outcome: "parked", count: 1 }],
    ]);
  });
});

describe("a database that cannot be written", () => {
  /** Fails writes, and says how: before they are done, or after. */
  function openFailing() {
    let fails: ((sql: string) => "before" | "after" | null) | null = null;
    const mail = shop.openAnother({
      settings,
      before: (file) => ({
        ...file,
        async write(statements, writeId) {
          const when = fails?.(statements.map(({ sql }) => sql).join(";")) ?? null;
          if (when === "before") throw new DatabaseError("overloaded", "the queue is full");
          const results = await file.write(statements, writeId);
          if (when === "after") throw new DatabaseError("uncertain", "the answer was lost");
          return results;
        },
      }),
    });
    const failWhere = (how: typeof fails) => {
      fails = how;
    };
    return { mail, failWhere };
  }
  const SETTLES = /SET state = 'sent'/;

  test.each(["before", "after"] as const)(
    "a settlement that failed %s it was done is stored before any other mail is sent, and nothing is sent twice",
    async (when) => {
      const { mail, failWhere } = openFailing();
      await addMail(shop.db, ADA);
      await addMail(shop.db, "bob@shop.example");
      failWhere((sql) => (SETTLES.test(sql) ? when : null));
      await mail.run();
      await mail.run();
      expect(server.received.map(({ to }) => to[0])).toEqual([ADA]);
      failWhere(null);
      // A claim whose answer was lost holds the next mail until its lease ends.
      await mail.run();
      shop.clock.ms += leaseMs;
      await mail.run();
      expect(statesIn(shop.db)).toEqual(["sent", "sent"]);
      expect(server.received.map(({ to }) => to[0])).toEqual([ADA, "bob@shop.example"]);
      expect(shop.logged.join("")).toContain("the outbox could not be read or written");
    },
  );

  test("a settlement that is left over is stored by the end of the process", async () => {
    const { mail, failWhere } = openFailing();
    await addMail(shop.db, ADA);
    failWhere((sql) => (SETTLES.test(sql) ? "before" : null));
    await mail.run();
    expect(statesIn(shop.db)).toEqual(["due"]);
    failWhere(null);
    await mail.close();
    expect([statesIn(shop.db), server.received.length]).toEqual([["sent"], 1]);
  });

  test("a mail whose settlement could not be stored while the lease ran is sent again, with the same Message-ID", async () => {
    const { mail, failWhere } = openFailing();
    await addMail(shop.db, ADA);
    failWhere((sql) => (SETTLES.test(sql) ? "before" : null));
    await mail.run();
    shop.clock.ms += leaseMs;
    await shop.mail.run();
    failWhere(null);
    await mail.run();
    expect(outboxIn(shop.db)).toMatchObject([{ state: "sent", tries: 2 }]);
    const ids = server.received.map(({ messageId }) => messageId);
    expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
  });
});
