// The webhook over HTTP: where the payment gateway sends its events.
import { Elysia } from "elysia";
import { readText } from "../../http/body.ts";
import { Problem } from "../../http/problems.ts";
import { facts } from "../../http/routing.ts";
import { DOCS } from "./model.ts";
import type { Payments } from "./payments.ts";

/** The services of the webhook's route. */
export type PaymentServices = { payments: Payments; pollFeed(): void };

const HEADERS = { "cache-control": "private, no-store", "content-type": "application/json; charset=utf-8" };

/** The route below `/api` and `/v1`. No limit counts its requests: one address sends them all, and each is signed. */
export const webhookRoutes = ({ payments, pollFeed }: PaymentServices) =>
  new Elysia({ name: "webhook" }).post(
    "/payments/webhooks/:gateway",
    async ({ request, params }) => {
      const { webhook } = payments;
      if (webhook?.name !== params.gateway)
        throw new Problem("not-found", "the shop has no such payment gateway");
      const result = await webhook.receive(request.headers, await readText(request));
      pollFeed();
      return new Response(JSON.stringify({ success: true, data: { result } }), { headers: HEADERS });
    },
    { ...DOCS.receiveEvent, ...facts({ counts: "free" }), parse: "none" },
  );
