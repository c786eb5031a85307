// The period of a report, read from the query: dates of the shop's zone, both included.
import type { QueryParameters } from "../../http/parameters.ts";
import { addDays, dayOf, daysBetween, isDate } from "./days.ts";

/** The first and the last date, YYYY-MM-DD. */
export type Period = { from: string; to: string };

const DAYS_DEFAULT = 30;
/** A year, and the same day of the next one. */
export const DAYS_MAX = 366;
/** There were no orders before; a year of five digits has another form. */
const FIRST = "1970-01-01";
const RULE = `must be a date such as 2026-03-29, from ${FIRST} on`;

/**
 * The period of `from` and `to`; `to` is today by default, `from` 29 days before it. Throws the `Problem` 400 that names the
 * refused parameter.
 */
export function readPeriod(read: QueryParameters, nowMs: number, zone: string): Period {
  const dateOf = (name: string): string | null => {
    const text = read.one(name);
    if (text === null || (isDate(text) && text >= FIRST)) return text;
    read.refuse(name, RULE);
    return null;
  };
  const [givenFrom, givenTo] = [dateOf("from"), dateOf("to")];
  read.check();
  const to = givenTo ?? dayOf(nowMs, zone);
  const from = givenFrom ?? addDays(to, 1 - DAYS_DEFAULT);
  const days = daysBetween(from, to) + 1;
  if (days < 1) read.refuse("from", `must not be after ${to}`);
  if (days > DAYS_MAX) read.refuse("from", `must be at most ${DAYS_MAX - 1} days before ${to}`);
  read.check();
  return { from, to };
}
