// The request bodies of orders.
import { EMAIL } from "../http/credentials.ts";
import {
  choice,
  type Form,
  flag,
  httpLink,
  id,
  LINE,
  money,
  NON_BLANK_LINE,
  text,
  whole,
} from "../http/field-kinds.ts";
import {
  body,
  type Field,
  into,
  list,
  nullable,
  object,
  optional,
  type ReadBy,
  type ReadOf,
} from "../http/fields.ts";
import { LIMITS } from "../shoes/shoes.ts";
import { COUNTRIES, isCountry } from "./countries.ts";

/** Lines of an order after equal ones were merged, and pairs of each. */
export const LINES_MAX = 50;
export const PAIRS_MAX = 100;
/** Items of a body; equal ones are merged. */
const ITEMS_MAX = 500;
/** The largest amount that a body can state, so also the largest total. */
export const AMOUNT_CENTS_MAX = 99_999_999_999;

const COUNTRY_FORM: Form = {
  pattern: /^[A-Z]{2}$/,
  isValid: isCountry,
  rule: "must be an ISO 3166 code of two capital letters, such as DE",
};
const COUNTRY: Field<string> = {
  ...text({ form: COUNTRY_FORM }),
  schema: { type: "string", enum: [...COUNTRIES] },
};
const CART_ID: Form = { pattern: /^[A-Za-z0-9_-]{16,64}$/, rule: "must consist of A-Z a-z 0-9 _ -" };
const PHONE: Form = {
  pattern: /^\+?[0-9 ()./-]*[0-9][0-9 ()./-]*$/,
  rule: "must be a telephone number",
};

const line = (max: number) => text({ min: 1, max, form: NON_BLANK_LINE, isTrimmed: true });
/** A field that may be missing, null or empty. */
const blank = (max: number, form = LINE) => optional(nullable(text({ max, form, isTrimmed: true }), ""));

const ADDRESS = object({
  name: blank(100),
  street: line(200),
  street2: blank(200),
  city: line(100),
  state: blank(100),
  zip: blank(20),
  country: COUNTRY,
  phone: blank(32, PHONE),
});

const ITEM = {
  productId: id("the id of a shoe"),
  quantity: whole({ min: 1, max: PAIRS_MAX, description: "pairs" }),
  size: optional(
    nullable(
      text({
        max: LIMITS.sizeMax,
        form: LINE,
        takesNumbers: true,
        description: "required for a shoe that has sizes",
      }),
      "",
    ),
  ),
};
const ITEMS = list(object(ITEM), { min: 1, max: ITEMS_MAX, of: "items" });
const METHOD = text({ min: 1, max: 64, form: LINE, description: "by default the first that delivers there" });

export const Placing = body({
  items: ITEMS,
  shippingAddress: optional(nullable(ADDRESS)),
  shippingMethod: optional(nullable(METHOD)),
  paymentMethod: optional(nullable(choice(["card", "invoice"], "by default card"))),
  paymentToken: optional(nullable(text({ min: 1, max: 255, form: LINE, description: "never stored" }))),
  userId: optional(nullable(text({ max: 64, form: LINE, description: "the caller's own id, or me" }))),
  email: optional(nullable({ ...EMAIL, schema: { ...EMAIL.schema, description: "of a guest" } })),
  cartId: optional(nullable(text({ min: 16, max: 64, form: CART_ID }))),
  expectedTotal: into(
    "expectedCents",
    optional(nullable(money({ min: 0, max: AMOUNT_CENTS_MAX, description: "the total that was shown" }))),
  ),
});
export const QuoteRequest = body({
  items: ITEMS,
  country: optional(nullable(COUNTRY)),
  shippingMethod: optional(nullable(METHOD)),
});
export const StatusChange = body({
  status: choice(["pending", "confirmed", "shipped", "delivered", "cancelled"]),
  trackingUrl: optional(nullable(httpLink("stored when the order is shipped"), "")),
});
export const RefundRequest = body({
  items: optional(
    list(object(ITEM), { max: LINES_MAX, of: "items", description: "pairs to refund, if any" }),
  ),
  amount: into(
    "amountCents",
    optional(
      nullable(
        money({
          max: AMOUNT_CENTS_MAX,
          description: "by default the price of the items, which may then not be missing",
        }),
      ),
    ),
  ),
  restock: flag("whether the pairs go back into stock"),
});

export type Placing = ReadBy<typeof Placing>;
export type QuoteRequest = ReadBy<typeof QuoteRequest>;
export type StatusChange = ReadBy<typeof StatusChange>;
export type RefundRequest = ReadBy<typeof RefundRequest>;
export type Item = Placing["items"][number];
export type Address = ReadOf<{ address: typeof ADDRESS }>["address"];
