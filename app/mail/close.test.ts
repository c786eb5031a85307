// The looks of a sender and its end: what it waits for, and what it leaves to others.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { until } from "../../db/until.ts";
import { addMail, openTestMail, outboxIn, statesIn, type TestMail } from "../testing/mail.ts";
import { type Behaviour, type MailServer, openMailServer } from "../testing/mail-server.ts";
import { SENDER_TIMES } from "./times.ts";

const ADA = "ada@shop.example";
const SOON_MS = 15_000;
const ENDLESS = { connectMs: 3_600_000, silenceMs: 3_600_000, sendMs: 3_600_000 };

let server: MailServer;
let settings: { SMTP_URL: string };
let shop: TestMail;

beforeEach(async () => {
  server = await openMailServer();
  settings = { SMTP_URL: server.url };
  shop = openTestMail({ settings });
});
afterEach(async () => {
  await shop.close();
  await server.close();
});

describe("the end of a sender", () => {
  test("waits for the mail under way, and sends no other", async () => {
    const mail = shop.openAnother({ settings });
    await addMail(shop.db, ADA);
    await addMail(shop.db, "bob@shop.example");
    const answer = Promise.withResolvers<Behaviour>();
    server.behave(() => answer.promise);
    void mail.run();
    await until("the mail is under way", () => server.attempts() === 1, SOON_MS);
    const closing = mail.close();
    answer.resolve("accept");
    await closing;
    expect(outboxIn(shop.db)).toMatchObject([
      { state: "sent", tries: 1 },
      { state: "due", tries: 0 },
    ]);
  });

  test.each<[string, Behaviour]>([
    ["at its recipient", "stall"],
    ["after its content", "stall"],
  ])("cuts off a mail that stalls %s, and the mail is tried again", async (where, behaviour) => {
    const mail = shop.openAnother({ settings, bounds: ENDLESS, times: { closeMs: 20 } });
    await addMail(shop.db, ADA);
    server.behave(() => (where === "at its recipient" ? new Promise(() => undefined) : behaviour));
    const running = mail.run();
    await until("the mail is under way", () => server.attempts() === 1, SOON_MS);
    await mail.close();
    await running;
    const [row] = outboxIn(shop.db);
    expect(row).toMatchObject({
      state: "due",
      tries: 1,
      error: expect.stringContaining("the process ended"),
    });
    expect(row?.dueAtMs).toBeGreaterThan(shop.clock.ms);
  });

  test("leaves a mail that it claimed while it ended to others, at once", async () => {
    const claiming = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const mail = shop.openAnother({
      settings,
      before: (file) => ({
        ...file,
        async write(statements, writeId) {
          if (statements.some(({ sql }) => sql.includes("RETURNING"))) claiming.resolve();
          await go.promise;
          return file.write(statements, writeId);
        },
      }),
    });
    await shop.mail.run();
    await addMail(shop.db, ADA);
    void mail.run();
    await claiming.promise;
    const closing = mail.close();
    go.resolve();
    await closing;
    expect([server.attempts(), outboxIn(shop.db)]).toMatchObject([
      0,
      [{ state: "due", dueAtMs: shop.clock.ms }],
    ]);
    await shop.mail.run();
    expect(statesIn(shop.db)).toEqual(["sent"]);
  });

  test("is the end also of its looks: a mail that comes later is not sent", async () => {
    const mail = shop.openAnother({ settings, times: { lookMs: 1 } });
    mail.start();
    await mail.close();
    await addMail(shop.db, ADA);
    await mail.run();
    expect(outboxIn(shop.db)).toMatchObject([{ state: "due", tries: 0 }]);
  });
});

describe("the looks of a sender", () => {
  test("go on after a failure of the database, and are never two at a time", async () => {
    let looks = 0;
    let under = 0;
    let most = 0;
    const mail = shop.openAnother({
      settings,
      times: { lookMs: 1 },
      random: () => 0,
      before: (file) => ({
        ...file,
        async write(...given) {
          looks += 1;
          under += 1;
          most = Math.max(most, under);
          await Bun.sleep(3);
          under -= 1;
          if (looks < 5) throw new Error("no answer");
          return file.write(...given);
        },
      }),
    });
    await addMail(shop.db, ADA);
    mail.start();
    await until("the mail is sent", () => statesIn(shop.db)[0] === "sent", SOON_MS);
    await mail.close();
    expect([most, server.received.length]).toEqual([1, 1]);
  });

  test("begin at a random time of the first interval", async () => {
    const ofAnHour = (random: number) =>
      shop.openAnother({ settings, times: { lookMs: 3_600_000 }, random: () => random });
    await addMail(shop.db, ADA);
    const late = ofAnHour(0.5);
    late.start();
    const early = ofAnHour(0);
    early.start();
    await until("the mail is sent", () => statesIn(shop.db)[0] === "sent", SOON_MS);
    expect([early.state().mails.length, late.state().mails.length]).toEqual([1, 0]);
  });

  test("write nothing while no mail is due", async () => {
    const written: string[] = [];
    const mail = shop.openAnother({
      settings,
      before: (file) => ({
        ...file,
        write(statements, writeId) {
          written.push(...statements.map(({ sql }) => sql));
          return file.write(statements, writeId);
        },
      }),
    });
    await addMail(shop.db, ADA, { dueAtMs: shop.clock.ms + 1 });
    await mail.run();
    expect(written.splice(0)).toHaveLength(2);
    for (let looks = 0; looks < 100; looks += 1) await mail.run();
    expect(written).toEqual([]);
  });

  test("write little while the local copy is behind, and shows mails that others have", async () => {
    let writes = 0;
    const mail = shop.openAnother({
      settings,
      before: (file) => ({
        ...file,
        read: {
          ...file.read,
          get: (sql, ...args) =>
            sql.includes("state = 'due'") ? file.read.get("SELECT 1") : file.read.get(sql, ...args),
        },
        write(...given) {
          writes += 1;
          return file.write(...given);
        },
      }),
    });
    await shop.mail.run();
    for (let looks = 0; looks < 100; looks += 1) {
      await mail.run();
      shop.clock.ms += SENDER_TIMES.lookMs;
    }
    expect(writes).toBe(10);
    await addMail(shop.db, ADA);
    await mail.run();
    expect(statesIn(shop.db)).toEqual(["sent"]);
  });
});
