// Days of time zones: by hand where clocks change, and against a calendar of `Intl` alone for random zones and times.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { must } from "../../../db/must.ts";
import { addDays, dayOf, daysBetween, daysOf, isDate, nextDay, startOfDay } from "./days.ts";

const HOUR_MS = 3_600_000;
const ZONES = Intl.supportedValuesOf("timeZone");

/** The date that clocks of a zone show, by `Intl`. */
const formats = new Map<string, Intl.DateTimeFormat>();
function shown(ms: number, zone: string): string {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
  formats.set(zone, format);
  return format.format(ms);
}

/** The first instant at which the clocks show this date or a later one. */
function startByIntl(date: string, zone: string): number {
  let [before, after] = [Date.parse(date) - 48 * HOUR_MS, Date.parse(date) + 48 * HOUR_MS];
  // Hours first: where clocks go back over midnight, a bisection alone may find the second start.
  while (shown(before + HOUR_MS, zone) < date) before += HOUR_MS;
  after = before + HOUR_MS;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (shown(middle, zone) < date) before = middle;
    else after = middle;
  }
  return after;
}

const at = (zone: string, date: string): string => new Date(startOfDay(date, zone)).toISOString();

describe("by hand", () => {
  test.each<[string, string, string, number]>([
    ["UTC", "2026-02-28", "2026-02-28T00:00:00.000Z", 24],
    ["Europe/Berlin", "2026-03-28", "2026-03-27T23:00:00.000Z", 24],
    ["Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00.000Z", 23],
    ["Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00.000Z", 25],
    ["Europe/Berlin", "2025-12-31", "2025-12-30T23:00:00.000Z", 24],
    ["America/New_York", "2026-03-08", "2026-03-08T05:00:00.000Z", 23],
    ["America/New_York", "2026-11-01", "2026-11-01T04:00:00.000Z", 25],
    ["Pacific/Auckland", "2026-01-01", "2025-12-31T11:00:00.000Z", 24],
    ["Pacific/Auckland", "2026-04-05", "2026-04-04T11:00:00.000Z", 25],
    ["Pacific/Auckland", "2026-09-27", "2026-09-26T12:00:00.000Z", 23],
    ["Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00.000Z", 24.5],
    ["Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00.000Z", 23.5],
    ["Asia/Kathmandu", "2026-06-01", "2026-05-31T18:15:00.000Z", 24],
    // The date that Samoa skipped has no instant.
    ["Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00.000Z", 24],
    ["Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z", 0],
    ["Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00.000Z", 24],
    // Midnights that do not exist.
    ["America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000Z", 23],
    ["Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00.000Z", 23],
    // A midnight that comes twice: clocks went from 00:01 back to 23:01.
    ["America/St_Johns", "2010-11-06", "2010-11-06T02:30:00.000Z", 24],
    ["America/St_Johns", "2010-11-07", "2010-11-07T02:30:00.000Z", 25],
    ["+05:30", "2026-01-01", "2025-12-31T18:30:00.000Z", 24],
  ])("%s %s begins at %s and has %d hours", (zone, date, begin, hours) => {
    expect(at(zone, date)).toBe(begin);
    expect((startOfDay(nextDay(date), zone) - startOfDay(date, zone)) / HOUR_MS).toBe(hours);
  });

  test.each<[string, string, string]>([
    ["2026-03-29T00:59:59.999Z", "Europe/Berlin", "2026-03-29"],
    ["2025-12-31T22:59:59.999Z", "Europe/Berlin", "2025-12-31"],
    ["2025-12-31T23:00:00.000Z", "Europe/Berlin", "2026-01-01"],
    ["2025-12-31T10:59:59.999Z", "Pacific/Auckland", "2025-12-31"],
    ["2025-12-31T11:00:00.000Z", "Pacific/Auckland", "2026-01-01"],
    ["2011-12-30T09:59:59.999Z", "Pacific/Apia", "2011-12-29"],
    ["2011-12-30T10:00:00.000Z", "Pacific/Apia", "2011-12-31"],
    // The clocks show 23:31 of the 6th for the second time, while the 7th has begun.
    ["2010-11-07T03:01:00.000Z", "America/St_Johns", "2010-11-07"],
    ["2010-11-07T02:29:59.999Z", "America/St_Johns", "2010-11-06"],
  ])("%s in %s is %s", (instant, zone, date) => {
    expect(dayOf(Date.parse(instant), zone)).toBe(date);
  });

  test("a year has each of its days once, and as many hours as its clocks", () => {
    const days = daysOf("2027-12-31", "2028-12-31", "Europe/Berlin");
    expect(days).toHaveLength(367);
    expect(days.filter(({ date }) => date === "2028-02-29")).toHaveLength(1);
    const lengths = days.map(({ startMs, endMs }) => (endMs - startMs) / HOUR_MS);
    expect(lengths.filter((hours) => hours !== 24)).toEqual([23, 25]);
  });

  test.each([
    ["2026-02-29", false],
    ["2028-02-29", true],
    ["2026-13-01", false],
    ["2026-00-10", false],
    ["2026-04-31", false],
    ["2026-4-30", false],
    ["2026-04-30T00:00", false],
    ["2026-04-30\n", false],
    ["٢٠٢٦-04-30", false],
    ["-002026-04-30", false],
    ["", false],
    ["today", false],
  ])("%j is a date: %s", (text, is) => {
    expect(isDate(text)).toBe(is);
  });
});

describe("for random zones and times", () => {
  const zone = fc.constantFrom(...ZONES);
  const instant = fc.integer({ min: Date.UTC(1970, 0, 2), max: Date.UTC(2060, 0, 1) });
  const date = instant.map((ms) => new Date(ms).toISOString().slice(0, 10));

  test("days of a range follow each other without gap and overlap, and every date is there once", () => {
    fc.assert(
      fc.property(zone, date, fc.integer({ min: 0, max: 400 }), (zone, from, length) => {
        const to = addDays(from, length);
        const days = daysOf(from, to, zone);
        expect(daysBetween(from, to)).toBe(length);
        expect(days.map((day) => day.date)).toEqual(Array.from(days, (_, index) => addDays(from, index)));
        expect([days[0]?.date, days.at(-1)?.date, days.length]).toEqual([from, to, length + 1]);
        for (const [index, day] of days.entries()) {
          expect(day.startMs).toBeLessThanOrEqual(day.endMs);
          if (index > 0) expect(day.startMs).toBe(must(days[index - 1], "the day before").endMs);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("each instant lies in exactly one day, the one that dayOf names", () => {
    fc.assert(
      fc.property(zone, instant, (zone, ms) => {
        const date = dayOf(ms, zone);
        const around = daysOf(addDays(date, -3), addDays(date, 3), zone);
        const holding = around.filter(({ startMs, endMs }) => startMs <= ms && ms < endMs);
        expect(holding.map((day) => day.date)).toEqual([date]);
      }),
      { numRuns: 3_000 },
    );
  });

  test("a day begins when the clocks of Intl show its date for the first time", () => {
    fc.assert(
      fc.property(zone, date, (zone, date) => {
        expect([zone, date, startOfDay(date, zone)]).toEqual([zone, date, startByIntl(date, zone)]);
      }),
      { numRuns: 500 },
    );
  });

  test("every change of the clocks from 2020 to 2030, in every zone", () => {
    const lengths = new Set<number>();
    for (const zone of ZONES)
      for (const { date, startMs, endMs } of daysOf("2020-01-01", "2030-12-31", zone)) {
        const hours = (endMs - startMs) / HOUR_MS;
        if (hours === 24) continue;
        lengths.add(hours);
        expect([zone, date, startMs]).toEqual([zone, date, startByIntl(date, zone)]);
        expect([zone, date, endMs]).toEqual([zone, date, startByIntl(nextDay(date), zone)]);
      }
    expect([...lengths]).toContain(23);
    expect([...lengths]).toContain(25);
  }, 30_000);
});
