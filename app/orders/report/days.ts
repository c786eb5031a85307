// Days of a time zone as spans of time: of 23, 24 or 25 hours, at times of others, and of none where a zone skips a date.

/** One day; `date` is YYYY-MM-DD. Its end is the start of the next one, so that days neither overlap nor leave a gap. */
export type Day = { date: string; startMs: number; endMs: number };

const plain = (date: string) => Temporal.PlainDate.from(date);

/** The first instant of a date; of one that the zone skips, that of the next date. */
export const startOfDay = (date: string, zone: string): number =>
  plain(date).toZonedDateTime({ timeZone: zone }).epochMilliseconds;

/** The date that follows. */
export const nextDay = (date: string): string => plain(date).add({ days: 1 }).toString();

/** The date so many days later, or earlier where `days` is negative. */
export const addDays = (date: string, days: number): string => plain(date).add({ days }).toString();

/** How many days later the second date is; negative where it is earlier. */
export const daysBetween = (from: string, to: string): number => plain(from).until(plain(to)).days;

/** The date of an instant: the day that it lies in. */
export function dayOf(ms: number, zone: string): string {
  const date = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toPlainDate().toString();
  const next = nextDay(date);
  // Where clocks are turned back over midnight, a date comes twice; the second time belongs to the day that has begun.
  return ms >= startOfDay(next, zone) ? next : date;
}

/** Whether a text is a date of the calendar in the form YYYY-MM-DD. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  try {
    Temporal.PlainDate.from(text, { overflow: "reject" });
    return true;
  } catch {
    return false;
  }
}

/** The days from one date to another, both included. */
export function daysOf(from: string, to: string, zone: string): Day[] {
  const days: Day[] = [];
  let date = from;
  let startMs = startOfDay(from, zone);
  for (let left = daysBetween(from, to); left >= 0; left -= 1) {
    const next = nextDay(date);
    const endMs = startOfDay(next, zone);
    days.push({ date, startMs, endMs });
    [date, startMs] = [next, endMs];
  }
  return days;
}
