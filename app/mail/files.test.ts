// Mails as files: where no mail server is set, a developer finds them in the data folder.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { simpleParser } from "mailparser";
import { addMail, openTestMail, outboxIn, statesIn, type TestMail } from "../testing/mail.ts";

let shop: TestMail;
let folder: string;

beforeEach(() => {
  shop = openTestMail({ random: () => 1 });
  folder = join(shop.dataDir, "mail");
});
afterEach(() => shop.close());

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test("a mail is a file that only its owner can read, named by its Message-ID", async () => {
  await addMail(shop.db, "ada@shop.example");
  await shop.mail.run();
  const [name = "", ...others] = readdirSync(folder);
  expect(others).toEqual([]);
  expect(name).toMatch(/^receipt\.0\.[0-9a-f]{32}\.eml$/);
  expect([modeOf(folder), modeOf(join(folder, name))]).toEqual(["700", "600"]);
  const parsed = await simpleParser(readFileSync(join(folder, name)));
  expect(parsed.messageId).toBe(`<${name.replace(".eml", "")}@shop.example>`);
  expect([parsed.subject, statesIn(shop.db)]).toEqual(["Your order 10001", ["sent"]]);
});

test("a mail that is sent again replaces its file", async () => {
  await addMail(shop.db, "ada@shop.example");
  await shop.mail.run();
  const [name = ""] = readdirSync(folder);
  writeFileSync(join(folder, name), "what was there before");
  await shop.db.write([{ sql: "UPDATE outbox SET state = 'due', sent_at = NULL" }]);
  await shop.mail.run();
  expect(readdirSync(folder)).toEqual([name]);
  expect(readFileSync(join(folder, name), "utf8")).toContain("Message-ID:");
});

test("a folder that cannot be written is a failure of the server: one try, and the mails stay due", async () => {
  writeFileSync(folder, "a file in its place");
  await addMail(shop.db, "ada@shop.example");
  await addMail(shop.db, "bob@shop.example");
  await shop.mail.run();
  expect(outboxIn(shop.db)).toMatchObject([
    { state: "due", tries: 1, error: expect.stringMatching(/EEXIST|ENOTDIR/) },
    { state: "due", tries: 0, error: null },
  ]);
});

test("a folder that is there is used as it is", async () => {
  mkdirSync(folder);
  chmodSync(folder, 0o750);
  await addMail(shop.db, "ada@shop.example");
  await shop.mail.run();
  expect([modeOf(folder), readdirSync(folder).length]).toEqual(["750", 1]);
});
