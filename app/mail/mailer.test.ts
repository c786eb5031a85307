// The thread of mails: it sends, says what went wrong, ends when it has nothing to do, and another one takes its place.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { until } from "../../db/until.ts";
import { readMailConfig } from "../mail-settings.ts";
import { type MailServer, openMailServer } from "../testing/mail-server.ts";
import { type Mailer, openMailer } from "./mailer.ts";
import type { Message } from "./message.ts";
import { MailError } from "./transport.ts";

const BOUNDS = { connectMs: 5_000, silenceMs: 5_000, sendMs: 5_000 };

let server: MailServer;
let mailer: Mailer;

const open = (times: Parameters<typeof openMailer>[1] = {}): Mailer => {
  const { smtp } = readMailConfig({ SMTP_URL: server.url, MAIL_FROM: "shop@shop.example" });
  return openMailer({ smtp, folder: "", bounds: BOUNDS }, times);
};
beforeEach(async () => {
  server = await openMailServer();
  mailer = open();
});
afterEach(async () => {
  mailer.end();
  await server.close();
});

const mailTo = (recipient: string): Message => ({
  id: `receipt.0.${recipient}`,
  from: { name: "Shop", address: "shop@shop.example" },
  to: [recipient],
  date: new Date("2026-11-28T10:00:00Z"),
  content: { subject: "Your order", blocks: [{ kind: "text", text: "Thank you" }] },
  look: { shopName: "Shop", locale: "en-US" },
});
const failureOf = (sent: Promise<unknown>): Promise<unknown> => sent.then(() => null).catch((error) => error);

test("sends mails one after the other on one connection", async () => {
  expect(await mailer.send(mailTo("ada@shop.example"))).toEqual([]);
  expect(await mailer.send(mailTo("bob@shop.example"))).toEqual([]);
  expect(server.received.map(({ to }) => to)).toEqual([["ada@shop.example"], ["bob@shop.example"]]);
  expect(server.connections()).toBe(1);
});

test("tells a refusal of one mail from a failure of the server, and both from a fault of the mail", async () => {
  server.behave(() => "refuse");
  expect(await failureOf(mailer.send(mailTo("ada@shop.example")))).toMatchObject({ isServer: false });
  server.behave(() => "drop");
  expect(await failureOf(mailer.send(mailTo("bob@shop.example")))).toMatchObject({ isServer: true });
  const fault = await failureOf(mailer.send(mailTo("not an address")));
  expect([fault instanceof Error, fault instanceof MailError]).toEqual([true, false]);
});

test("the thread starts with the first mail, and runs on between two", async () => {
  expect(mailer.isRunning()).toBe(false);
  await mailer.send(mailTo("ada@shop.example"));
  mailer.close();
  expect(mailer.isRunning()).toBe(true);
});

test("a thread that had no mail for a while ends, and the next mail starts another", async () => {
  mailer.end();
  mailer = open({ idleMs: 1 });
  for (const recipient of ["ada@shop.example", "bob@shop.example"]) {
    await mailer.send(mailTo(recipient));
    mailer.close();
    await until("the thread has ended", () => !mailer.isRunning());
  }
  expect(server.received).toHaveLength(2);
});

test("the end of the thread is a failure of the mail under way", async () => {
  server.behave(() => "stall");
  const sent = failureOf(mailer.send(mailTo("ada@shop.example")));
  await until("the server has the mail", () => server.attempts() === 1);
  mailer.end();
  expect(await sent).toMatchObject({ isServer: true, message: "the thread of mails ended" });
});

test("a thread that does not reply in time is ended", async () => {
  mailer.end();
  mailer = open({ replyMsMax: 300 });
  server.behave(() => "stall");
  const failure = await failureOf(mailer.send(mailTo("ada@shop.example")));
  expect(failure).toMatchObject({ isServer: true, message: expect.stringContaining("did not reply") });
  expect(mailer.isRunning()).toBe(false);
});

test("closing cuts off a mail under way", async () => {
  server.behave(() => "stall");
  const sent = failureOf(mailer.send(mailTo("ada@shop.example")));
  await until("the server has the mail", () => server.attempts() === 1);
  mailer.close();
  expect(await sent).toBeInstanceOf(MailError);
});
