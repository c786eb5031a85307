// An event of the sandbox: a signed JSON object, whose signature is checked before its fields are read.
import { parseFields } from "../../../http/body.ts";
import { LINE, text } from "../../../http/field-kinds.ts";
import { body } from "../../../http/fields.ts";
import { Problem } from "../../../http/problems.ts";
import type { Signatures } from "../signature.ts";
import type { ReadEvent } from "../webhook.ts";

/** The header with the signature. */
export const SIGNATURE = "sandbox-signature";
/** The type of the event that says that a payment has an outcome. */
export const SETTLED = "payment.settled";

/** The fields of an event. */
export const Event = body({
  id: text({ min: 1, max: 255, form: LINE }),
  type: text({ min: 1, max: 64, form: LINE, description: `${SETTLED}, or one that changes nothing` }),
  orderId: text({ min: 1, max: 64, form: LINE }),
});

/** The schema of an event's body. */
export const EVENT_SCHEMA = Event.schema;

/** Opens the reader of events that are signed with these keys. */
export const openReader =
  (signatures: Signatures): ReadEvent =>
  (headers, sent, nowMs) => {
    if (!signatures.isValid(headers.get(SIGNATURE) ?? "", sent, nowMs))
      throw new Problem("unauthorized", `${SIGNATURE} is not a signature of this body`, [], {
        "www-authenticate": "Signature",
      });
    const { id, type, orderId } = Event.read(parseFields(sent));
    return { id, orderId, isFinal: type === SETTLED };
  };
