// The page of an order that a receipt's link opens: what was ordered, and how far it has come. It changes nothing.
import { type Html, html } from "../http/html.ts";
import type { openFormats } from "../mail/mail.ts";
import { linesOfAddress, priceOf, type ShownOrder } from "../orders/orders.ts";
import { customerPageResponse } from "./page.ts";

/** How the pages of a shop name it, and write amounts and times. */
export type Writing = {
  shopName: string;
  formats: Pick<ReturnType<typeof openFormats>, "money" | "time" | "country">;
};

const STATUS: Record<ShownOrder["status"], string> = {
  pending: "Placed",
  confirmed: "Confirmed",
  shipped: "Shipped",
  delivered: "Delivered",
  cancelled: "Cancelled",
};

const PAYMENT: Record<string, string> = {
  requires_action: "The payment waits for you.",
  authorized: "The amount is reserved, and charged when the order is shipped.",
  captured: "Paid.",
  voided: "Nothing is charged: the reserved amount was released.",
  partially_refunded: "Paid, and a part was refunded.",
  refunded: "The whole amount was refunded.",
  declined: "The payment was declined: nothing is charged.",
  none: "By invoice.",
};
const PAYMENT_OPEN = "The payment is being checked.";

/** The page of an order. */
export function orderPage({ shopName, formats }: Writing, order: ShownOrder): Response {
  const { number, status, createdAt } = order;
  const main = html`<section class="hero">
<h1>Order ${number}</h1>
<p class="lead"><strong>${STATUS[status]}</strong> · ordered on ${formats.time(createdAt)}</p>
${doorsOf(order)}
</section>
<section>
<h2>What you ordered</h2>
${linesOf(order, formats)}
</section>
<section>
<h2>Delivery</h2>
${deliveryOf(order, formats)}
</section>
<section>
<h2>Payment</h2>
<p>${PAYMENT[order.payment.status] ?? PAYMENT_OPEN}</p>
</section>
<section>
<h2>History</h2>
<ol class="steps">${order.history.map(
    (step) => html`
<li><span>${STATUS[step.status]}</span> <time datetime="${step.at}">${formats.time(step.at)}</time></li>`,
  )}</ol>
</section>`;
  return customerPageResponse({ shopName, title: `Order ${number}`, main });
}

/** Links to the next step of the customer, if there is one. */
function doorsOf({ status, trackingUrl, payment }: ShownOrder): Html {
  const { redirectUrl } = payment;
  const isPayable = status === "pending" && redirectUrl !== undefined;
  if (trackingUrl === undefined && !isPayable) return html``;
  return html`<div class="doors">
${trackingUrl === undefined ? "" : html`<a class="first" href="${trackingUrl}" rel="noreferrer">Track the parcel</a>`}
${isPayable ? html`<a class="first" href="${redirectUrl}" rel="noreferrer">Go on to pay</a>` : ""}
</div>`;
}

function linesOf({ items, totals, currency }: ShownOrder, { money }: Writing["formats"]): Html {
  const amount = (value: number) => money(value, currency);
  return html`<ul class="lines">${items.map(
    ({ productName, size, quantity, price }) => html`
<li><span>${productName}<small>${size === "" ? "" : `Size ${size} · `}${quantity} × ${amount(price)}</small></span>
<span>${amount(priceOf({ quantity, price }))}</span></li>`,
  )}
<li><span>Delivery</span><span>${amount(totals.shipping)}</span></li>
<li class="total"><span>Total${totals.tax > 0 ? html`<small>Tax contained: ${amount(totals.tax)}</small>` : ""}</span>
<span>${amount(totals.total)}</span></li></ul>`;
}

function deliveryOf({ shippingAddress, shippingMethod }: ShownOrder, formats: Writing["formats"]): Html {
  const method = html`<p>Method: ${shippingMethod}</p>`;
  if (shippingAddress === null) return method;
  const { phone } = shippingAddress;
  const lines = [...linesOfAddress(shippingAddress, formats.country), ...(phone ? [phone] : [])];
  return html`<address>${lines.map((line) => html`${line}<br>`)}</address>
${method}`;
}

const TO_THE_SHOP = html`<div class="doors"><a class="first" href="/">To the shop</a></div>`;

/**
 * The page of every order without a token: where the payment gateway leads its customers back to, so nothing has gone wrong, and
 * where the mails of accounts and of the staff lead. It is the same for each id, also for one that does not exist.
 */
export const orderPageWithoutToken = ({ shopName }: Writing): Response =>
  customerPageResponse({
    shopName,
    title: "Your order",
    main: html`<section class="hero">
<h1>Where you find your order</h1>
<p class="lead">Ordered with an account? Sign in in the shop: your orders are there, and not on this page.</p>
<p>Ordered without one? We send a mail when the order is paid. Its link shows the order on this page. The mail usually comes within a few minutes; please look into the spam folder too.</p>
${TO_THE_SHOP}
</section>`,
  });

/** The page of an order that does not exist, or that its token does not open. */
export const noOrderPage = ({ shopName }: Writing): Response =>
  customerPageResponse({
    shopName,
    title: "No such order",
    status: 404,
    main: html`<section class="hero">
<h1>There is no such order</h1>
<p class="lead">The link may be incomplete: please open it from the mail again.</p>
<p>Orders of an account are not shown here: sign in in the shop to see them.</p>
${TO_THE_SHOP}
</section>`,
  });
