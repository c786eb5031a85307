// The settings of sales: delivery, tax, guests, limits of open orders, the payment gateway and the days of reports.
import { readShipping, readTaxRates, SHIPPING_DEFAULT, type Terms } from "./orders/orders.ts";
import { choice, type Environment, flag, httpUrl, refuse, text, whole } from "./settings.ts";

/** Amounts in minor units. */
export type SaleConfig = Readonly<{
  /** Guests may order with their e-mail address. */
  guestOrders: boolean;
  /** Orders that may wait for their payment, of one account or guest, and of one client address; 0: no limit. */
  openOrdersMax: number;
  openOrdersAddressMax: number;
  /** The address that an order's id follows, in a guest's link and after paying. */
  orderUrl: string;
  terms: Terms;
  paymentGateway: "sandbox" | "none";
  /** The zone whose days reports count by (IANA). */
  reportTimezone: string;
}>;

const OPEN_ORDERS_LIMIT = 1_000_000;

/** Reads the settings of sales. Throws an error of one sentence that names the first bad one and its rule. */
export function readSaleConfig(env: Environment, isProduction: boolean): SaleConfig {
  return {
    guestOrders: flag(env, "GUEST_ORDERS", true),
    openOrdersMax: whole(env, "OPEN_ORDERS_MAX", 3, 0, OPEN_ORDERS_LIMIT),
    openOrdersAddressMax: whole(env, "OPEN_ORDERS_ADDRESS_MAX", 20, 0, OPEN_ORDERS_LIMIT),
    orderUrl: httpUrl(env, "ORDER_URL") || `${httpUrl(env, "PUBLIC_URL")}/orders`,
    terms: {
      shipping: parsed(env, "SHIPPING", SHIPPING_DEFAULT, readShipping),
      taxRates: parsed(env, "TAX_RATES", "{}", readTaxRates),
    },
    paymentGateway: paymentGateway(env, isProduction),
    reportTimezone: timezone(env),
  };
}

function parsed<T>(env: Environment, name: string, fallback: string, read: (setting: string) => T): T {
  try {
    return read(text(env, name, fallback));
  } catch (thrown) {
    throw new Error(`${name} is not valid: ${thrown instanceof Error ? thrown.message : thrown}`);
  }
}

function paymentGateway(env: Environment, isProduction: boolean): SaleConfig["paymentGateway"] {
  if (text(env, "PAYMENT_GATEWAY", "") === "stripe")
    throw new Error(
      'PAYMENT_GATEWAY is "stripe": this version has no adapter for Stripe, so it must be one of sandbox, none',
    );
  return choice(env, "PAYMENT_GATEWAY", ["sandbox", "none"], isProduction ? "none" : "sandbox");
}

function timezone(env: Environment): string {
  const value = text(env, "REPORT_TIMEZONE", "UTC");
  try {
    return new Intl.DateTimeFormat("en", { timeZone: value }).resolvedOptions().timeZone;
  } catch {
    return refuse("REPORT_TIMEZONE", value, "a time zone such as Europe/Berlin");
  }
}
