// The terms of sale from the settings: how and where the shop delivers, and the tax that its prices contain.
import { type Form, money, text } from "../http/field-kinds.ts";
import { into, list, object, optional } from "../http/fields.ts";
import { isCountry } from "./countries.ts";

/** One way of delivery; without `countries` it goes everywhere. Amounts in minor units. */
export type ShippingMethod = {
  method: string;
  name: string;
  countries?: string[];
  priceCents: number;
  /** Free for items of at least so much. */
  freeFromCents?: number;
};

/** The terms of sale. */
export type Terms = {
  shipping: readonly ShippingMethod[];
  /** The tax that prices contain by country (ISO 3166 alpha-2), in hundredths of a percent; none: 0. */
  taxRates: Readonly<Record<string, number>>;
};

const METHODS_MAX = 50;
const COUNTRIES_MAX = 250;
const PRICE_CENTS_MAX = 100_000_000;
const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const COUNTRY: Form = {
  pattern: /^[A-Z]{2}$/,
  isValid: isCountry,
  rule: "must be an ISO 3166 code such as DE",
};
/** A percentage with at most two decimals. */
const PERCENT = /^(0|[1-9]\d?)(\.\d{1,2})?$/;

const METHOD = object({
  method: text({
    min: 1,
    max: 64,
    form: { pattern: NAME, rule: "must consist of a-z 0-9 _ - and begin with a letter or digit" },
  }),
  name: text({ min: 1, max: 100 }),
  countries: optional(
    list(text({ form: COUNTRY }), {
      min: 1,
      max: COUNTRIES_MAX,
      of: "countries",
    }),
  ),
  price: into("priceCents", money({ min: 0, max: PRICE_CENTS_MAX })),
  freeFrom: into("freeFromCents", optional(money({ max: PRICE_CENTS_MAX }))),
});
const METHODS = list(METHOD, { min: 1, max: METHODS_MAX, of: "methods" });

/** One method, at no cost, everywhere. */
export const SHIPPING_DEFAULT = '[{"method":"standard","name":"Standard","price":0}]';

/** Reads the setting SHIPPING. Throws an error that ends a sentence: what is wrong and the rule. */
export function readShipping(setting: string): ShippingMethod[] {
  const value = parsed(setting);
  const errors: { pointer: string; detail: string }[] = [];
  const methods = METHODS.read(value, "", errors);
  const [first] = errors;
  if (first || !methods) throw new Error(`${first?.pointer || "it"} ${first?.detail ?? "is not valid"}`);
  const names = methods.map(({ method }) => method);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice) throw new Error(`it has the method ${twice} twice`);
  return methods as ShippingMethod[];
}

/** Reads the setting TAX_RATES: percent by country. Throws as `readShipping` does. */
export function readTaxRates(setting: string): Record<string, number> {
  const value = parsed(setting);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error('it must be an object such as {"DE":19}');
  return Object.fromEntries(
    Object.entries(value).map(([country, percent]) => {
      if (!isCountry(country)) throw new Error(`${country} ${COUNTRY.rule}`);
      if (typeof percent !== "number" || !PERCENT.test(String(percent)))
        throw new Error(`${country} must be a percentage from 0 to 99.99 with at most two decimals`);
      return [country, Math.round(percent * 100)];
    }),
  );
}

function parsed(setting: string): unknown {
  try {
    return JSON.parse(setting);
  } catch {
    throw new Error("it must be well-formed JSON");
  }
}

/** The methods that deliver to a country; without one, those that go everywhere. */
export const methodsFor = ({ shipping }: Terms, country: string | null): ShippingMethod[] =>
  shipping.filter(({ countries }) => !countries || (country !== null && countries.includes(country)));

/** The price of a method for items of this value. */
export const shippingCents = ({ priceCents, freeFromCents }: ShippingMethod, itemsCents: number): number =>
  freeFromCents !== undefined && itemsCents >= freeFromCents ? 0 : priceCents;
