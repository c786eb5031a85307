// Hours of days: by hand where clocks change, and for random days of every zone.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { daysOf } from "./days.ts";
import { hoursOf } from "./hours.ts";

const HOUR_MS = 3_600_000;
const dayIn = (date: string, zone: string) => {
  const [day] = daysOf(date, date, zone);
  if (!day) throw new Error(`no day ${date}`);
  return day;
};
const hour = (index: number): string => `${String(index).padStart(2, "0")}:00`;
const PLAIN = Array.from({ length: 24 }, (_, index) => hour(index));
/** The plain hours, with those of `instead` in place of `count` from the hour `at` on. */
const withHours = (at: number, count: number, ...instead: string[]) => PLAIN.toSpliced(at, count, ...instead);

describe("by hand", () => {
  test.each<[string, string, string[]]>([
    ["UTC", "2026-03-29", PLAIN],
    ["Europe/Berlin", "2026-03-28", PLAIN],
    ["Europe/Berlin", "2026-03-29", withHours(2, 1)],
    ["Europe/Berlin", "2026-10-25", withHours(2, 0, "02:00")],
    ["Europe/Berlin", "2025-12-31", PLAIN],
    ["America/New_York", "2026-03-08", withHours(2, 1)],
    ["America/New_York", "2026-11-01", withHours(1, 0, "01:00")],
    // Clocks go by half an hour: from 02:00 back to 01:30, and from 02:00 ahead to 02:30.
    ["Australia/Lord_Howe", "2026-04-05", withHours(2, 0, "01:30")],
    ["Australia/Lord_Howe", "2026-10-04", withHours(2, 1, "02:30")],
    ["Asia/Kathmandu", "2026-06-01", PLAIN],
    ["+05:30", "2026-06-01", PLAIN],
    ["Pacific/Apia", "2011-12-29", PLAIN],
    ["Pacific/Apia", "2011-12-30", []],
    ["Pacific/Apia", "2011-12-31", PLAIN],
    // There is no midnight.
    ["America/Sao_Paulo", "2018-11-04", withHours(0, 1)],
    // Clocks went from 00:01 back to 23:01 of the day before.
    ["America/St_Johns", "2010-11-07", withHours(0, 0, "00:00", "23:01")],
    // Clocks moved by a quarter of an hour at midnight.
    ["Asia/Kathmandu", "1986-01-01", withHours(0, 1, "00:15")],
  ])("%s %s", (zone, date, starts) => {
    expect(hoursOf(dayIn(date, zone), zone).map(({ start }) => start)).toEqual(starts);
  });

  test("parts of hours are as long as they are", () => {
    const hours = hoursOf(dayIn("2026-04-05", "Australia/Lord_Howe"), "Australia/Lord_Howe");
    const lengths = hours.map(({ startMs, endMs }) => (endMs - startMs) / HOUR_MS);
    expect(lengths.slice(0, 4)).toEqual([1, 1, 0.5, 1]);
    expect(lengths.filter((length) => length !== 1)).toEqual([0.5]);
  });
});

describe("of every zone", () => {
  const ZONES = Intl.supportedValuesOf("timeZone");

  test("make up their day, and each begins as the clocks of Intl show", () => {
    const date = fc
      .integer({ min: Date.UTC(1970, 0, 2), max: Date.UTC(2060, 0, 1) })
      .map((ms) => new Date(ms).toISOString().slice(0, 10));
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), date, (zone, date) => {
        const clocks = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeStyle: "short" });
        const day = dayIn(date, zone);
        const hours = hoursOf(day, zone);
        expect([hours[0]?.startMs ?? day.endMs, hours.at(-1)?.endMs ?? day.startMs]).toEqual([
          day.startMs,
          day.endMs,
        ]);
        for (const [index, { start, startMs, endMs }] of hours.entries()) {
          expect(start).toBe(clocks.format(startMs));
          expect(endMs - startMs).toBeWithin(1, HOUR_MS + 1);
          if (index > 0) expect(startMs).toBe(hours[index - 1]?.endMs ?? 0);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
