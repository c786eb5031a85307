// The mail of low stock at a real mail server: to the staff alone, with its sizes and link, and no title of a shoe adds a header.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { ShoeDraft } from "../../shoes/write/draft.ts";
import { type MailServer, openMailServer, parseMail } from "../../testing/mail-server.ts";
import { guestOrder, order } from "../../testing/orders.ts";
import { openTestShop, readUntil, shoe, type TestShop } from "../../testing/shop.ts";

const STAFF = ["a@shop.example", "b@shop.example"];
const PATIENCE_MS = 10_000;
const HOSTILE = `A"<b>\u202Eevil\r\nBcc: thief@evil.example\u0000\u2028x`;

let server: MailServer;
let shop: TestShop | null = null;
beforeEach(async () => {
  server = await openMailServer();
});
afterEach(async () => {
  await shop?.close();
  shop = null;
  await server.close();
});

/** Orders so many pairs of a shoe in a shop with this mail server, and returns its mail of low stock as it arrived. */
async function mailOf(draft: ShoeDraft, item: { size?: string; quantity: number }, settings = {}) {
  const env = {
    SMTP_URL: server.url,
    MAIL_FROM: "Shoes <shop@shop.example>",
    ADMIN_ALERT_EMAIL: STAFF.join(","),
    PUBLIC_URL: "https://shop.example",
    ...settings,
  };
  shop = await openTestShop([draft], env, { mailTimes: { lookMs: 20 } });
  const { shoeId: productId } = draft;
  const { status } = await order(shop, guestOrder(productId, { items: [{ productId, ...item }] }));
  expect(status).toBe(201);
  const low = () => server.received.filter(({ messageId }) => messageId.startsWith("<low-stock.0."));
  const received = await readUntil(low, ({ length }) => length > 0, PATIENCE_MS);
  expect(received.map(({ to }) => to)).toEqual([STAFF]);
  const mail = await parseMail(received[0] as (typeof received)[0]);
  return {
    subject: mail.subject ?? "",
    text: mail.text ?? "",
    html: String(mail.html),
    headers: [...mail.headers.keys()],
  };
}

const sized = (given: Partial<ShoeDraft> = {}) =>
  shoe("runner", {
    title: "Runner",
    href: "/runner",
    sizeSystem: "EU",
    sizes: [
      { size: "41", stock: 1 },
      { size: "42", stock: 4 },
    ],
    ...given,
  });

describe("a shoe with sizes", () => {
  test("has a line for each of them, and a link below PUBLIC_URL", async () => {
    const { subject, text, html } = await mailOf(sized(), { size: "42", quantity: 3 });
    expect(subject).toBe("Low stock: Runner");
    expect(text).toMatch(/An order has left 2 pairs of Runner \(runner\)\./);
    expect(
      text
        .split("\n")
        .filter((line) => /^(Size|In all)/.test(line))
        .map((line) => line.replace(/ +/g, " ")),
    ).toEqual(["Size 41 EU 1 pair", "Size 42 EU 1 pair", "In all 2 pairs"]);
    expect(text).toContain("https://shop.example/runner");
    expect(text).toMatch(/3 pairs or fewer\s\(LOW_STOCK\)/);
    expect(html).toContain('href="https://shop.example/runner"');
    expect(html).toContain("Size 42 EU");
  });

  test("that has one left says which is sold out", async () => {
    const { text } = await mailOf(sized(), { size: "42", quantity: 4 });
    expect(text).toMatch(/^Size 41 EU +1 pair\nSize 42 EU +sold out\n-+\nIn all +1 pair$/m);
  });
});

test("a shoe without sizes that is sold out says so, and links nowhere where its page is not known", async () => {
  const { subject, text, html } = await mailOf(
    shoe("p", { title: "Plain", sizes: [{ size: "", stock: 2 }] }),
    { quantity: 2 },
  );
  expect([subject, text.includes("An order has left no pairs of Plain (p).")]).toEqual([
    "Sold out: Plain",
    true,
  ]);
  expect(text).toMatch(/\n\n-+\nIn all +sold out\n\n/);
  expect(text + html).not.toMatch(/Size|https?:/);
});

test.each([
  [
    "of another site stays itself",
    { href: "https://other.example/x?a=1&b=2" },
    {},
    "https://other.example/x?a=1&b=2",
  ],
  [
    "is a whole address also without PUBLIC_URL",
    {},
    { PUBLIC_URL: "", PORT: "0", HOST: "127.0.0.1" },
    "http://127.0.0.1:",
  ],
])("a link %s", async (_what, given, settings, url) => {
  const { text } = await mailOf(sized(given), { size: "42", quantity: 4 }, settings);
  expect(text).toContain(url);
});

test("a hostile title adds no header and no recipient, and stays text", async () => {
  const { subject, text, html, headers } = await mailOf(sized({ title: HOSTILE }), {
    size: "42",
    quantity: 4,
  });
  expect(subject).toBe(`Low stock: A"<b>evil Bcc: thief@evil.example x`);
  expect(headers).not.toContain("bcc");
  expect(text.replace(/\s+/g, " ")).toContain(`A"<b>evil Bcc: thief@evil.example x (runner)`);
  expect(html).toContain("A&quot;&lt;b&gt;evil");
  expect(html).not.toContain("<b>");
});

test("a long title is cut in the subject only", async () => {
  const title = "👟".repeat(150);
  const { subject, text } = await mailOf(sized({ title }), { size: "42", quantity: 4 });
  expect(subject).toBe(`Low stock: ${"👟".repeat(79)}…`);
  expect(text.replaceAll("\n", "")).toContain(title);
});
