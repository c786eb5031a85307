// The hours of a day as the clocks of its zone show them.
import type { Day } from "./days.ts";

/**
 * The part of a day in which its clocks show one hour. `start` is what they show at its begin (HH:MM): an hour that comes twice
 * is there twice, and where clocks are changed within an hour, it has two parts.
 */
export type Hour = { start: string; startMs: number; endMs: number };

/** The hours of a day, without gap and overlap: 24 of them, more or fewer where its clocks change. */
export function hoursOf({ startMs, endMs }: Pick<Day, "startMs" | "endMs">, zone: string): Hour[] {
  const hours: Hour[] = [];
  for (let fromMs = startMs; fromMs < endMs; ) {
    const clock = Temporal.Instant.fromEpochMilliseconds(fromMs).toZonedDateTimeISO(zone);
    const toMs = Math.min(endMs, nextHourMs(clock));
    hours.push({
      start: clock.toPlainTime().toString({ smallestUnit: "minute" }),
      startMs: fromMs,
      endMs: toMs,
    });
    fromMs = toMs;
  }
  return hours;
}

/** When the clock next shows a full hour, or is changed before. */
function nextHourMs(clock: Temporal.ZonedDateTime): number {
  const { minute, second, millisecond } = clock;
  const fullMs = clock.epochMilliseconds + HOUR_MS - (minute * 60 + second) * 1_000 - millisecond;
  const change = clock.getTimeZoneTransition("next");
  return change ? Math.min(fullMs, change.epochMilliseconds) : fullMs;
}

const HOUR_MS = 3_600_000;
