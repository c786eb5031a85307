// Outages of writing: the reason in the words of SQLite and of the system, and reports that do not grow with the load.
import { describe, expect, test } from "bun:test";
import { DatabaseError, type DatabaseErrorKind } from "../errors.ts";
import { openOutages, reasonOf, writeErrorOf } from "./outage.ts";

// biome-ignore format: one line reads as one table
const ROWS: [string, DatabaseErrorKind, string | null][] = [
  ["database or disk is full", "unknown", "disk-full"],
  ["database or disk is full", "failed", "disk-full"],
  ["SQLite error: database or disk is full", "failed", "disk-full"],
  ["disk I/O error (SQLITE_IOERR_WRITE, ENOSPC: no space left on device)", "failed", "disk-full"],
  ["disk I/O error (SQLITE_IOERR_WRITE, EDQUOT: disk quota exceeded)", "failed", "quota"],
  ["disk I/O error (SQLITE_IOERR_WRITE, EROFS: read-only file system)", "failed", "read-only"],
  ["disk I/O error (SQLITE_IOERR_WRITE, EIO: i/o error)", "failed", "io-error"],
  ["disk I/O error (SQLITE_IOERR_FSYNC)", "failed", "io-error"],
  ["disk I/O error", "unknown", "io-error"],
  ["SQLite error: disk I/O error", "busy", "io-error"],
  ["attempt to write a readonly database", "unknown", "read-only"],
  ["attempt to write a readonly database (SQLITE_READONLY, EACCES: permission denied)", "failed", "no-permission"],
  ["attempt to write a readonly database (SQLITE_READONLY, EROFS: read-only file system)", "failed", "read-only"],
  ["SQLite error: attempt to write a readonly database", "failed", "read-only"],
  ['ConnectionFailed("Unable to open connection to local database /data/insole.db: 14")', "failed", "cannot-open"],
  ["unable to open database file", "unknown", "cannot-open"],
  ["unable to open database file (SQLITE_CANTOPEN, EMFILE: too many open files)", "failed", "no-descriptors"],
  ["unable to open database file (SQLITE_CANTOPEN, ENFILE: file table overflow)", "failed", "no-descriptors"],
  ["unable to open database file (SQLITE_CANTOPEN, ENOENT: no such file or directory)", "failed", "file-missing"],
  ["unable to open database file (SQLITE_CANTOPEN, EPERM: operation not permitted)", "failed", "no-permission"],
  ["ENOENT: the database file was removed or replaced: put it back or restart the shop", "failed", "file-missing"],
  ["database disk image is malformed", "unknown", "corrupt"],
  ["SQLite error: database disk image is malformed", "failed", "corrupt"],
  ["file is not a database", "failed", "corrupt"],
  ["out of memory", "unknown", "out-of-memory"],
  ["access permission denied", "unknown", "no-permission"],
  // Not the machine.
  ["database is locked", "busy", null],
  ["no such table: shoes", "unknown", null],
  ["the primary answered 429", "busy", null],
  ["the transaction was undone", "failed", null],
  ["UNIQUE constraint failed: words.word", "unique", null],
  // The kind says what happened, whatever is in the text.
  ["database or disk is full", "uncertain", null],
  ["database or disk is full", "unreachable", null],
  ["CHECK constraint failed: ENOSPC", "check", null],
];

test.each(ROWS)("%s, of kind %s: %p", (message, kind, reason) => {
  const error = new DatabaseError(kind, message, ["a"]);
  expect(reasonOf(error)).toBe(reason as never);
  const expected = reason === null ? kind : "unwritable";
  expect(writeErrorOf(error)).toMatchObject({ kind: expected, message, columns: ["a"] });
});

describe("reports", () => {
  const full = new DatabaseError("unwritable", "database or disk is full");
  const broken = new DatabaseError("unwritable", "disk I/O error");

  /** Outages with a clock that the test sets, and what they reported. */
  function openClocked() {
    const clock = { ms: 0 };
    const reports: [ms: number, reason: string, writes: number, isOver: boolean][] = [];
    const outages = openOutages(
      () => clock.ms,
      ({ reason, writes, isOver }) => reports.push([clock.ms, reason, writes, isOver]),
    );
    const at = (ms: number, ...events: (DatabaseError | "ok")[]) => {
      clock.ms = ms;
      for (const event of events) event === "ok" ? outages.succeeded() : outages.failed(event, 1);
    };
    return { outages, reports, at };
  }

  test("an outage is reported once, and its end with all writes that it cost", () => {
    const { outages, reports, at } = openClocked();
    at(1_000, "ok", full);
    expect(outages.current()).toEqual({
      reason: "disk-full",
      error: full.message,
      sinceMs: 1_000,
      writes: 1,
    });
    for (let ms = 1_001; ms < 2_000; ms += 1) at(ms, full);
    at(5_000, "ok", "ok");
    expect(reports).toEqual([
      [1_000, "disk-full", 1, false],
      [5_000, "disk-full", 1_000, true],
    ]);
    expect(outages.current()).toBeNull();
    expect(outages.totals()).toEqual({ "disk-full": 1_000 });
  });

  test("a long outage is reported once a minute, with the writes since the last time", () => {
    const { reports, at } = openClocked();
    for (let ms = 0; ms <= 130_000; ms += 1_000) at(ms, full, full);
    at(131_000, "ok");
    expect(reports).toEqual([
      [0, "disk-full", 1, false],
      [60_000, "disk-full", 120, false],
      [120_000, "disk-full", 120, false],
      [131_000, "disk-full", 262, true],
    ]);
  });

  test("failures between successes are reported every ten seconds at most", () => {
    const { outages, reports, at } = openClocked();
    for (let ms = 0; ms < 25_000; ms += 100) at(ms, full, "ok");
    expect(reports).toEqual([
      [0, "disk-full", 1, false],
      [0, "disk-full", 1, true],
      [10_000, "disk-full", 100, false],
      [10_000, "disk-full", 1, true],
      [20_000, "disk-full", 100, false],
      [20_000, "disk-full", 1, true],
    ]);
    expect(outages.totals()).toEqual({ "disk-full": 250 });
  });

  test("each reason is an outage of its own", () => {
    const { outages, reports, at } = openClocked();
    at(0, full, full);
    at(1, broken);
    expect(outages.current()).toMatchObject({ reason: "io-error", sinceMs: 1, writes: 1 });
    at(2, full, broken, "ok");
    expect(reports).toEqual([
      [0, "disk-full", 1, false],
      [1, "io-error", 1, false],
      [2, "io-error", 1, true],
    ]);
    expect(outages.totals()).toEqual({ "disk-full": 3, "io-error": 2 });
  });

  test("another failure is none of the machine", () => {
    const { outages, reports, at } = openClocked();
    at(0, new DatabaseError("unreachable", "the primary does not answer"));
    expect([reports, outages.current()]).toEqual([[], null]);
  });
});
