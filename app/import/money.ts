// Parses amounts as shops write them, and converts them into minor units of the shop's currency.

/** An amount in hundredths of its currency; `currency` is null where the text names none. */
type Amount = { cents: number; currency: string | null };

/** An exact exchange rate: one foreign unit is `units / scale` units of the shop's currency. */
export type Rate = { units: bigint; scale: bigint };

/** The shop's currency and the exchange rates into it. */
export type MoneyRules = { currency: string; rates: ReadonlyMap<string, Rate> };

const SYMBOLS: Record<string, string> = {
  US$: "USD", C$: "CAD", CA$: "CAD", A$: "AUD", AU$: "AUD", NZ$: "NZD", HK$: "HKD", S$: "SGD", R$: "BRL",
  $: "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW", "zł": "PLN",
  "kč": "CZK", kr: "SEK", fr: "CHF", "fr.": "CHF", sfr: "CHF", "sfr.": "CHF", "kr.": "SEK", "rs.": "INR", rs: "INR",
}; // biome-ignore format: a table
/** Symbols that several currencies share: the currency column or the shop's currency decides. */
const SHARED_SYMBOLS: Record<string, readonly string[]> = {
  $: ["USD", "CAD", "AUD", "NZD", "HKD", "SGD", "MXN"],
  kr: ["SEK", "NOK", "DKK", "ISK"],
  "kr.": ["SEK", "NOK", "DKK", "ISK"],
  "¥": ["JPY", "CNY"],
};
const AMOUNT =
  /^((?:[^\d\s.,'’-]{1,4}\.?)?)\s*(\d[\d\s.,'’]*?)(?:[.,]?[-–—]{1,2})?\s*((?:[^\d\s.,'’-]{1,4}\.?)?)$/u;
const CODE = /^[A-Z]{3}$/;
const PLAIN = /^\d{1,9}(?:\.\d{1,2})?$/;

/** Parses an amount like "$80", "1.234,00 €" or 79.9; a returned text is the reason why it is refused. */
export function readAmount(
  value: unknown,
  columnCurrency: string | null,
  shopCurrency: string,
): Amount | string {
  if (typeof value === "number") return fromNumber(value, columnCurrency);
  if (typeof value !== "string") return "is not an amount";
  const text = value.trim();
  if (PLAIN.test(text)) return { cents: Math.round(Number(text) * 100), currency: columnCurrency };
  const found = AMOUNT.exec(text);
  if (found === null) return text.startsWith("-") ? "is below 0" : "is not an amount";
  const [, before = "", digits = "", after = ""] = found;
  const cents = centsOf(digits.trim());
  if (typeof cents === "string") return cents;
  const symbolOrCode = after || before;
  if (symbolOrCode === "") return { cents, currency: columnCurrency };
  const currency = currencyOf(symbolOrCode, columnCurrency ?? shopCurrency);
  if (currency === null) return `has an unknown currency ${symbolOrCode}`;
  if (before !== "" && currencyOf(before, currency) !== currency)
    return `names two currencies, ${before} and ${after}`;
  return { cents, currency };
}

/** The ISO code of a code or symbol; a shared symbol means the expected currency if that uses it. */
export function currencyOf(symbolOrCode: string, expected: string): string | null {
  const code = symbolOrCode.toUpperCase();
  const symbol = code in SYMBOLS ? code : symbolOrCode.toLowerCase();
  if (SHARED_SYMBOLS[symbol]?.includes(expected)) return expected;
  return SYMBOLS[symbol] ?? (CODE.test(code) ? code : null);
}

/** Converts an amount into minor units of the shop's currency, rounded half up; a returned text is the reason for a refusal. */
export function inShopCents(amount: Amount, rules: MoneyRules): number | string {
  if (amount.currency === null || amount.currency === rules.currency) return amount.cents;
  const rate = rules.rates.get(amount.currency);
  if (rate === undefined)
    return `is in ${amount.currency}: add --rate ${amount.currency}=<${rules.currency} for 1>`;
  return Number((BigInt(amount.cents) * rate.units * 2n + rate.scale) / (rate.scale * 2n));
}

/** Parses an exchange rate like "EUR=1.08". Throws on anything else. */
export function readRate(text: string): [currency: string, rate: Rate] {
  const found = /^([A-Za-z]{3})=(\d{1,9})(?:\.(\d{1,12}))?$/.exec(text);
  const [, currency = "", whole = "", decimals = ""] = found ?? [];
  const units = BigInt(whole + decimals || "0");
  if (units === 0n) throw new Error(`--rate ${text}: must be like EUR=1.08, shop units for one foreign unit`);
  return [currency.toUpperCase(), { units, scale: 10n ** BigInt(decimals.length) }];
}

function fromNumber(value: number, currency: string | null): Amount | string {
  const cents = Math.round(value * 100);
  if (value < 0) return "is below 0";
  if (!Number.isSafeInteger(cents)) return "is too large";
  return Math.abs(value * 100 - cents) > 1e-6 * Math.max(1, value)
    ? "has more than two decimals"
    : { cents, currency };
}

function centsOf(digits: string): number | string {
  const marks: string[] = digits.match(/[.,]/g) ?? [];
  const last = marks.at(-1);
  const isRepeated = last !== undefined && marks.indexOf(last) !== marks.length - 1;
  if (isRepeated && new Set(marks).size > 1) return "is not an amount";
  const markIndex = last === undefined || isRepeated ? -1 : digits.lastIndexOf(last);
  const decimals = digits.slice(markIndex + 1);
  const isThousands =
    marks.length === 1 && /^[1-9]\d{0,2}$/.test(digits.slice(0, markIndex)) && /^\d{3}$/.test(decimals);
  if (markIndex === -1 || isThousands) return toCents(digits, "");
  if (!/^\d*$/.test(decimals)) return "is not an amount";
  if (decimals.length > 2) return "has more than two decimals";
  return toCents(digits.slice(0, markIndex), decimals);
}

function toCents(whole: string, decimals: string): number | string {
  const groups = whole.split(/[\s.,'’]/);
  const separators = new Set((whole.match(/[\s.,'’]/g) ?? []).map((mark) => (/\s/.test(mark) ? " " : mark)));
  const isGrouped = groups.every((group, index) => (index === 0 ? /^\d{1,3}$/ : /^\d{3}$/).test(group));
  if (separators.size > 1 || (groups.length > 1 && !isGrouped)) return "is not an amount";
  const cents = Number(groups.join("") + decimals.padEnd(2, "0"));
  return Number.isSafeInteger(cents) ? cents : "is too large";
}
