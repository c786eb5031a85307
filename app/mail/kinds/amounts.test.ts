// The amounts that a receipt shows, for random orders of a real shop: they add up, and are those of the order.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { must } from "../../../db/must.ts";
import { readConfig } from "../../config.ts";
import { CART_SETTINGS, CART_SHOES, CARTS, order, orderOf } from "../../testing/orders.ts";
import { openTestShop, type TestShop } from "../../testing/shop.ts";
import { openFormats } from "../formats.ts";
import { formsOf } from "../forms.ts";
import type { Mail } from "../kind.ts";
import { previewContext, writeMail } from "../preview/command.ts";
import { SAMPLE_ORDER, sampleMail } from "../preview/samples.ts";

const context = previewContext(readConfig({}));
let shop: TestShop;
setDefaultTimeout(60_000);
beforeAll(async () => {
  shop = await openTestShop(CART_SHOES, {
    ...CART_SETTINGS,
    OPEN_ORDERS_MAX: "0",
    OPEN_ORDERS_ADDRESS_MAX: "0",
  });
});
afterAll(() => shop.close());

/** The outbox's mail of an order. */
function mailOf(number: string, kind: "receipt" | "alert"): Mail {
  const row = shop.db.read.get<[string]>(
    "SELECT data FROM outbox WHERE number = ? AND kind = ?",
    number,
    kind,
  );
  return { ...sampleMail(kind), data: JSON.parse(must(row, "the mail")[0]) };
}

const centsOf = (shown: string): number => Math.round(Number(shown.replace(/[$,]/g, "")) * 100);

/** The labels and the amounts in cents of a text's table, in order. */
const amountsIn = (text: string): [string, number][] =>
  [...text.matchAll(/^(\S.*?) {2,}(\$[\d,]+\.\d\d)$/gm)].map(([, label = "", shown = ""]) => [
    label,
    centsOf(shown),
  ]);

test("the lines and the delivery add up to the total, which with its tax is that of the order", async () => {
  await fc.assert(
    fc.asyncProperty(CARTS, async (cart) => {
      const { status, body } = await order(shop, orderOf(cart));
      expect(status).toBe(201);
      const { number, items, totals } = body.data;
      for (const kind of ["receipt", "alert"] as const) {
        const { subject, blocks } = await writeMail(mailOf(number, kind), context);
        const { text, html } = formsOf(subject, blocks, context);
        const amounts = amountsIn(text);
        const [label, total] = must(amounts.at(-1), "the total");
        expect([label, total]).toEqual(["Total", Math.round(totals.total * 100)]);
        expect(amounts).toHaveLength(items.length + 2);
        expect(amounts.slice(0, -1).reduce((sum, [, cents]) => sum + cents, 0)).toBe(total);
        const tax = /tax contained: (\S+)$/m.exec(text)?.[1] ?? "$0.00";
        expect(centsOf(tax)).toBe(Math.round(totals.tax * 100));
        for (const [, cents] of amounts) expect(html).toContain(context.money(cents / 100, "USD"));
      }
    }),
    { numRuns: 60 },
  );
});

test("a refund whose amount is not the price of its pairs shows no prices that do not add up", async () => {
  const one = { ...must(SAMPLE_ORDER.items[0], "an item"), quantity: 2, price: 10 };
  const textOf = async (amount: number) => {
    const refund = { items: [one], amount, currency: "USD" };
    const mail = { ...sampleMail("refunded"), data: { ...SAMPLE_ORDER, refund } };
    return formsOf("", (await writeMail(mail, context)).blocks, context).text;
  };
  expect(amountsIn(await textOf(20))).toEqual([
    [one.productName, 2_000],
    ["Refund", 2_000],
  ]);
  expect(amountsIn(await textOf(19.99))).toEqual([["Refund", 1_999]]);
});

test.each([
  ["en-US", "USD", 1234.5, "$1,234.50"],
  ["en-US", "USD", 0, "$0.00"],
  ["de-DE", "EUR", 129.99, "129,99\u00A0€"],
  ["ja-JP", "JPY", 12_900, "￥12,900"],
  ["ja-JP", "JPY", 129.9, "￥129.90"],
  ["en-US", "KWD", 129.9, "KWD\u00A0129.900"],
  ["en-US", "USD", 99_999_999_999.99, "$99,999,999,999.99"],
])("in %s %s %p is written as %s", (locale, currency, amount, expected) => {
  expect(openFormats({ locale, reportTimezone: "UTC" }).money(amount, currency)).toBe(expected);
});

test("times are those of the shop's zone, dates and countries are written by its locale", () => {
  const formats = openFormats({ locale: "en-GB", reportTimezone: "America/New_York" });
  expect(formats.time("2026-11-01T05:30:00.000Z")).toBe("1 November 2026 at 01:30");
  expect(formats.deadline("2026-11-01T05:30:00.000Z")).toBe("1 November 2026 at 01:30 GMT-4");
  expect(formats.date("2026-11-01")).toMatch(/^Sunday,? 1 November 2026$/);
  expect(formats.country("XK")).toBe("Kosovo");
  expect(openFormats({ locale: "de-DE", reportTimezone: "UTC" }).country("GB")).toBe(
    "Vereinigtes Königreich",
  );
});
