// The OpenAPI description of the payment gateway's webhook.
import { Type } from "@sinclair/typebox";
import { inHeader, inPath, type Operation, operation } from "../../http/openapi-parts.ts";
import { EVENT_SCHEMA, SIGNATURE } from "./sandbox/event.ts";

const RECEIPTS = ["confirmed", "declined", "voided", "waiting", "unchanged", "repeated"];

/** The description of each route. */
export const DOCS = {
  receiveEvent: operation("receiveEvent", {
    summary: "Receive an event of the payment gateway, which is then asked what became of the payment",
    tag: "Orders",
    parameters: [
      inPath("gateway", "the name of the shop's gateway"),
      inHeader(SIGNATURE, "t=<seconds>,v1=<HMAC-SHA256 in hexadecimal of the seconds, a dot and the body>"),
    ],
    body: EVENT_SCHEMA,
    answer: [
      200,
      Type.Object({
        success: Type.Literal(true),
        data: Type.Object({ result: Type.Unsafe<string>({ type: "string", enum: RECEIPTS }) }),
      }),
    ],
    errors: [401, 404, 504],
    access: "open",
  }),
} satisfies Record<string, Operation>;
