// What the gateway's answer to a capture, a void or a refund does to its order: the statements of one conditional group.
import type { Statement } from "../../../db/database.ts";
import type { Settled } from "./gateway.ts";

/** One row of `payment_requests` that is due. `refund` is 0 except for refunds; `key` names it at the gateway. */
export type PaymentRequest = {
  orderId: string;
  number: number;
  kind: "authorise" | "capture" | "void" | "refund";
  refund: number;
  amountCents: number;
  key: string;
};

/**
 * The statements that store an answer, to be committed together. Each takes effect only while the request is due, so that an
 * answer that is stored twice has one effect.
 */
export function effectsOf(request: PaymentRequest, answer: Settled, nowMs: number): Statement[] {
  throw new Error(`no effect of ${request.kind} ${answer.outcome} at ${nowMs}`);
}
