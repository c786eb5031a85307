// The sandbox gateway's page: stands for a payment company's page, where a customer pays or declines.
import { type Html, html } from "../http/html.ts";
import type { Choice, Shown } from "../orders/orders.ts";
import { PERSONAL, pageResponse } from "./page.ts";
import type { Asked } from "./static.ts";

/** The label of each button, and its effect. */
const BUTTONS: Record<Choice, [label: string, explanation: string]> = {
  pay: ["Pay", "The payment is authorised, and the shop gets its event once."],
  decline: ["Decline", "The payment is declined, and the shop cancels the order."],
  lose: [
    "Pay, and lose the answer",
    "The payment is authorised, but the shop gets no event: the settlement asks the gateway.",
  ],
  twice: [
    "Pay, and repeat the event",
    "The payment is authorised, and its event arrives more than once, at the same time.",
  ],
};

/** The page of a payment: a form while it waits for its customer, and afterwards what became of it. */
export function payPage(asked: Asked, payment: Shown): Response {
  const { number, totalCents, currency, status, orderStatus } = payment;
  const amount = new Intl.NumberFormat("en", { style: "currency", currency }).format(totalCents / 100);
  const main = html`<section class="hero">
<h1>Sandbox payment</h1>
<p class="lead">This page stands for that of a payment company. No money moves.</p>
<dl class="facts">
<dt>Order</dt><dd>${number}</dd>
<dt>Amount</dt><dd>${amount}</dd>
<dt>Payment</dt><dd>${status.replace("_", " ")}</dd>
<dt>Status of the order</dt><dd>${orderStatus}</dd>
</dl>
${status === "requires_action" && orderStatus === "pending" ? FORM : resultOf(payment)}
</section>`;
  const footer = html`The sandbox gateway of Insole: <code>PAYMENT_GATEWAY=sandbox</code>`;
  return pageResponse(asked, `Pay order ${number} · Insole sandbox`, main, footer, PERSONAL);
}

const FORM = html`<form method="post" class="doors">
${Object.entries(BUTTONS).map(
  ([choice, [label]]) =>
    html`<button ${choice === "pay" ? html`class="first" ` : ""}name="choice" value="${choice}">${label}</button>
`,
)}</form>
<dl class="facts">
${Object.values(BUTTONS).map(
  ([label, explanation]) => html`<dt>${label}</dt><dd>${explanation}</dd>
`,
)}</dl>`;

function resultOf({ status, orderStatus, returnUrl }: Shown): Html {
  return html`<p class="lead" role="status">${outcomeOf(status, orderStatus)}</p>
<div class="doors">
${returnUrl === null ? "" : html`<a class="first" href="${returnUrl}">Back to the shop</a>`}
<a href="">Show the newest state</a>
</div>`;
}

function outcomeOf(status: Shown["status"], orderStatus: string): string {
  if (orderStatus === "cancelled")
    return status === "declined"
      ? "The payment was declined, and the order is cancelled: nothing is charged."
      : "The order is cancelled: nothing is charged.";
  if (orderStatus !== "pending") return "The payment is authorised, and the order is confirmed.";
  if (status === "authorized")
    return "The payment is authorised, but the shop has no answer yet: the settlement asks the gateway.";
  return "The payment has no outcome yet.";
}
