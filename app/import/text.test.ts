// Mojibake is repaired where it is certain, and left alone where it is not.
import { describe, expect, test } from "bun:test";
import { cleanLine, cleanText, isMissing } from "./text.ts";

describe("mojibake", () => {
  const rows: [given: string, meant: string][] = [
    ["ombrÃ©-dyed", "ombré-dyed"],
    ["BOOSTâ„¢ foam", "BOOST™ foam"],
    ["Womenâ\u0080\u0099s", "Women’s"],
    ["Jordan Â® shoes", "Jordan ® shoes"],
    ["Ð‘ÐµÐ³", "Бег"],
    ["run ðŸ˜€", "run 😀"],
    ["CAFÉ®", "CAFÉ®"],
    ["SÃO PAULO", "SÃO PAULO"],
    ["BOUNCEâ?¢", "BOUNCEâ?¢"],
    ["“café…”", "“café…”"],
    ["100 °C – 50 €", "100 °C – 50 €"],
  ];
  test.each(rows)("%s", (given, meant) => expect(cleanText(given)).toBe(meant));
});

test("control characters are removed, line ends and tabs of a description stay", () => {
  expect(cleanText(" a\u0000b\u0007c\u0085 \r\nd\te\u007f ")).toBe("abc \nd\te");
  expect(cleanLine("a\r\nb \t c\u00a0d\u0001")).toBe("a b c d");
});

test("markup is text and is kept", () => {
  expect(cleanLine("<script>alert(1)</script>")).toBe("<script>alert(1)</script>");
  expect(cleanText("<p>Soft\nand <b>light</b></p>")).toBe("<p>Soft\nand <b>light</b></p>");
});

test("words for a missing value count as missing", () => {
  for (const text of ["", "null", "NaN", "N/A", "None"]) expect(isMissing(text)).toBe(true);
  for (const text of ["0", "nano", "Nadia"]) expect(isMissing(text)).toBe(false);
});
