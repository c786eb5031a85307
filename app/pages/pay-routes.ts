// The routes of the sandbox gateway's page; without the sandbox there is nothing at its address.
import { Elysia } from "elysia";
import type { PageCheck } from "../http/origin.ts";
import { Problem } from "../http/problems.ts";
import { facts } from "../http/routing.ts";
import { CHOICES, type Checkout, type Choice } from "../orders/orders.ts";
import { readForm } from "./form.ts";
import { payPage } from "./pay.ts";

/** The services of the page; `refusePage` refuses the pages of other origins. */
export type PayServices = { payments: { checkout: Checkout | null }; refusePage: PageCheck };

/** A page is no operation of the API. */
const page = { ...facts({ counts: "request" }), detail: { hide: true } };
const NOTHING_HERE = "there is no such payment";

/** The routes outside the prefixes. `seed` is as in `Asked`. */
export function payRoutes({ payments, refusePage }: PayServices, seed: bigint) {
  const checkoutOf = (): Checkout => {
    if (!payments.checkout) throw new Problem("not-found", NOTHING_HERE);
    return payments.checkout;
  };
  return new Elysia({ name: "pay" })
    .get(
      "/pay/sandbox/:id",
      async ({ request, params }) => {
        const payment = await checkoutOf().find(params.id);
        if (payment === null) throw new Problem("not-found", NOTHING_HERE);
        return payPage({ request, seed }, payment);
      },
      page,
    )
    .post(
      "/pay/sandbox/:id",
      async ({ request, params }) => {
        const checkout = checkoutOf();
        const choice = choiceIn(await readForm(request, refusePage));
        if ((await checkout.find(params.id)) === null) throw new Problem("not-found", NOTHING_HERE);
        await checkout.choose(params.id, choice);
        // Shown by a GET, so that reloading the result pays nothing.
        const headers = { location: new URL(request.url).pathname, "cache-control": "private, no-store" };
        return new Response(null, { status: 303, headers });
      },
      { ...page, parse: "none" },
    );
}

function choiceIn(form: URLSearchParams): Choice {
  const sent = form.get("choice");
  const choice = CHOICES.find((each) => each === sent);
  if (choice) return choice;
  const detail = `must be one of ${CHOICES.join(", ")}`;
  throw new Problem("invalid-request", `choice ${detail}`, [{ pointer: "/choice", detail }]);
}
