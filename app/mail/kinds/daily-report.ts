// The report of a day, to the staff: its sums, the shoes that sold most, and a bar for each hour.
import type { Block, Line } from "../blocks.ts";
import { KIND } from "../daily-report/days.ts";
import type { DailyReport } from "../daily-report/report.ts";
import type { Kind, Mail, MailContext } from "../kind.ts";

export const dailyReport: Kind = {
  name: KIND,
  write(mail, context) {
    const report = reportOf(mail);
    const { orders, timezone } = report;
    const date = context.date(report.date);
    return {
      subject: `${context.shopName}: ${orders === 0 ? "no" : orders} ${orders === 1 ? "order" : "orders"} on ${date}`,
      blocks: [
        { kind: "heading", text: date },
        sumsOf(report, context),
        ...(orders === 0 ? [] : [...topOf(report, context), ...hoursOf(report, context)]),
        { kind: "note", text: `Times are those of ${timezone}. An order counts when it is confirmed.` },
      ],
    };
  },
};

function reportOf({ data, key }: Mail): DailyReport {
  if (typeof data !== "object" || data === null || !("hours" in data))
    throw new Error(`a mail daily-report of ${key} has no data`);
  return data as DailyReport;
}

/** On a day without orders, only what there is. */
function sumsOf(report: DailyReport, { money }: MailContext): Block {
  const { orders, items, revenue, refunds, newCustomers, currency } = report;
  const sold: Line[] = [
    { label: "Pairs", value: String(items) },
    { label: "Revenue", detail: "with delivery and tax", value: money(revenue, currency) },
  ];
  return {
    kind: "lines",
    lines: [
      { label: "Orders", value: String(orders) },
      ...(orders === 0 ? [] : sold),
      ...(orders === 0 && refunds === 0
        ? []
        : [{ label: "Refunds", detail: "and cancelled orders", value: money(refunds, currency) }]),
      { label: "New customers", value: String(newCustomers) },
    ],
  };
}

const topOf = ({ topShoes, currency }: DailyReport, { money }: MailContext): Block[] => [
  { kind: "text", text: "Shoes that sold most" },
  {
    kind: "lines",
    lines: topShoes.map(({ productName, pairs, revenue }) => ({
      label: productName,
      detail: pairs === 1 ? "1 pair" : `${pairs} pairs`,
      value: money(revenue, currency),
    })),
  },
];

function hoursOf({ hours, currency }: DailyReport, { money }: MailContext): Block[] {
  const most = Math.max(...hours.map(({ revenue }) => revenue));
  const bars = hours.map(({ start, orders, revenue }) => ({
    label: start,
    value: orders === 0 ? "" : `${orders} · ${money(revenue, currency)}`,
    share: most === 0 ? 0 : revenue / most,
  }));
  return [
    { kind: "text", text: "Orders and revenue by the hour" },
    { kind: "bars", bars },
    ...(clocksChanged(hours)
      ? [{ kind: "note" as const, text: "The clocks were changed on this day." }]
      : []),
  ];
}

/** Whether an hour is missing, twice there or not whole. */
const clocksChanged = (hours: DailyReport["hours"]): boolean =>
  hours.length !== 24 || hours.some(({ start }) => !start.endsWith(":00"));
