// What others typed in a mail: it adds no header and no recipient, and stays readable.
import { expect, test } from "bun:test";
import { simpleParser } from "mailparser";
import { composeMessage, messageIdOf } from "./message.ts";

const SHOP = { name: "Shop", address: "shop@shop.example" };
const DATE = new Date("2026-11-28T10:00:00Z");
const HEADERS = [
  "Auto-Submitted",
  "From",
  "To",
  "Subject",
  "Message-ID",
  "Date",
  "MIME-Version",
  "Content-Type",
];

const compose = (to: string[], given: { subject?: string; from?: typeof SHOP } = {}) =>
  composeMessage({
    id: "receipt.0.a@shop.example",
    from: given.from ?? SHOP,
    to,
    date: DATE,
    content: { subject: given.subject ?? "Your order 10001", blocks: [{ kind: "text", text: "Hello" }] },
    look: { shopName: "Insole", locale: "en-US" },
  });

const headerNames = (bytes: Buffer): string[] =>
  [...(bytes.toString("utf8").split("\r\n\r\n", 1)[0] ?? "").matchAll(/^([^\s:]+):/gm)].map(
    ([, name]) => `${name}`,
  );

test.each([
  ["a second address", "ada@shop.example, bob@shop.example"],
  ["a second address after a semicolon", "ada@shop.example;bob@shop.example"],
  ["a header", "ada@shop.example\r\nBcc: bob@shop.example"],
  ["a line that ends", "ada@shop.example\r\n"],
  ["a line feed before it", "\nada@shop.example"],
  ["a space after it", "ada@shop.example "],
  ["NUL", "ada@shop.example\0"],
  ["a name", "Ada <ada@shop.example>"],
  ["brackets", "<ada@shop.example>"],
  ["a quoted part", '"ada@shop.example, bob"@shop.example'],
  ["a comment", "ada@shop.example(bob@shop.example)"],
  ["a group", "all:ada@shop.example"],
  ["a parameter of the command", "ada@shop.example> SIZE=1"],
  ["two signs", "ada@bob@shop.example"],
  ["no domain", "ada"],
  ["nothing", ""],
])("a recipient with %s is refused, also beside a right one", async (_, address) => {
  await expect(compose([address])).rejects.toThrow("a recipient of the mail is not an e-mail address");
  await expect(compose(["ada@shop.example", address])).rejects.toThrow("not an e-mail address");
});

test.each([
  ["ada@shop.example", "ada@shop.example"],
  ["o'neil+shoes@shop.example", "o'neil+shoes@shop.example"],
  ["ada@bücher.example", "ada@xn--bcher-kva.example"],
  ["jörg@bücher.example", "jörg@bücher.example"],
  ["ada&co=me@shop.example", "ada&co=me@shop.example"],
])("the recipient %s is in the envelope as %s, and alone", async (address, inEnvelope) => {
  const { to, bytes } = await compose([address]);
  expect(to).toEqual([inEnvelope]);
  const { to: shown } = await simpleParser(bytes);
  expect([shown].flat().flatMap((each) => each?.value ?? [])).toHaveLength(1);
  expect(headerNames(bytes)).toEqual(HEADERS);
});

test.each([
  ["Runner\r\nBcc: bob@shop.example", "Runner Bcc: bob@shop.example"],
  ["Runner\nBcc: bob@shop.example", "Runner Bcc: bob@shop.example"],
  ["Runner\r\n\r\n<script>", "Runner <script>"],
  ["Runner\u2028Bcc: bob", "Runner Bcc: bob"],
  ["Größe 42 – läuft", "Größe 42 – läuft"],
  ["=?UTF-8?Q?=0D=0ABcc:_bob@shop.example?=", null],
  [`${"long ".repeat(100)}Bcc: x`, null],
])("the subject %j adds no header", async (subject, shown) => {
  const { to, bytes } = await compose(["ada@shop.example"], { subject });
  expect(headerNames(bytes)).toEqual(HEADERS);
  expect(to).toEqual(["ada@shop.example"]);
  if (shown !== null) expect((await simpleParser(bytes)).subject).toBe(shown);
});

test.each([
  'Ada\'s "Best" Shoes, Inc.',
  "Shop <bob@shop.example>",
  "Shop>, bob@shop.example",
  "Bob: a; b",
  "Schöne Schuhe",
  "a\\",
])("the name of the shop %j stays a name", async (name) => {
  const { from, bytes } = await compose(["ada@shop.example"], { from: { name, address: SHOP.address } });
  const parsed = await simpleParser(bytes);
  expect(parsed.from?.value).toEqual([{ name, address: SHOP.address }]);
  expect([from, headerNames(bytes)]).toEqual([SHOP.address, HEADERS]);
});

test("the Message-ID is the same at every try, differs between mails, and has a domain that mail servers know", () => {
  const mail = { seq: 1, kind: "receipt", part: 0, key: null, orderId: "a", recipient: null };
  const rest = { data: null, createdAtMs: 0, tries: 1 };
  const idOf = (given: object, from = SHOP) => messageIdOf({ ...mail, ...rest, ...given }, from);
  expect(idOf({})).toBe("receipt.0.a@shop.example");
  expect(idOf({ tries: 7, recipient: "ada@shop.example", data: {} })).toBe(idOf({}));
  const others = [{ kind: "alert" }, { part: 1 }, { orderId: "b" }, { orderId: null, key: "a" }];
  expect(new Set([idOf({}), ...others.map((given) => idOf(given))]).size).toBe(5);
  expect(idOf({ orderId: null, key: "ä b\r\n" })).toMatch(/^receipt\.0\.[0-9a-f]{32}@shop\.example$/);
  expect(idOf({}, { name: "", address: "shop@bücher.example" })).toBe("receipt.0.a@xn--bcher-kva.example");
});
