// Mails to a real mail server that fails in every way: what is tried again, when, and what is parked.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { addMail, openTestMail, outboxIn, START_MS, statesIn, type TestMail } from "../testing/mail.ts";
import { type Behaviour, type MailServer, openMailServer } from "../testing/mail-server.ts";
import { SMTP_BOUNDS } from "./smtp.ts";
import { SENDER_TIMES } from "./times.ts";

/** The bound while the server stalls; a loaded machine needs most of it to send the content that is never answered. */
const STALL_MS = 1_000;
const ADA = "ada@shop.example";
const BOB = "bob@shop.example";

let server: MailServer;
let shop: TestMail;

beforeEach(async () => {
  server = await openMailServer();
  shop = openTestMail({ settings: { SMTP_URL: server.url }, random: () => 1 });
});
afterEach(async () => {
  await shop.close();
  await server.close();
});

test("a mail is sent once, and its connection ends with the last one", async () => {
  await addMail(shop.db, ADA);
  await addMail(shop.db, BOB);
  await shop.mail.run();
  await shop.mail.run();
  expect(server.received.map(({ from, to }) => [from, to])).toEqual([
    ["shop@shop.example", [ADA]],
    ["shop@shop.example", [BOB]],
  ]);
  expect(outboxIn(shop.db)).toMatchObject([
    { state: "sent", tries: 1, error: null },
    { state: "sent", tries: 1, error: null },
  ]);
  expect(server.connections()).toBe(1);
  expect(shop.mail.state()).toEqual({
    mails: [{ kind: "receipt", outcome: "sent", count: 2 }],
    waiting: { due: 0, parked: 0 },
    overdueMs: 0,
  });
});

// Each way to fail, its error, and whether the next mail is sent at once: it is not where the server itself fails.
test.each<[Behaviour, RegExp, boolean]>([
  ["refuse", /550 no such mailbox/, true],
  ["greylist", /450 try again later/, true],
  ["reject", /554 content refused/, true],
  ["stall", new RegExp(`did not take the mail within ${STALL_MS} ms`), false],
  ["drop", /closed|reset/i, false],
  ["lose", /closed|reset/i, false],
])(
  "a server that does %s: the mail is tried again, the next one sent: %p",
  async (behaviour, error, isNextSent) => {
    await addMail(shop.db, ADA);
    await addMail(shop.db, BOB);
    server.behave((recipient) => (recipient === ADA ? behaviour : "accept"));
    const bounds = behaviour === "stall" ? { ...SMTP_BOUNDS, sendMs: STALL_MS } : SMTP_BOUNDS;
    const settings = { SMTP_URL: server.url };
    await shop.openAnother({ settings, random: () => 1, bounds }).run();
    const [ada, bob] = outboxIn(shop.db);
    expect(ada).toMatchObject({ state: "due", tries: 1, dueAtMs: START_MS + 5_000 });
    expect(ada?.error).toMatch(error);
    expect(bob).toMatchObject(isNextSent ? { state: "sent", tries: 1 } : { state: "due", tries: 0 });
    // The refused mail does not cost the connection.
    expect(server.connections()).toBe(1);
    server.behave(() => "accept");
    shop.clock.ms += 5_000;
    await shop.mail.run();
    expect(statesIn(shop.db)).toEqual(["sent", "sent"]);
    const ids = server.received.filter(({ to }) => to[0] === ADA).map(({ messageId }) => messageId);
    expect(ids).toHaveLength(behaviour === "lose" ? 2 : 1);
    expect(new Set(ids).size).toBe(1);
  },
);

test("a mail that is refused twelve times is parked with the last error; the pauses grow to 12 hours", async () => {
  await addMail(shop.db, ADA);
  server.behave(() => "refuse");
  const pauses: number[] = [];
  for (let round = 0; statesIn(shop.db)[0] === "due"; round += 1) {
    await shop.mail.run();
    const dueAtMs = outboxIn(shop.db)[0]?.dueAtMs ?? 0;
    pauses.push((dueAtMs - shop.clock.ms) / 1_000);
    shop.clock.ms = dueAtMs - 1;
    await shop.mail.run();
    expect(server.attempts()).toBe(round + 1);
    shop.clock.ms = dueAtMs;
  }
  expect(pauses).toEqual([5, 15, 45, 135, 405, 1_215, 3_645, 10_935, 32_805, 43_200, 43_200, 43_200]);
  expect(outboxIn(shop.db)).toMatchObject([{ state: "parked", tries: 12 }]);
  expect(outboxIn(shop.db)[0]?.error).toContain("550 no such mailbox");
  server.behave(() => "accept");
  shop.clock.ms += 86_400_000;
  await shop.mail.run();
  expect([server.received, shop.mail.state().waiting]).toEqual([[], { due: 0, parked: 1 }]);
  expect(shop.mail.state().mails).toContainEqual({ kind: "receipt", outcome: "parked", count: 1 });
});

test("the log names each mail that is parked, also of many at once", async () => {
  for (let count = 0; count < 5; count += 1) await addMail(shop.db, `${count}@shop.example`);
  await shop.db.write([{ sql: "UPDATE outbox SET tries = 11" }]);
  server.behave(() => "refuse");
  await shop.mail.run();
  expect(new Set(statesIn(shop.db))).toEqual(new Set(["parked"]));
  const lines = shop.logged.map((line) => JSON.parse(line));
  const of = (text: string) => lines.filter(({ message }) => message.startsWith(text));
  expect(of("a mail is parked").map(({ mail }) => mail)).toEqual(["1", "2", "3", "4", "5"]);
  expect(of("a mail was not sent")).toHaveLength(1);
});

test("mails that fail together are tried again at different times, from half of the pause to all of it", async () => {
  const random = [0, 0.5, 1];
  const spread = shop.openAnother({
    settings: { SMTP_URL: server.url },
    random: () => random.shift() ?? 1,
  });
  for (const name of ["a", "b", "c"]) await addMail(shop.db, `${name}@shop.example`);
  server.behave(() => "greylist");
  await spread.run();
  expect(outboxIn(shop.db).map(({ dueAtMs }) => dueAtMs - START_MS)).toEqual([2_500, 3_750, 5_000]);
});

describe("while the server is away", () => {
  test("each rest costs one try of one mail, and the rests grow to a minute", async () => {
    for (let count = 0; count < 30; count += 1) await addMail(shop.db, `${count}@shop.example`);
    await server.close();
    const began = [];
    for (let triesBefore = 0; began.length < 9; shop.clock.ms += 100) {
      await shop.mail.run();
      const tries = outboxIn(shop.db).reduce((sum, row) => sum + row.tries, 0);
      if (tries > triesBefore) began.push((shop.clock.ms - START_MS) / 1_000);
      expect(tries - triesBefore).toBeLessThanOrEqual(1);
      triesBefore = tries;
    }
    expect(began).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183]);
    server = await openMailServer({}, server.port);
    shop.clock.ms += 12 * 3_600_000;
    await shop.mail.run();
    expect(new Set(statesIn(shop.db))).toEqual(new Set(["sent"]));
    expect(server.received).toHaveLength(30);
  });

  test("a rest writes nothing", async () => {
    let writes = 0;
    const counted = shop.openAnother({
      settings: { SMTP_URL: `smtp://127.0.0.1:${server.port}` },
      random: () => 1,
      before: (file) => ({
        ...file,
        write(...given) {
          writes += 1;
          return file.write(...given);
        },
      }),
    });
    await addMail(shop.db, ADA);
    await addMail(shop.db, BOB);
    await server.close();
    await counted.run();
    const before = writes;
    expect(before).toBeGreaterThan(0);
    for (let looks = 0; looks < 5; looks += 1) await counted.run();
    expect(writes).toBe(before);
    server = await openMailServer({}, server.port);
  });
});

test("one mail of the staff that some of them cannot get is sent once, and says who is without it", async () => {
  const settings = { SMTP_URL: server.url, ADMIN_ALERT_EMAIL: `${ADA}, ${BOB}` };
  const mail = shop.openAnother({ settings });
  await addMail(shop.db, null);
  server.behave((recipient) => (recipient === BOB ? "refuse" : "accept"));
  await mail.run();
  expect(server.received.map(({ to }) => to)).toEqual([[ADA]]);
  expect(outboxIn(shop.db)).toMatchObject([{ state: "sent", tries: 1 }]);
  expect(outboxIn(shop.db)[0]?.error).toContain("550 no such mailbox");
  expect(shop.logged.join("")).toContain("a mail did not reach all recipients");
});

test("more mails than a connection takes go over several", async () => {
  for (let count = 0; count < 201; count += 1) await addMail(shop.db, `${count}@shop.example`);
  await shop.mail.run();
  expect([server.received.length, server.connections()]).toEqual([201, 3]);
});

describe("the answer of a server", () => {
  test("is kept as one line of a row, however long, and the log shows no address of a customer", async () => {
    const text = `no mailbox <${ADA}> here\u0000\u0007 \u{1f45f}${"\u{1f45f}".repeat(1_000)}`;
    const answering = await openMailServer({
      onRcptTo: (_address, _session, callback) =>
        callback(Object.assign(new Error(text), { responseCode: 550 })),
    });
    const mail = shop.openAnother({ settings: { SMTP_URL: answering.url } });
    await addMail(shop.db, ADA);
    await mail.run();
    await answering.close();
    const error = outboxIn(shop.db)[0]?.error ?? "";
    expect(error).toMatch(/^[^\p{Cc}]{100,500}$/u);
    expect([error.includes(ADA), error.isWellFormed()]).toEqual([true, true]);
    expect(shop.logged.join("")).toContain("no mailbox <***> here");
    expect(shop.logged.join("")).not.toContain(ADA);
  });
});

test("a lease outlasts a mail, with the commits before and after it", () => {
  const COMMIT_MS_MAX = 20_000;
  expect(SENDER_TIMES.leaseMs).toBeGreaterThan(SMTP_BOUNDS.sendMs + 2 * COMMIT_MS_MAX);
  expect(SMTP_BOUNDS.sendMs).toBeGreaterThan(SMTP_BOUNDS.connectMs + SMTP_BOUNDS.silenceMs);
});
