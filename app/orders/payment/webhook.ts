// The webhook: takes an event of the gateway from its bytes to its effect.
import { type PaymentEvent, type Receipt, receiveEvent } from "./events.ts";
import type { InquiryServices } from "./inquiry.ts";

/** Reads and checks an event. Throws the `Problem` 401 for a bad signature, 400 with a pointer for a malformed event. */
export type ReadEvent = (headers: Headers, body: string, nowMs: number) => PaymentEvent;

export type Webhook = {
  /** The gateway's name, which is the last part of the address. */
  name: string;
  /** Resolves when the effect is durable. Rejects as `ReadEvent` and `receiveEvent` do. */
  receive(headers: Headers, body: string): Promise<Receipt>;
};

/** Opens the webhook of a gateway. */
export const openWebhook = (services: InquiryServices, read: ReadEvent): Webhook => ({
  name: services.gateway.name,
  receive: async (headers, body) => receiveEvent(services, read(headers, body, services.now())),
});
