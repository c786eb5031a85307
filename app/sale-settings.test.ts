// The settings of sales: each default, valid values, and the sentence for any other.
import { describe, expect, test } from "bun:test";
import { readSaleConfig } from "./sale-settings.ts";

const read = (env: Record<string, string>, isProduction = false) => readSaleConfig(env, isProduction);
const everywhere = { method: "standard", name: "Standard", priceCents: 0 };

test("without settings: guests, one free delivery everywhere, no tax, the sandbox, days of UTC", () => {
  expect(read({})).toEqual({
    guestOrders: true,
    openOrdersMax: 3,
    openOrdersAddressMax: 20,
    orderUrl: "/orders",
    terms: { shipping: [everywhere], taxRates: {} },
    paymentGateway: "sandbox",
    reportTimezone: "UTC",
  });
});

test("blank settings count as missing", () => {
  const names = ["GUEST_ORDERS", "OPEN_ORDERS_MAX", "OPEN_ORDERS_ADDRESS_MAX", "ORDER_URL", "SHIPPING"];
  for (const name of [...names, "TAX_RATES", "PAYMENT_GATEWAY", "REPORT_TIMEZONE"])
    expect(read({ [name]: "  " })).toEqual(read({}));
});

test("in production no gateway takes cards unless it is named", () => {
  expect(read({}, true).paymentGateway).toBe("none");
  expect(read({ PAYMENT_GATEWAY: "sandbox" }, true).paymentGateway).toBe("sandbox");
  expect(read({ PAYMENT_GATEWAY: "none" }).paymentGateway).toBe("none");
});

test("an order's page follows PUBLIC_URL, or has an address of its own", () => {
  const PUBLIC_URL = "https://shop.example/";
  expect(read({ PUBLIC_URL }).orderUrl).toBe("https://shop.example/orders");
  expect(read({ PUBLIC_URL, ORDER_URL: "https://front.example/my-orders/" }).orderUrl).toBe(
    "https://front.example/my-orders",
  );
});

describe("a valid setting is read", () => {
  test("guests and limits", () => {
    const env = { GUEST_ORDERS: "false", OPEN_ORDERS_MAX: "0", OPEN_ORDERS_ADDRESS_MAX: "1000000" };
    expect(read(env)).toMatchObject({
      guestOrders: false,
      openOrdersMax: 0,
      openOrdersAddressMax: 1_000_000,
    });
  });

  test("ways of delivery, their zones and prices in minor units", () => {
    const SHIPPING = JSON.stringify([
      { method: "post", name: "Post", countries: ["DE", "AT"], price: 4.9, freeFrom: 100 },
      { method: "pick-up_1", name: "Abholung", price: "0" },
    ]);
    expect(read({ SHIPPING }).terms.shipping).toEqual([
      { method: "post", name: "Post", countries: ["DE", "AT"], priceCents: 490, freeFromCents: 10_000 },
      { method: "pick-up_1", name: "Abholung", priceCents: 0 },
    ]);
  });

  test("tax rates in hundredths of a percent", () => {
    expect(
      read({ TAX_RATES: '{"DE":19,"FR":5.5,"CH":8.1,"IE":0,"HU":27.25,"XK":18}' }).terms.taxRates,
    ).toEqual({ DE: 1_900, FR: 550, CH: 810, IE: 0, HU: 2_725, XK: 1_800 });
  });

  test.each(["UTC", "Europe/Berlin", "Pacific/Auckland", "America/New_York"])("the time zone %s", (zone) => {
    expect(read({ REPORT_TIMEZONE: zone }).reportTimezone).toBe(zone);
  });
});

describe("a bad setting is refused in one sentence", () => {
  /** The sentence by which settings are refused. */
  const refusal = (env: Record<string, string>): string | null => {
    try {
      read(env);
      return null;
    } catch (thrown) {
      return (thrown as Error).message;
    }
  };

  test.each([
    ["GUEST_ORDERS", "no", "true or false"],
    ["OPEN_ORDERS_MAX", "-1", "a whole number from 0 to 1000000"],
    ["OPEN_ORDERS_MAX", "many", "a whole number from 0 to 1000000"],
    ["OPEN_ORDERS_ADDRESS_MAX", "1000001", "a whole number from 0 to 1000000"],
    ["ORDER_URL", "/orders", "an http or https URL without user and query"],
    ["ORDER_URL", "https://shop.example/?order=", "an http or https URL without user and query"],
    ["PAYMENT_GATEWAY", "paypal", "one of sandbox, none"],
    ["PAYMENT_GATEWAY", "Sandbox", "one of sandbox, none"],
    ["REPORT_TIMEZONE", "Berlin", "a time zone such as Europe/Berlin"],
    ["REPORT_TIMEZONE", "Mars/Olympus", "a time zone such as Europe/Berlin"],
  ])("%s=%s", (name, value, rule) => {
    expect(refusal({ [name]: value })).toBe(`${name} is ${JSON.stringify(value)}: it must be ${rule}`);
  });

  test("a gateway that is not built yet is named", () => {
    expect(refusal({ PAYMENT_GATEWAY: "stripe" })).toBe(
      'PAYMENT_GATEWAY is "stripe": this version has no adapter for Stripe, so it must be one of sandbox, none',
    );
  });

  const method = { method: "post", name: "Post", price: 1 };
  const amount = "must be an amount from 0 to 1000000 with at most two decimals";
  test.each<[unknown, string]>([
    ["[", "it must be well-formed JSON"],
    [{}, "it must be a list of 1 to 50 methods"],
    [[], "it must be a list of 1 to 50 methods"],
    [["post"], "/0 must be an object"],
    [[{ name: "Post", price: 1 }], "/0/method is required"],
    [
      [{ ...method, method: "Post!" }],
      "/0/method must consist of a-z 0-9 _ - and begin with a letter or digit",
    ],
    [[{ ...method, name: "" }], "/0/name must have 1 to 100 characters"],
    [[{ ...method, price: -1 }], `/0/price ${amount}`],
    [[{ ...method, price: 1.005 }], `/0/price ${amount}`],
    [
      [method, { ...method, method: "b", freeFrom: 0 }],
      `/1/freeFrom ${amount.replace("from 0", "from 0.01")}`,
    ],
    [[{ ...method, countries: [] }], "/0/countries must be a list of 1 to 250 countries"],
    [[{ ...method, countries: ["DE", "de"] }], "/0/countries/1 must be an ISO 3166 code such as DE"],
    [[{ ...method, countries: ["UK"] }], "/0/countries/0 must be an ISO 3166 code such as DE"],
    [[method, method], "it has the method post twice"],
  ])("SHIPPING %j", (value, rule) => {
    const SHIPPING = typeof value === "string" ? value : JSON.stringify(value);
    expect(refusal({ SHIPPING })).toBe(`SHIPPING is not valid: ${rule}`);
  });

  const percentage = "must be a percentage from 0 to 99.99 with at most two decimals";
  test.each<[string, string]>([
    ["{", "it must be well-formed JSON"],
    ["[]", 'it must be an object such as {"DE":19}'],
    ["19", 'it must be an object such as {"DE":19}'],
    ["null", 'it must be an object such as {"DE":19}'],
    ['{"de":19}', "de must be an ISO 3166 code such as DE"],
    ['{"UK":20}', "UK must be an ISO 3166 code such as DE"],
    ['{"DE":"19"}', `DE ${percentage}`],
    ['{"DE":-1}', `DE ${percentage}`],
    ['{"DE":100}', `DE ${percentage}`],
    ['{"DE":19.005}', `DE ${percentage}`],
    ['{"DE":1e-7}', `DE ${percentage}`],
  ])("TAX_RATES %s", (TAX_RATES, rule) => {
    expect(refusal({ TAX_RATES })).toBe(`TAX_RATES is not valid: ${rule}`);
  });
});
