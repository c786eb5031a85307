// Both forms of a mail's content: the same words in each, lines of at most 72 columns, and nothing that a text could add.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BREAKING, elementsOf, HOSTILE, linksIn, shownBy } from "../testing/hostile-mails.ts";
import type { Block, Look } from "./blocks.ts";
import { formsOf } from "./forms.ts";

const LOOK: Look = { shopName: "Insole", locale: "en-US" };
const WIDTH = 72;

/** Every kind of block with this text in each place of it. */
const blocksWith = (text: string): Block[] => [
  { kind: "heading", text },
  { kind: "text", text },
  { kind: "note", text },
  {
    kind: "lines",
    lines: [
      { label: text, detail: text, value: text },
      { label: text, value: "$1.00", isStrong: true },
    ],
  },
  { kind: "address", label: text, lines: [text, text] },
  { kind: "link", label: text, url: "https://shop.example/orders/1?token=a&b=c" },
  { kind: "link", label: text, url: "https://shop.example/second", isMinor: true },
  { kind: "bars", bars: [{ label: text, value: text, share: 0.5 }] },
];

test("a receipt's table in plain text", () => {
  const { text } = formsOf(
    "Subject",
    [
      { kind: "heading", text: "日本 order" },
      {
        kind: "lines",
        lines: [
          { label: "Samba", detail: "size 9, 1 × $5.00", value: "$5.00" },
          { label: `${"A very long name of a shoe ".repeat(3)}end`, value: "$1,234.50" },
          { label: "日本の靴", value: "$7.00" },
          { label: "Reference", value: "r".repeat(80) },
          { label: "Total", value: "$1,246.50", isStrong: true },
        ],
      },
      { kind: "address", label: "Delivery to", lines: ["Grace Hopper", "Main Street 1"] },
    ],
    LOOK,
  );
  expect(text).toBe(`Insole

日本 order
==========

Samba                                                              $5.00
  size 9, 1 × $5.00
A very long name of a shoe A very long name of a shoe A very   $1,234.50
long name of a shoe end
日本の靴                                                           $7.00
Reference
${"r".repeat(72)}
${" ".repeat(64)}rrrrrrrr
------------------------------------------------------------------------
Total                                                          $1,246.50

Delivery to:
  Grace Hopper
  Main Street 1
`);
});

test("bars in plain text, and one of a share that is no share", () => {
  const bars = [
    { label: "09:00", value: "2", share: 0.1 },
    { label: "10:00", value: "20", share: 1 },
    { label: "11:00", value: "0", share: Number.NaN },
    { label: "A shoe with a long name", value: "9", share: 9 },
  ];
  const { text, html } = formsOf(
    "Subject",
    [
      { kind: "heading", text: "By hour" },
      { kind: "bars", bars },
    ],
    LOOK,
  );
  const bar = "#".repeat(30);
  expect(text.split("\n\n").at(-1)).toBe(`09:00                 ###${" ".repeat(27)}   2
10:00                 ${bar}  20
11:00                 ${" ".repeat(30)}   0
A shoe with a long name
${" ".repeat(20)}  ${bar}   9
`);
  expect([...html.matchAll(/width:(\d+)%/g)].map(([, width]) => width)).toEqual(["10", "100", "0", "100"]);
});

const letters = fc.string({ unit: fc.constantFrom(..."aé日👟 .-<&\u0301"), minLength: 1, maxLength: 200 });
/** What is left of a text in lines: its characters in their order, without the breaks of lines. */
const bare = (text: string): string => text.replace(/\s/g, "");

test("no line of the text is wider than 72 columns, and no character is lost", () => {
  fc.assert(
    fc.property(letters, (word) => {
      const blocks = blocksWith(`${word}x`).filter(({ kind }) => kind !== "link" && kind !== "bars");
      const { text } = formsOf("Subject", blocks, LOOK);
      for (const line of text.split("\n")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(WIDTH);
      for (const block of blocks.slice(0, 3)) {
        const alone = formsOf("Subject", [block], { ...LOOK, shopName: "" }).text;
        expect(bare(alone).replace(/=+$/, "")).toBe(bare(`${word}x`));
      }
    }),
    { numRuns: 300 },
  );
});

test("both forms say the same words", async () => {
  const { text, html } = formsOf("Subject", blocksWith("Größe <42> & 'mehr'"), LOOK);
  const shown = await shownBy(html);
  expect(text.split("Größe <42> & 'mehr'").length).toBe(shown.split("Größe <42> & 'mehr'").length);
  for (const form of [text, shown]) expect(form).toContain("Insole");
});

describe("a hostile text", () => {
  const hostile = formsOf(HOSTILE, blocksWith(HOSTILE), { ...LOOK, shopName: HOSTILE });

  test("adds no element and no attribute", async () => {
    const plain = formsOf("x", blocksWith("x".repeat(99)), LOOK);
    expect(await elementsOf(hostile.html)).toEqual(await elementsOf(plain.html));
    expect(hostile.html).not.toMatch(/<script|<img|<Driver>/);
  });

  test("turns no direction and hides nothing", () => {
    for (const form of [hostile.text, hostile.html])
      expect(form).not.toMatch(/[\u202E\u2066\u200B\u{E0041}]|\p{Cs}/u);
  });
});

test("no text begins a line of its own", () => {
  const { text, html } = formsOf(BREAKING, blocksWith(BREAKING), { ...LOOK, shopName: BREAKING });
  for (const form of [text, html]) {
    expect(form).toContain("a Bcc Bcc Bcc Bcc Bcc");
    expect(form.split(/[\n\r\u2028\u2029\u0085\v]/).filter((line) => /^\s*Bcc/.test(line))).toEqual([]);
  }
});

test("links other than http and https are left out of both forms", () => {
  const urls = [
    "javascript:window.ran=1",
    "data:text/html,x",
    "https://ok.example/?a=1&b=2",
    "https://a:b@x.example/",
  ];
  const blocks = urls.map((url): Block => ({ kind: "link", label: "Track", url }));
  const { text, html } = formsOf("Subject", blocks, LOOK);
  expect(linksIn(html)).toEqual(["https://ok.example/?a=1&b=2"]);
  expect(text).toBe("Insole\n\nTrack:\nhttps://ok.example/?a=1&b=2\n");
});

test.each([
  ["en-GB", "en-GB"],
  ["de-DE", "en"],
])("with the locale %s the language of the page is %s", (locale, language) => {
  expect(formsOf("Subject", [], { ...LOOK, locale }).html).toContain(`<html lang="${language}">`);
});

test("nothing of the page comes from elsewhere, and it fits mail programs: below 60 kB without a script", () => {
  const { html } = formsOf("Subject", blocksWith("x"), LOOK);
  expect(html).not.toMatch(/<(script|img|link|iframe|object|form)\b|url\(|@import| on\w+=/i);
  expect(html.length).toBeLessThan(60_000);
});
