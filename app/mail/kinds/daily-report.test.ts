// What the mail of a day's report says: its subject, its sums, the shoes, and the bars of its hours.
import { describe, expect, test } from "bun:test";
import type { Block } from "../blocks.ts";
import type { DailyReport } from "../daily-report/report.ts";
import { SAMPLE_REPORT } from "../daily-report/sample.ts";
import { openFormats } from "../formats.ts";
import type { Content, Mail } from "../kind.ts";
import { dailyReport } from "./daily-report.ts";

const HOURS = Array.from({ length: 24 }, (_, at) => ({
  start: `${String(at).padStart(2, "0")}:00`,
  orders: 0,
  revenue: 0,
}));
const QUIET: DailyReport = {
  date: "2026-03-10",
  timezone: "Europe/Berlin",
  currency: "EUR",
  orders: 0,
  items: 0,
  revenue: 0,
  refunds: 0,
  topShoes: [],
  hours: HOURS,
  newCustomers: 0,
};
const BUSY: DailyReport = {
  ...QUIET,
  orders: 3,
  items: 5,
  revenue: 1_234.5,
  refunds: 89.99,
  newCustomers: 2,
  topShoes: [
    { productId: "a", productName: "Road\r\nBcc: x <b>", pairs: 4, revenue: 1_000 },
    { productId: "b", productName: "Trail", pairs: 1, revenue: 234.5 },
  ],
  hours: HOURS.with(9, { start: "09:00", orders: 2, revenue: 1_000 }).with(17, {
    start: "17:00",
    orders: 1,
    revenue: 234.5,
  }),
};

const mailOf = (data: unknown): Mail => ({
  seq: 1,
  kind: "daily-report",
  part: 0,
  key: "2026-03-10",
  orderId: null,
  recipient: null,
  data,
  createdAtMs: 0,
  tries: 1,
});

async function write(data: unknown, locale = "en-US"): Promise<Content> {
  const links = { order: () => "", site: (href: string) => href, reset: async () => null };
  const formats = openFormats({ locale, reportTimezone: "Europe/Berlin" });
  const context = Object.assign({ shopName: "Insole", locale, links, country: String }, formats);
  const content = await dailyReport.write(mailOf(data), context);
  if (!content) throw new Error("nobody needs it");
  return content;
}

const linesOf = ({ blocks }: Content) =>
  blocks.flatMap((block) =>
    block.kind === "lines"
      ? block.lines.map(({ label, detail, value }) => [label, value, ...(detail ? [detail] : [])])
      : [],
  );
const barsOf = ({ blocks }: Content) => blocks.flatMap((block) => (block.kind === "bars" ? block.bars : []));
const textsOf = ({ blocks }: Content) =>
  blocks.flatMap((block: Block) =>
    block.kind === "heading" || block.kind === "text" || block.kind === "note" ? [block.text] : [],
  );

test("a busy day: its sums, its shoes, and a bar for each hour", async () => {
  const content = await write(BUSY);
  expect(content.subject).toBe("Insole: 3 orders on Tuesday, March 10, 2026");
  expect(linesOf(content)).toEqual([
    ["Orders", "3"],
    ["Pairs", "5"],
    ["Revenue", "€1,234.50", "with delivery and tax"],
    ["Refunds", "€89.99", "and cancelled orders"],
    ["New customers", "2"],
    ["Road\r\nBcc: x <b>", "€1,000.00", "4 pairs"],
    ["Trail", "€234.50", "1 pair"],
  ]);
  const bars = barsOf(content);
  expect(bars.map(({ label }) => label)).toEqual(HOURS.map(({ start }) => start));
  expect(bars.filter(({ share }) => share > 0)).toEqual([
    { label: "09:00", value: "2 · €1,000.00", share: 1 },
    { label: "17:00", value: "1 · €234.50", share: 0.2345 },
  ]);
  expect(bars.filter(({ value }) => value !== "")).toHaveLength(2);
  expect(textsOf(content)).toEqual([
    "Tuesday, March 10, 2026",
    "Shoes that sold most",
    "Orders and revenue by the hour",
    "Times are those of Europe/Berlin. An order counts when it is confirmed.",
  ]);
});

test("no text of a shoe is in the subject", async () => {
  expect((await write(BUSY)).subject).not.toContain("Bcc");
});

test("a day without orders is a short mail", async () => {
  const content = await write(QUIET);
  expect(content.subject).toBe("Insole: no orders on Tuesday, March 10, 2026");
  expect(linesOf(content)).toEqual([
    ["Orders", "0"],
    ["New customers", "0"],
  ]);
  expect(barsOf(content)).toEqual([]);
  expect(textsOf(content)).toHaveLength(2);
});

test("a day without orders on which something was given back", async () => {
  expect(linesOf(await write({ ...QUIET, refunds: 5 }))).toEqual([
    ["Orders", "0"],
    ["Refunds", "€5.00", "and cancelled orders"],
    ["New customers", "0"],
  ]);
});

test("one order, by another locale", async () => {
  const content = await write({ ...BUSY, orders: 1 }, "de-DE");
  expect(content.subject).toBe("Insole: 1 order on Dienstag, 10. März 2026");
  expect(linesOf(content)[2]).toEqual(["Revenue", "1.234,50\u00a0€", "with delivery and tax"]);
});

describe("a day on which clocks are changed", () => {
  test.each<[string, DailyReport["hours"], boolean]>([
    ["no change", HOURS, false],
    ["23 hours", HOURS.toSpliced(2, 1), true],
    ["25 hours", HOURS.toSpliced(2, 0, { start: "02:00", orders: 0, revenue: 0 }), true],
    ["half an hour less", HOURS.toSpliced(2, 1, { start: "02:30", orders: 0, revenue: 0 }), true],
  ])("%s", async (_name, hours, isSaid) => {
    const content = await write({ ...BUSY, hours });
    expect(barsOf(content).map(({ label }) => label)).toEqual(hours.map(({ start }) => start));
    expect(textsOf(content).includes("The clocks were changed on this day.")).toBe(isSaid);
  });
});

test("the sample adds up", async () => {
  const { hours, orders, revenue, items, topShoes } = SAMPLE_REPORT;
  expect(hours.reduce((sum, hour) => sum + hour.orders, 0)).toBe(orders);
  expect(hours.reduce((sum, hour) => sum + Math.round(hour.revenue * 100), 0)).toBe(
    Math.round(revenue * 100),
  );
  expect(topShoes.reduce((sum, shoe) => sum + shoe.pairs, 0)).toBeLessThanOrEqual(items);
  expect((await write(SAMPLE_REPORT)).subject).toBe(`Insole: ${orders} orders on Friday, November 27, 2026`);
});

test.each([[null], [{}], ["text"]])("data that is no report is refused: %j", async (data) => {
  expect(() => dailyReport.write(mailOf(data), {} as never)).toThrow("a mail daily-report of 2026-03-10");
});
