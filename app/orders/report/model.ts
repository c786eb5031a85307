// The OpenAPI description of the sales report.
import { type TSchema, Type } from "@sinclair/typebox";
import { itemOf, type Operation, operation, query, ref } from "../../http/openapi-parts.ts";
import { DAYS_MAX } from "./period.ts";
import { TOP_MAX } from "./sales.ts";

const money = (description?: string) =>
  Type.Number({ format: "double", ...(description && { description }) });
const date = (description?: string) => Type.String({ format: "date", ...(description && { description }) });

const SUMS = {
  orders: Type.Integer({ description: "orders that were confirmed on the day" }),
  items: Type.Integer({ description: "pairs of these orders" }),
  revenue: money("totals of these orders, with delivery and tax"),
  refunds: money("refunds made on the day, and what was left of confirmed orders that were cancelled on it"),
};

/** The named schemas of reports. */
export const REPORT_SCHEMAS: Record<string, TSchema> = {
  TopShoe: Type.Object({
    productId: Type.String(),
    productName: Type.String({ description: "as in its newest order of the day" }),
    pairs: Type.Integer(),
    revenue: money("price of the pairs, without delivery"),
  }),
  SalesDay: Type.Object({
    date: date(),
    orders: SUMS.orders,
    items: SUMS.items,
    revenue: SUMS.revenue,
    refunds: SUMS.refunds,
    topShoes: Type.Array(ref("TopShoe"), {
      maxItems: TOP_MAX,
      description: "of which most pairs were sold; then by revenue, then by id",
    }),
  }),
  SalesReport: Type.Object({
    from: date("the first day"),
    to: date("the last day"),
    timezone: Type.String({ description: "whose days these are (IANA)" }),
    currency: Type.String({ description: "of every amount; orders in another one are left out" }),
    days: Type.Array(ref("SalesDay"), { description: "each day of the period, in order" }),
    totals: Type.Object(SUMS),
  }),
};

const MEANING = `An order counts once, on the day when it was confirmed, with its total as revenue. A refund counts on the day
when it was made. A confirmed order that is cancelled counts as a refund on the day of the cancellation (of what was not
refunded before). So nothing that happens today changes an earlier day, except that a refund which the gateway refuses no
longer counts. Days are those of the setting REPORT_TIMEZONE, with 23 or 25 hours where its clocks change. On a node the
answer may lack the newest orders for as long as the replica lags. With \`Accept: text/csv\` the same rows come as CSV, the
totals last; an apostrophe stands before texts that a spreadsheet would take for a formula.`;

const described = operation("getSales", {
  summary: "Sales by day: orders, pairs, revenue, refunds and the shoes that sold most",
  tag: "Orders",
  parameters: [
    query("from", date(), `the first day; by default 29 days before to, at most ${DAYS_MAX - 1}`),
    query("to", date(), "the last day, included; by default today"),
  ],
  answer: [200, itemOf("SalesReport")],
});

/** The description of each route. */
export const DOCS = { getSales: withCsv(described) } satisfies Record<string, Operation>;

/** The operation, whose answer is also to be had as CSV. */
function withCsv({ detail }: Operation): Operation {
  const responses = detail.responses as Record<string, { description: string; content: object }>;
  const { content, ...ok } = responses[200] ?? { description: "OK", content: {} };
  const csv = { schema: { type: "string", description: "a header, a row for each day, and the totals" } };
  return {
    detail: {
      ...detail,
      description: MEANING,
      responses: { ...responses, 200: { ...ok, content: { ...content, "text/csv": csv } } },
    },
  };
}
