// The mails of real orders at a real mail server: who gets which, what it must say, and what it must not.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { ParsedMail } from "mailparser";
import { must } from "../../../db/must.ts";
import { linksIn } from "../../testing/hostile-mails.ts";
import { type MailServer, openMailServer, parseMail } from "../../testing/mail-server.ts";
import { GUEST_EMAIL, openStepShop, type Placed, type StepShop } from "../../testing/order-steps.ts";

const STAFF = "staff@shop.example";
const ADDRESS = {
  name: "Grace Hopper",
  street: "Main Street 1",
  zip: "10115",
  city: "Berlin",
  country: "DE",
};
const PHONE = "+49 30 1234567";
const TRACKING = "https://parcels.example/track?a=1&b=2";

let server: MailServer;
let shop: StepShop;
beforeAll(async () => {
  server = await openMailServer();
  shop = await openStepShop({
    settings: {
      SMTP_URL: server.url,
      MAIL_FROM: "shop@shop.example",
      ADMIN_ALERT_EMAIL: STAFF,
      PUBLIC_URL: "https://shop.example",
      TAX_RATES: '{"DE":19}',
      SHIPPING: '[{"method":"express","name":"Express","price":4.9}]',
    },
  });
});
beforeEach(() => {
  shop.gateway.script = {};
});
afterAll(async () => {
  await shop.close();
  await server.close();
});

type SentMail = { to: string[]; subject: string; text: string; html: string; links: string[] };

/** The mails about an order by kind, with the part of those that have one; all that are due are sent first. */
async function mailsOf({ id }: Placed): Promise<Record<string, SentMail>> {
  await shop.mail.run();
  const mails: Record<string, SentMail> = {};
  for (const received of server.received) {
    const [, kind = "", part, about] = /^<([a-z-]+)\.(\d+)\.([^@]+)@/.exec(received.messageId) ?? [];
    if (about !== id) continue;
    const { subject = "", text = "", html }: ParsedMail = await parseMail(received);
    const name = part === "0" ? kind : `${kind} ${part}`;
    mails[name] = { to: received.to, subject, text, html: String(html), links: linksIn(String(html)) };
  }
  return mails;
}

const place = (who: "owner" | "guest", given: Record<string, unknown> = {}) =>
  shop.place(who, { shippingAddress: { ...ADDRESS, phone: PHONE }, ...given });

function expectIn({ text, html }: SentMail, parts: string[]): void {
  for (const part of parts) {
    expect(text.replace(/\s+/g, " ")).toContain(part);
    expect(html).toContain(part);
  }
}

function expectNotIn({ text, html }: SentMail, parts: string[]): void {
  for (const part of parts) for (const form of [text, html]) expect(form).not.toContain(part);
}

const ITEMS = ["Shoe a", "size 42, 2 × $50.00", "$100.00", "Delivery", "express", "$4.90", "$104.90"];
const TAX = "tax contained: $16.75";
const TO = ["Grace Hopper", "Main Street 1", "10115 Berlin", "Germany"];

test("a guest's card order: a receipt whose link opens the order, and an alert whose link does not", async () => {
  const order = await place("guest");
  const { receipt, alert, ...others } = await mailsOf(order);
  expect(others).toEqual({});
  const [toGuest, toStaff] = [must(receipt, "receipt"), must(alert, "alert")];
  expect([toGuest.to, toStaff.to]).toEqual([[GUEST_EMAIL], [STAFF]]);
  expect(toGuest.subject).toBe(`Your order ${order.number}`);
  expect(toStaff.subject).toBe(`New order ${order.number}: $104.90`);
  expectIn(toGuest, [...ITEMS, TAX, ...TO, String(order.number), "You pay by card."]);
  expectIn(toStaff, [...ITEMS, TAX, ...TO, GUEST_EMAIL, "a guest"]);
  expectNotIn(toGuest, [STAFF, PHONE, shop.people.owner.email, "invoice"]);

  expect(toStaff.links).toEqual([`https://shop.example/orders/${order.id}`]);
  expectNotIn(toStaff, ["token=", PHONE]);
  const link = new URL(must(toGuest.links[0], "the link"));
  expect(toGuest.links).toHaveLength(1);
  expect(link.pathname).toBe(`/orders/${order.id}`);
  const token = must(link.searchParams.get("token"), "the token");
  const opened = await shop.get(`/api/orders/${order.id}`, { headers: { "order-token": token } });
  expect(opened.status).toBe(200);
});

test("an account's invoice order: its receipt waits for confirmation, and its link needs the account", async () => {
  const order = await place("owner", { paymentMethod: "invoice" });
  const { receipt, alert } = await mailsOf(order);
  const [toOwner, toStaff] = [must(receipt, "receipt"), must(alert, "alert")];
  expect(toOwner.to).toEqual([shop.people.owner.email]);
  expect(toOwner.links).toEqual([`https://shop.example/orders/${order.id}`]);
  expectIn(toOwner, [...ITEMS, "You pay by invoice. The order now waits until we confirm it"]);
  expectNotIn(toOwner, ["token=", STAFF, GUEST_EMAIL, "by card"]);
  expectIn(toStaff, [shop.people.owner.email, "an account", "the order waits until you confirm it"]);
});

test("an order that is declined has no mail, one that waits for its payment none yet", async () => {
  const before = server.received.length;
  await expect(place("guest", { paymentToken: "declined" })).rejects.toThrow("declined");
  const waiting = await place("guest", { paymentToken: "redirect" });
  expect(await mailsOf(waiting)).toEqual({});
  expect(server.received).toHaveLength(before);
});

describe("shipped", () => {
  test("leads to the parcel, and says that the card was charged", async () => {
    const order = await place("guest");
    await shop.put("admin", order, { status: "shipped", trackingUrl: TRACKING });
    const shipped = must((await mailsOf(order)).shipped, "shipped");
    expect(shipped.to).toEqual([GUEST_EMAIL]);
    expect(shipped.subject).toBe(`Your order ${order.number} is on its way`);
    expectIn(shipped, [...ITEMS, ...TO, "Your card was charged $104.90."]);
    expect(shipped.links).toEqual([TRACKING, expect.stringContaining(`/orders/${order.id}?token=`)]);
    expect(shipped.text).toContain(`\n${TRACKING}\n`);
  });

  test("without an address of the parcel has no such link; an invoice was not charged", async () => {
    const order = await place("owner", { paymentMethod: "invoice" });
    await shop.move(order, "confirmed", "shipped");
    const shipped = must((await mailsOf(order)).shipped, "shipped");
    expect(shipped.links).toEqual([`https://shop.example/orders/${order.id}`]);
    expectIn(shipped, ["You pay $104.90 by invoice."]);
    expectNotIn(shipped, ["Track", "charged"]);
  });
});

describe("cancelled", () => {
  test.each([
    ["guest", {}, [], "Your card is not charged."],
    ["owner", { paymentMethod: "invoice" }, [], "You do not have to pay anything."],
    [
      "owner",
      { paymentMethod: "invoice" },
      ["confirmed"],
      "If you paid it already, you get the amount back.",
    ],
  ] as const)("%s %p after %p: %s", async (who, given, steps, says) => {
    const order = await place(who, given);
    await shop.move(order, ...steps, "cancelled");
    const cancelled = must((await mailsOf(order)).cancelled, "cancelled");
    expect(cancelled.subject).toBe(`Your order ${order.number} is cancelled`);
    expectIn(cancelled, [...ITEMS, says]);
    expectNotIn(cancelled, [...TO.slice(0, 3), STAFF]);
    expect(cancelled.links[0]?.includes("?token=")).toBe(who === "guest");
  });

  test("a payment that the gateway does not release is for the staff to give back", async () => {
    shop.gateway.script = { void: async () => "refuse" };
    const order = await place("guest");
    await shop.move(order, "cancelled");
    const mails = await mailsOf(order);
    const notice = must(mails["void-refused"], "void-refused");
    expect(notice.to).toEqual([STAFF]);
    expectIn(notice, ["$104.90", `ledger-${order.id}`, GUEST_EMAIL, String(order.number)]);
    expectNotIn(notice, ["token=", ...TO.slice(0, 2)]);
    expect(notice.links).toEqual([`https://shop.example/orders/${order.id}`]);
  });
});

describe("refunded", () => {
  const refund = (order: Placed, body: unknown) =>
    shop.as("admin", "POST", `/api/orders/${order.id}/refunds`, body);

  test("each refund of an order has its own mail, with its pairs and its amount only", async () => {
    const order = await place("guest");
    await shop.move(order, "shipped");
    const items = [{ productId: "a", size: "42", quantity: 1 }];
    await refund(order, { items, restock: false });
    await refund(order, { items, amount: 12.5, restock: false });
    await refund(order, { amount: 3.25, restock: false });
    const mails = await mailsOf(order);
    const [pair, part, amount] = [1, 2, 3].map((at) => must(mails[`refunded ${at}`], "refunded"));
    for (const mail of [pair, part, amount]) {
      expect(mail?.to).toEqual([GUEST_EMAIL]);
      expect(mail?.subject).toBe(`Refund for your order ${order.number}`);
      expectNotIn(must(mail, "mail"), ["$104.90", "$100.00", "$4.90", ...TO.slice(0, 3)]);
    }
    expectIn(must(pair, "pair"), ["We refund you $50.00", "size 42, 1 × $50.00", "goes back to the card"]);
    expectIn(must(part, "part"), ["We refund you $12.50", "Shoe a"]);
    expect(part?.text.match(/\$50\.00/g)).toHaveLength(1);
    expectIn(must(amount, "amount"), ["We refund you $3.25"]);
    expectNotIn(must(amount, "amount"), ["Shoe a"]);
  });

  test("of an invoice is less to pay", async () => {
    const order = await place("owner", { paymentMethod: "invoice" });
    await shop.move(order, "confirmed");
    await refund(order, { amount: 3.25, restock: false });
    expectIn(must((await mailsOf(order))["refunded 1"], "refunded"), ["Pay that much less of the invoice"]);
  });
});

test("what a stranger can make the shop say is short, in the address, and no link", async () => {
  const advertisement = `WIN at www.evil.example/x and https://evil.example ${"now ".repeat(12)}`.slice(
    0,
    99,
  );
  const order = await place("guest", {
    shippingAddress: {
      ...ADDRESS,
      name: advertisement,
      street: `${advertisement} ${advertisement}`,
      phone: PHONE,
    },
  });
  const receipt = must((await mailsOf(order)).receipt, "receipt");
  expectNotIn(receipt, ["evil.example", "://evil", "www.evil", PHONE]);
  expect(receipt.html.match(/WIN at www\. evil\. example/g)).toHaveLength(2);
  expect(receipt.subject).not.toContain("WIN");
  expect(receipt.links.filter((link) => link.includes("evil"))).toEqual([]);
  for (const [line] of receipt.html.matchAll(/<bdi>WIN[^<]*/g)) expect(line.length).toBeLessThan(100);
});
