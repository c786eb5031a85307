// The amounts of orders: whole minor units, rounded in one place, and the same in quote, answer, tables and at the gateway.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { must } from "../../db/must.ts";
import { readConfig } from "../config.ts";
import { openLog } from "../log.ts";
import { readSaleConfig } from "../sale-settings.ts";
import {
  askFor,
  CART_SETTINGS,
  CART_SHOES,
  CARTS,
  type Cart,
  GUEST,
  openTestGateway,
  order,
  orderOf,
  paymentOf,
} from "../testing/orders.ts";
import { openTestShop, type TestShop } from "../testing/shop.ts";
import { Placing } from "./fields.ts";
import { openSettle } from "./payment/settle.ts";
import { placeOrder } from "./place.ts";
import { quoteOf } from "./quote.ts";
import { taxIn, totalsOf } from "./totals.ts";

const TAXES = 10_000;
/** In each of three currencies: more than 10,000 in all. */
const CARTS_EACH = 3_400;
const CARTS_PER_BATCH = 340;
const CARTS_OVER_HTTP = 100;
const UNLIMITED = { OPEN_ORDERS_MAX: "0", OPEN_ORDERS_ADDRESS_MAX: "0" };
const { terms } = readSaleConfig(CART_SETTINGS, false);

/** A second implementation, in whole numbers of any size: half up means that twice the rest is at least the divisor. */
function taxOf(cents: bigint, rate: bigint): bigint {
  const [part, whole] = [cents * rate, 10_000n + rate];
  return part / whole + ((part % whole) * 2n >= whole ? 1n : 0n);
}

/** The totals of this cart, by the settings as they are written. */
function expectedOf({ items, country, shippingMethod }: Cart) {
  const lines = new Map<string, { cents: bigint; quantity: bigint }>();
  for (const { productId, quantity, size = "" } of items) {
    const name = `${productId} ${size.toUpperCase()}`;
    const { priceCents } = must(
      CART_SHOES.find(({ shoeId }) => shoeId === productId),
      productId,
    );
    const line = lines.get(name) ?? { cents: BigInt(priceCents), quantity: 0n };
    lines.set(name, { ...line, quantity: line.quantity + BigInt(quantity) });
  }
  const percent = { DE: 1_900n, FR: 550n, GB: 2_000n, CH: 810n, HU: 2_725n }[country ?? ""] ?? 0n;
  const amounts = [...lines.values()].map(({ cents, quantity }) => cents * quantity);
  const itemsCents = amounts.reduce((sum, each) => sum + each, 0n);
  const isPost = shippingMethod === null && (country === "DE" || country === "FR");
  const isExpress = shippingMethod === null && country === "GB";
  const shipping = isExpress ? 1_235n : isPost && itemsCents < 15_000n ? 490n : 0n;
  const taxes = amounts.map((cents) => taxOf(cents, percent));
  return {
    items: Number(itemsCents),
    shipping: Number(shipping),
    tax: Number(taxes.reduce((sum, each) => sum + each, taxOf(shipping, percent))),
    total: Number(itemsCents + shipping),
    lineTaxes: taxes.map(Number),
  };
}

/** An amount of JSON in minor units; throws where it is not a whole number of them. */
function minor(amount: number): number {
  const text = String(amount);
  if (!/^\d+(\.\d{1,2})?$/.test(text)) throw new Error(`${text} is no amount of two decimals`);
  return Number(
    text.replace(/\.?(\d*)$/, (_, decimals: string) =>
      text.includes(".") ? decimals.padEnd(2, "0") : `${decimals}00`,
    ),
  );
}

const minorTotals = (totals: Record<string, number>) =>
  Object.fromEntries(Object.entries(totals).map(([name, amount]) => [name, minor(amount)]));

const ORDER = `SELECT json_object('items', items_cents, 'shipping', shipping_cents, 'tax', tax_cents, 'total', total_cents),
  (SELECT json_group_array(typeof(price_cents) || typeof(tax_cents)) FROM order_lines AS l WHERE l.number = o.number),
  (SELECT json_group_array(tax_cents) FROM (SELECT * FROM order_lines AS l WHERE l.number = o.number ORDER BY position)),
  (SELECT sum(price_cents * quantity) FROM order_lines AS l WHERE l.number = o.number),
  typeof(items_cents) || typeof(shipping_cents) || typeof(tax_cents) || typeof(total_cents),
  (SELECT amount_cents FROM payment_requests AS r WHERE r.number = o.number), currency
FROM orders AS o WHERE id = ?`;

/** Compares an order's answer, its tables and its quote with the second implementation. */
// biome-ignore lint/suspicious/noExplicitAny: two answers of JSON
function expectSame(shop: TestShop, cart: Cart, quote: any, placed: any, currency: string): void {
  const { lineTaxes, ...totals } = expectedOf(cart);
  expect(minorTotals(quote.totals)).toEqual(totals);
  expect([placed.totals, placed.totalAmount, placed.items, placed.shippingMethod, placed.currency]).toEqual([
    quote.totals,
    quote.totals.total,
    quote.items,
    quote.shippingMethod,
    quote.currency,
  ]);
  const shown = quote.items.map(
    ({ price, quantity }: { price: number; quantity: number }) => minor(price) * quantity,
  );
  expect(shown.reduce((sum: number, each: number) => sum + each, 0)).toBe(totals.items);
  const [stored, types, taxes, sum, ofOrder, asked, code] = must(
    shop.db.read.get(ORDER, placed.id),
    "the order",
  );
  expect([JSON.parse(String(stored)), JSON.parse(String(taxes)), sum, ofOrder, asked, code]).toEqual([
    totals,
    lineTaxes,
    totals.items,
    "integer".repeat(4),
    totals.total,
    currency,
  ]);
  expect(new Set(JSON.parse(String(types)))).toEqual(new Set(["integerinteger"]));
}

test("tax is rounded half up for each line and for the delivery, for amounts up to the largest", () => {
  expect([taxIn(119, 1_900), taxIn(3, 2_000), taxIn(1, 1_900), taxIn(0, 1_900), taxIn(100, 0)]).toEqual([
    19, 1, 0, 0, 0,
  ]);
  // 9 * 20 / 120 is 1.5 and 21 * 20 / 120 is 3.5.
  expect([taxIn(9, 2_000), taxIn(21, 2_000)]).toEqual([2, 4]);
  const amounts = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: 99_999_999_999 }));
  fc.assert(
    fc.property(amounts, fc.integer({ min: 0, max: 9_999 }), (cents, rate) => {
      expect(taxIn(cents, rate)).toBe(Number(taxOf(BigInt(cents), BigInt(rate))));
    }),
    { numRuns: TAXES },
  );
  const lines = Array(3).fill({ priceCents: 9, quantity: 1 });
  expect(totalsOf(lines, () => 9, 2_000)).toEqual({
    itemsCents: 27,
    shippingCents: 9,
    taxCents: 8,
    totalCents: 36,
    lineTaxCents: [2, 2, 2],
  });
});

test.each(["JPY", "KRW", "KWD", "CLF"])("%s has no cents, so the shop does not start with it", (CURRENCY) => {
  expect(() => readConfig({ CURRENCY })).toThrow("it must be a currency with two decimals");
});

describe.each(["USD", "GBP", "EUR"])("in %s", (currency) => {
  const open = () => {
    const { gateway, asked } = openTestGateway(async ({ orderId }) => paymentOf("authorized", orderId));
    const shop = openTestShop(
      CART_SHOES,
      { CURRENCY: currency, ...CART_SETTINGS, ...UNLIMITED },
      { gateway },
    );
    return shop.then((opened) => ({ shop: opened, gateway, asked }));
  };

  test(`${CARTS_EACH} random carts: the quote is the order, in its answer, its tables and at the gateway`, async () => {
    const { shop, gateway, asked } = await open();
    const services = {
      db: shop.db,
      settle: openSettle(shop.db),
      now: Date.now,
      currency,
      terms,
      orderUrl: "/orders",
      openOrdersMax: 0,
      openOrdersAddressMax: 0,
      lowStock: 0,
      reportTimezone: "UTC",
      gateway,
      log: openLog("error", "json", () => undefined),
    };
    const owner = { kind: "guest", email: GUEST } as const;
    const placeAll = (carts: Cart[]) =>
      Promise.all(
        carts.map(async (cart) => {
          const input = Placing.read(orderOf(cart));
          const { items } = input;
          const quote = await quoteOf(services, {
            items,
            country: cart.country,
            shippingMethod: cart.shippingMethod,
          });
          const { json } = await placeOrder(services, { owner, input, client: "", storeAnswer: () => [] });
          return { cart, quote, placed: JSON.parse(json) };
        }),
      );
    const batches = fc.array(CARTS, { minLength: CARTS_PER_BATCH, maxLength: CARTS_PER_BATCH });
    await fc.assert(
      fc.asyncProperty(batches, async (carts) => {
        for (const { cart, quote, placed } of await placeAll(carts))
          expectSame(shop, cart, quote, placed, currency);
      }),
      { numRuns: CARTS_EACH / CARTS_PER_BATCH, endOnFailure: true },
    );
    expect(asked).toHaveLength(CARTS_EACH);
    expect(shop.db.read.get("SELECT sum(total_cents) FROM orders")).toEqual([
      asked.reduce((sum, { amountCents }) => sum + amountCents, 0),
    ]);
    await shop.close();
  }, 120_000);

  test(`${CARTS_OVER_HTTP} of them over HTTP`, async () => {
    const { shop } = await open();
    await fc.assert(
      fc.asyncProperty(CARTS, async (cart) => {
        const { items, country, shippingMethod } = cart;
        const quote = await askFor(shop, "POST", "/api/orders/quote", { items, country, shippingMethod });
        const expectedTotal = quote.body.data.totalAmount;
        const placed = await order(shop, { ...orderOf(cart), expectedTotal });
        expect(placed.status).toBe(201);
        expectSame(shop, cart, quote.body.data, placed.body.data, currency);
      }),
      { numRuns: CARTS_OVER_HTTP },
    );
    await shop.close();
  }, 60_000);
});
