// The OpenAPI description of the outbox: the shape of a mail as operators see it, and each route.
import { type TSchema, Type } from "@sinclair/typebox";
import {
  IDEMPOTENCY_KEY,
  inPath,
  itemOf,
  listOf,
  type Operation,
  operation,
  orNull,
  paging,
  query,
} from "../http/openapi-parts.ts";
import { LISTED_STATES } from "./queue.ts";

const time = Type.String({ format: "date-time" });
const oneOf = (values: readonly string[]) => Type.Unsafe<string>({ type: "string", enum: [...values] });

/** The named schemas of mail. */
export const MAIL_SCHEMAS: Record<string, TSchema> = {
  OutboxMail: Type.Object({
    id: Type.String(),
    kind: Type.String({ description: "receipt, alert, shipped, ..." }),
    orderId: orNull(Type.String({ description: "of the order that the mail is about" })),
    recipient: orNull(
      Type.String({
        description:
          "null: the staff of the shop, or an address that was removed with its account or after its time",
      }),
    ),
    state: Type.Unsafe<string>({
      type: "string",
      enum: ["held", "due", "sent", "parked", "withdrawn"],
      description:
        "held until the payment of its order is settled; due: waits for a try; parked: its tries are used up; withdrawn: not needed any more",
    }),
    tries: Type.Integer({ description: "so far, with one under way" }),
    lastError: orNull(
      Type.String({
        description:
          "why the last try failed, why the mail was withdrawn, or which of its recipients were refused",
      }),
    ),
    dueAt: Type.String({
      format: "date-time",
      description: "when the mail is tried next; of one that was sent or withdrawn, when that was",
    }),
    createdAt: time,
    sentAt: orNull(time),
  }),
};

const TAG = "Operations";

/** The description of each route. */
export const DOCS = {
  listOutbox: operation("listOutbox", {
    summary: "The mails of the shop, newest first, without what they say",
    description:
      "With `state=due`, of more than 10,000 mails those that are due first. What is sent stays listed; 30 days later a mail about an order has no recipient any more, and others are gone.",
    tag: TAG,
    answer: [200, listOf("OutboxMail")],
    parameters: [query("state", oneOf(LISTED_STATES), "mails in this state only"), ...paging("mails")],
  }),
  releaseMail: operation("releaseMail", {
    summary: "Make a parked mail due now, with all its tries",
    tag: TAG,
    answer: [200, itemOf("OutboxMail")],
    errors: [404, 409, 422],
    parameters: [inPath("id", "a mail's id"), IDEMPOTENCY_KEY],
  }),
} satisfies Record<string, Operation>;
