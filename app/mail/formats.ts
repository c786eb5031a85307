// How mails write amounts, times and dates: by the shop's locale, in the zone of its reports.
import type { MailContext } from "./kind.ts";

type Formats = Pick<MailContext, "money" | "time" | "date">;

/** Opens the formats of a shop. */
export function openFormats({ locale, reportTimezone: timeZone }: FormatSettings): Formats {
  const times = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short", timeZone });
  const dates = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeZone: "UTC" });
  return {
    money: (amount, currency) =>
      new Intl.NumberFormat(locale, { style: "currency", currency }).format(amount),
    time: (iso) => times.format(new Date(iso)),
    date: (date) => dates.format(new Date(`${date}T00:00:00Z`)),
  };
}

type FormatSettings = { locale: string; reportTimezone: string };
