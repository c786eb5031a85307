// Orders for other rooms: how one is quoted, placed and found, its payment, and the report of a day.
export { type FoundOrder, findOrder } from "./find.ts";
export type { Gateway } from "./payment/gateway.ts";
export { openPayments, type Payments } from "./payment/payments.ts";
export type { Checkout, Shown } from "./payment/sandbox/checkout.ts";
export { CHOICES, type Choice } from "./payment/sandbox/sandbox.ts";
export { openSettle } from "./payment/settle.ts";
export { type Placed, type PlaceServices, placeOrder } from "./place.ts";
export { quoteOf } from "./quote.ts";
export { type DayReport, dayReportOf } from "./report/day.ts";
export { addDays, type Day, dayOf, daysOf } from "./report/days.ts";
export type { Books } from "./report/sales.ts";
export {
  findShownOrder,
  type ItemView,
  linesOfAddress,
  type OrderView,
  priceOf,
  type ShownOrder,
} from "./shown.ts";
export { readShipping, readTaxRates, SHIPPING_DEFAULT, type Terms } from "./terms.ts";
export { type OrderTokens, openOrderTokens } from "./tokens.ts";
