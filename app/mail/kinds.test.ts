// What all kinds of mail have in common: the same words in both forms, and nothing that a hostile text can add.
import { describe, expect, test } from "bun:test";
import { simpleParser } from "mailparser";
import { readConfig } from "../config.ts";
import { BREAKING, elementsOf, HOSTILE, hostileMail, linksIn, shownBy } from "../testing/hostile-mails.ts";
import { formsOf } from "./forms.ts";
import type { Mail } from "./kind.ts";
import { KINDS, type KindName } from "./kinds.ts";
import { composeMessage } from "./message.ts";
import { previewContext, writeMail } from "./preview/command.ts";
import { sampleMail } from "./preview/samples.ts";

const SETTINGS = { PUBLIC_URL: "https://shop.example" };
const context = previewContext(readConfig(SETTINGS));
const kinds = [...KINDS.keys()] as KindName[];

/** A mail as its receiver sees it: its forms, and its headers by their names. */
async function written(mail: Mail) {
  const content = await writeMail(mail, context);
  const forms = formsOf(content.subject, content.blocks, context);
  const from = { name: "Insole", address: "shop@shop.example" };
  const message = {
    id: "1@shop.example",
    from,
    to: ["grace@example.com"],
    date: new Date(0),
    content,
    look: context,
  };
  const { bytes } = await composeMessage(message);
  const { headerLines, subject = "" } = await simpleParser(bytes);
  return { ...forms, subject, headers: headerLines.map(({ key }) => key).toSorted() };
}

describe.each(kinds)("%s", (kind) => {
  test("says the same in both forms, and leads only to the shop and to parcels", async () => {
    const { subject, text, html } = await written(sampleMail(kind));
    expect(subject).toMatch(/^[\x20-\x7e]{10,70}$/);
    const shown = (await shownBy(html)).replace(/\s+/g, " ");
    const words = text.replace(/^https?:.*$/gm, "").match(/[\p{L}\p{N}@.,$-]{2,}/gu) ?? [];
    const marks = /^-+$/;
    expect(words.filter((word) => !marks.test(word) && !shown.includes(word))).toEqual([]);
    const inText = text.match(/^https?:.*$/gm) ?? [];
    expect(linksIn(html)).toEqual(inText);
    for (const link of inText) expect(link).toMatch(/^https:\/\/(shop|parcels)\.example\//);
  });

  test("a hostile text in each field adds no element, no attribute and no link", async () => {
    const usual = [await written(sampleMail(kind)), await written(hostileMail(kind, "W".repeat(400)))];
    const hostile = await written(hostileMail(kind, HOSTILE));
    const allowed = new Set((await Promise.all(usual.map(({ html }) => elementsOf(html)))).flat());
    expect((await elementsOf(hostile.html)).filter((element) => !allowed.has(element))).toEqual([]);
    expect(linksIn(hostile.html).filter((link) => !link.startsWith("https://shop.example/"))).toEqual([]);
    for (const form of [hostile.text, hostile.html]) expect(form).not.toMatch(/[\u202E\u2066\u200B]|\p{Cs}/u);
  });

  test("no text begins a line or a header", async () => {
    const { text, html, subject, headers } = await written(hostileMail(kind, BREAKING));
    expect(headers).toEqual((await written(sampleMail(kind))).headers);
    expect(subject).toMatch(/^[\x20-\x7e]+$/);
    const unbroken = await written(hostileMail(kind, BREAKING.replace(/[\s\u0085]+/gu, " ")));
    const withoutLinks = (form: string) => form.replace(/https:\/\/[^\s"]+/g, "");
    expect(withoutLinks(text)).toBe(withoutLinks(unbroken.text));
    expect(withoutLinks(html)).toBe(withoutLinks(unbroken.html));
  });

  test("data of another shape is refused with the kind's name", async () => {
    for (const data of [null, {}, [], "x"])
      await expect(writeMail({ ...sampleMail(kind), data }, context)).rejects.toThrow(kind);
  });
});

test("the mails of customers are small enough for mail programs that cut long ones", async () => {
  const sample = sampleMail("receipt");
  const order = sample.data as { items: object[] };
  const items = Array.from({ length: 50 }, () => ({ ...order.items[0], productName: "L".repeat(200) }));
  const { html } = await written({ ...sample, data: { ...order, items } });
  expect(Buffer.byteLength(html)).toBeLessThan(102_000);
});
