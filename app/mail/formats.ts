// How mails write amounts, times, dates and countries: by the shop's locale, in the zone of its reports.
import type { MailContext } from "./kind.ts";

type Formats = Pick<MailContext, "money" | "time" | "deadline" | "date" | "country">;

/** Opens the formats of a shop. */
export function openFormats({ locale, reportTimezone: timeZone }: FormatSettings): Formats {
  const times = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short", timeZone });
  const deadlines = new Intl.DateTimeFormat(locale, {
    year: "numeric",
    month: "long",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZoneName: "short",
    timeZone,
  });
  const dates = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeZone: "UTC" });
  const countries = new Intl.DisplayNames(locale, { type: "region" });
  const moneys = new Map<string, Intl.NumberFormat>();
  return {
    money(amount, currency) {
      const isWhole = Number.isInteger(amount);
      const key = `${currency} ${isWhole}`;
      const format = moneys.get(key) ?? moneyFormat(locale, currency, isWhole);
      moneys.set(key, format);
      return format.format(amount);
    },
    time: (iso) => times.format(new Date(iso)),
    deadline: (iso) => deadlines.format(new Date(iso)),
    date: (date) => dates.format(new Date(`${date}T00:00:00Z`)),
    country: (code) => countries.of(code) ?? code,
  };
}

type FormatSettings = { locale: string; reportTimezone: string };

/** Amounts are hundredths in every currency: a fraction is shown also where its locale shows none, as that of the yen. */
function moneyFormat(locale: string, currency: string, isWhole: boolean): Intl.NumberFormat {
  const options = { style: "currency", currency } as const;
  const format = new Intl.NumberFormat(locale, options);
  const { maximumFractionDigits: digits = 2 } = format.resolvedOptions();
  return isWhole || digits >= 2
    ? format
    : new Intl.NumberFormat(locale, { ...options, minimumFractionDigits: 2 });
}
