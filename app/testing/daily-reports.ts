// The maker of daily reports for tests: on a file of its own, with a clock and a copy that tests set.
import { join } from "node:path";
import type { Database, Readable } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { openTurns, type Turns } from "../../db/read/turns.ts";
import { migrate } from "../../db/schema/migrate.ts";
import type { Topology } from "../../db/topology.ts";
import { type DailyReports, openDailyReports, type ReportTimes } from "../mail/daily-report/reports.ts";
import type { Sale } from "./sales.ts";
import { openFolder } from "./shop.ts";

export const utc = (text: string): number => Date.parse(`${text}Z`);

/** The grace of the defaults, after which a day's report is made. */
export const GRACE_MS = 5 * 60_000;

/** A sale of one pair, confirmed then. */
export const soldAt = (time: string, priceCents = 1_000): Sale => ({
  confirmedMs: utc(time),
  lines: [{ productId: "a", quantity: 1, priceCents }],
});

type MakerOptions = {
  timezone?: string;
  /** Replaces methods of this process's database. */
  before?: (file: Database) => Database;
  copy?: Partial<Pick<Topology, "lagMs" | "trouble">>;
  turns?: Pick<Turns, "runReads">;
  random?: number;
  times?: Partial<ReportTimes>;
};

/** A process that makes reports; `scans` counts its reads of a day. */
export type Maker = DailyReports & { scans(): number; logged: unknown[] };

/** A shop's file and its clock. `shop.nowMs` is set by tests. */
export type ReportShop = {
  db: Database;
  path: string;
  nowMs: number;
  /** Notes the first start of a sender. */
  startMail(time: string): Promise<void>;
  /** Opens a process with a handle of its own. */
  openMaker(options?: MakerOptions): Maker;
  /** The dates of the reports in the outbox, in the order in which they were made. */
  dates(): string[];
  close(): Promise<void>;
};

/** Opens an empty shop at this time (UTC). */
export function openReportShop(time: string): ReportShop {
  const folder = openFolder();
  const path = join(folder.path, "insole.db");
  migrate(path);
  const open: (() => Promise<void>)[] = [];
  const opened = (): Database => {
    const db = openFile(path);
    open.push(() => db.close());
    return db;
  };
  const db = opened();
  const shop: ReportShop = {
    db,
    path,
    nowMs: utc(time),
    async startMail(time) {
      await db.write([{ sql: "INSERT INTO mail_start (one, at) VALUES (1, ?)", args: [utc(time)] }]);
    },
    openMaker: (options = {}) => makerOf(shop, opened(), options),
    dates: () =>
      db.read.all<[string]>("SELECT key FROM outbox WHERE kind = 'daily-report' ORDER BY seq").flat(),
    async close() {
      for (const close of open.reverse()) await close();
      folder.remove();
    },
  };
  return shop;
}

function makerOf(shop: ReportShop, file: Database, options: MakerOptions): Maker {
  const { timezone = "Europe/Berlin", before = (given) => given, copy = {}, random = 0, times } = options;
  const db = before(file);
  const logged: unknown[] = [];
  let scans = 0;
  const counted: Database = {
    ...file,
    get read() {
      return db.read;
    },
    write: (statements, writeId) => db.write(statements, writeId),
    scan(queries) {
      if (queries.length > 1) scans += 1;
      return db.scan(queries);
    },
  };
  const reports = openDailyReports({
    db: counted,
    books: { timezone, currency: "USD" },
    copy: { lagMs: () => 0, trouble: () => null, ...copy },
    turns: options.turns ?? openTurns({ runningMax: 2, waitingMax: 10 }),
    now: () => shop.nowMs,
    random: () => random,
    log: { warn: (message, fields) => logged.push({ message, ...fields }) },
    ...(times ? { times } : {}),
  });
  return { ...reports, scans: () => scans, logged };
}

/** The data of a report in the outbox. */
export function reportIn({ read }: Pick<Readable, "read">, date: string): Record<string, unknown> {
  const row = read.get<[string]>("SELECT data FROM outbox WHERE kind = 'daily-report' AND key = ?", date);
  if (!row) throw new Error(`there is no report of ${date}`);
  return JSON.parse(row[0]);
}
