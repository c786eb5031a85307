// What the report of a day holds: its sales, and how many customers came.
import type { Database } from "../../../db/database.ts";
import { countRegistered } from "../../accounts/accounts.ts";
import { type Books, type Day, type DayReport, dayReportOf } from "../../orders/orders.ts";

/** The data of the mail. */
export type DailyReport = DayReport & { newCustomers: number };

/** Reads the report of a day that is over. */
export async function dailyReportOf(scan: Database["scan"], day: Day, books: Books): Promise<DailyReport> {
  const sales = await dayReportOf(scan, day, books);
  return { ...sales, newCustomers: await countRegistered(scan, day) };
}
