// Amounts and exchange rates in the forms that shops use.
import { describe, expect, test } from "bun:test";
import { inShopCents, readAmount, readRate } from "./money.ts";

describe("amounts", () => {
  const rows: [text: string | number, cents: number, currency: string | null][] = [
    ["$80", 8000, "USD"],
    ["170,00€", 17000, "EUR"],
    ["1.234,00", 123400, null],
    ["1,400", 140000, null],
    ["1,400.50", 140050, null],
    ["€ 1.234", 123400, "EUR"],
    ["80 USD", 8000, "USD"],
    ["$80.00 USD", 8000, "USD"],
    ["£79.9", 7990, "GBP"],
    ["1 234,00", 123400, null],
    ["1\u202f234,00 €", 123400, "EUR"],
    ["CHF 1'234.50", 123450, "CHF"],
    ["Fr. 80.–", 8000, "CHF"],
    ["1,234,567", 123456700, null],
    ["1.234.567,89", 123456789, null],
    ["499,-", 49900, null],
    ["0", 0, null],
    [19.99, 1999, null],
    [80, 8000, null],
  ];
  test.each(rows)("%p", (text, cents, currency) =>
    expect(readAmount(text, null, "USD")).toEqual({ cents, currency }),
  );
});

test("every amount to 1000.00 is read as its minor units, as a number and in the forms of shops", () => {
  const wrong = [];
  for (let cents = 0; cents <= 100_000; cents += 1) {
    const text = (cents / 100).toFixed(2);
    for (const amount of [cents / 100, text, `$${text}`, text.replace(".", ",")]) {
      const read = readAmount(amount, null, "USD");
      if (typeof read === "string" || read.cents !== cents) wrong.push(amount);
    }
  }
  expect(wrong).toEqual([]);
});

describe("refused amounts", () => {
  const rows: [text: string | number, reason: string][] = [
    ["12.345678", "has more than two decimals"],
    ["0,125", "has more than two decimals"],
    [80.125, "has more than two decimals"],
    ["-5", "is below 0"],
    [-5, "is below 0"],
    ["1,23,4", "is not an amount"],
    ["1.2.3,4,5", "is not an amount"],
    ["12 34", "is not an amount"],
    ["1e3", "is not an amount"],
    ["free", "is not an amount"],
    ["80 ☃", "has an unknown currency ☃"],
    ["€80 USD", "names two currencies, € and USD"],
  ];
  test.each(rows)("%p", (text, reason) => expect(readAmount(text, null, "USD")).toBe(reason));
});

test("currency column and shop decide a shared symbol; a code in the text has priority", () => {
  expect(readAmount("$80", "CAD", "USD")).toEqual({ cents: 8000, currency: "CAD" });
  expect(readAmount("$80", null, "AUD")).toEqual({ cents: 8000, currency: "AUD" });
  expect(readAmount("$80", null, "EUR")).toEqual({ cents: 8000, currency: "USD" });
  expect(readAmount("80", "EUR", "USD")).toEqual({ cents: 8000, currency: "EUR" });
  expect(readAmount("80 GBP", "EUR", "USD")).toEqual({ cents: 8000, currency: "GBP" });
});

test("other currencies need an exchange rate and are rounded half up", () => {
  const rules = { currency: "USD", rates: new Map([readRate("EUR=1.08"), readRate("gbp=1.25")]) };
  expect(inShopCents({ cents: 17000, currency: "EUR" }, rules)).toBe(18360);
  expect(inShopCents({ cents: 2, currency: "GBP" }, rules)).toBe(3);
  expect(inShopCents({ cents: 1, currency: "GBP" }, rules)).toBe(1);
  expect(inShopCents({ cents: 100, currency: null }, rules)).toBe(100);
  expect(inShopCents({ cents: 100, currency: "JPY" }, rules)).toContain("--rate JPY=");
});

test.each(["EUR", "EUR=", "EUR=0", "EUR=-1", "EURO=1", "EUR=1,08", "EUR=abc"])(
  "%s is not an exchange rate",
  (text) => expect(() => readRate(text)).toThrow("must be like EUR=1.08"),
);
