// Text from elsewhere in mails: invisible characters, texts that would become links, and addresses that are none.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { oneLine, typedLine, webLink } from "./words.ts";

test.each([
  ["a line break of any kind", "a\r\nb\u2028c\u2029d\u0085e\vf", "a b c d e f"],
  ["characters that turn the direction", "invoice\u202Efdp.exe\u2066\u200F", "invoicefdp.exe"],
  ["characters without a width", "a\u200Bb\u00ADc\uFEFFd\u3164e\u{E0041}f\u2060g", "abcdefg"],
  ["half of a character", "a\uD800b", "a\uFFFDb"],
  ["columns made of spaces", "Total  \t \u00A0\u3000 $0.00", "Total $0.00"],
  ["escape sequences of terminals", "\u001b[31mred", "[31mred"],
  [
    "what joins letters and emoji stays",
    "می\u200Cخواهم 👨\u200D👩\u200D👧 ❤\uFE0F",
    "می\u200Cخواهم 👨\u200D👩\u200D👧 ❤\uFE0F",
  ],
])("one line: %s", (_, text, expected) => {
  expect(oneLine(text)).toBe(expected);
});

describe("a line that a customer typed", () => {
  test.each([
    ["www.evil.example/buy", "www. evil. example/buy"],
    ["https://evil.example", "https: //evil. example"],
    ["HTTP://1.2.3.4/x", "HTTP: //1.2.3.4/x"],
    ["mail me@evil.example", "mail me@evil. example"],
    ["evil。example．com", "evil。 example． com"],
    ["evil.\u200Bexample", "evil. example"],
    ["St.Louis", "St. Louis"],
    ["Dr. O'Neil, Apt. 3.14", "Dr. O'Neil, Apt. 3.14"],
  ])("%s is no link", (text, expected) => {
    expect(typedLine(text)).toBe(expected);
  });

  test("is cut at 80 characters, and whole up to there", () => {
    expect(typedLine("é".repeat(80))).toBe("é".repeat(80));
    expect(typedLine("👟".repeat(81))).toBe(`${"👟".repeat(79)}…`);
  });

  test("has no web address, whatever was typed", () => {
    const part = fc.constantFrom(
      "evil",
      ".",
      "com",
      "://",
      "https",
      "\u200B",
      "\u200D",
      " ",
      "@",
      "。",
      "/",
      "é",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        expect(typedLine(parts.join(""))).not.toMatch(/[a-zé][.。]\p{Cf}*[a-zé]|:\/\//u);
      }),
      { numRuns: 2_000 },
    );
  });
});

test.each([
  ["https://parcels.example/track?a=1&b=2", "https://parcels.example/track?a=1&b=2"],
  ["http://127.0.0.1:3000/orders/1", "http://127.0.0.1:3000/orders/1"],
  ['https://x.example/"><script>\r\nBcc: a', "https://x.example/%22%3E%3Cscript%3EBcc:%20a"],
  ["https://bücher.example/é", "https://xn--bcher-kva.example/%C3%A9"],
  ["javascript:alert(1)", null],
  ["JaVaScRiPt:alert(1)", null],
  [" java\nscript:alert(1)", null],
  ["data:text/html,<script>", null],
  ["file:///etc/passwd", null],
  ["//evil.example", null],
  ["https://shop.example@evil.example/", null],
  ["https://:secret@evil.example/", null],
  ["", null],
])("the link of %p is %p", (url, expected) => {
  expect(webLink(url)).toBe(expected);
});
