// Generates values from schemas: valid ones, and invalid ones of every kind.
import fc from "fast-check";
import type { Schema } from "./document.ts";
import { hostileTexts } from "./hostile.ts";

/** Length of generated lists, except for those that are meant to be too long. */
export const LIST_MAX = 5;
const OPTIONAL_MAX = 3;
const TEXT_MAX = 400;
export const DEPTH = 20;
const HUGE_TEXT = "h".repeat(70_000);

/** Numbers at the limits of common number types. */
export const EXTREMES = [
  0,
  -0,
  -1,
  1,
  0.1,
  0.001,
  1e-7,
  255,
  65_536,
  2 ** 31,
  2 ** 53,
  -(2 ** 53),
  1e21,
  1e308,
  -1e308,
];

/** Ids of shoes, most of which exist. */
export const shoeId = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 19 }).map((index) => `«shoe${index}»`) },
  { weight: 1, arbitrary: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/) },
  { weight: 1, arbitrary: fc.constantFrom("«slug»", "none", "A".repeat(64), "a".repeat(64)) },
);
/** Ids of users, most of which exist. */
export const userId = fc.constantFrom("me", "«customer»", "«customer»", "«other»", "«admin»", "nobody");
const link = fc.constantFrom(
  "/images/a.png",
  "https://img.example/a.png?b=c#d",
  "http://x.example",
  "/",
  "//x",
  "javascript:1",
);

/** Ids of orders, most of which exist. */
export const orderId = fc.constantFrom(
  "«ownOrder»",
  "«guestOrder»",
  "«otherOrder»",
  "«shippedOrder»",
  "none",
);

/** Generators for fields whose valid values random ones would not hit, by field name. */
export const KNOWN: Record<string, fc.Arbitrary<string>> = {
  shoe_id: fc.oneof({ weight: 4, arbitrary: fc.constant("«id»") }, { weight: 1, arbitrary: shoeId }),
  shoeIds: shoeId,
  related_products: shoeId,
  ids: fc.array(shoeId, { maxLength: 4 }).map((ids) => ids.join(",")),
  userid: userId,
  images: fc.oneof({ weight: 4, arbitrary: fc.constant("/images/a.png") }, { weight: 1, arbitrary: link }),
  gallery: link,
  href: fc.oneof({ weight: 4, arbitrary: fc.constant("/x") }, { weight: 1, arbitrary: link }),
  file: shoeId.map((id) => `${id}.svg`),
  email: fc.oneof(
    fc.constantFrom("«customerEmail»", "«adminEmail»", "«CUSTOMEREMAIL»"),
    fc.stringMatching(/^[a-z0-9._+-]{1,8}@[a-z0-9]{1,6}\.example$/),
  ),
  password: fc.constantFrom("«password»", "«password»", "long enough 1"),
  currentPassword: fc.constantFrom("«password»", "wrong wrong"),
  refreshToken: fc.constantFrom("«refresh»", "not a token"),
  token: fc.constantFrom(`«customer».zzzzzzzz.${"A".repeat(43)}`, "not a token"),
  cursor: fc.constantFrom("«cursor»", "bm9uZQ", "czE"),
  phone: fc.constantFrom("+49 30 1234-56", "(0)1", "1"),
  currency: fc.constantFrom("USD", "USD", "USD", "EUR"),
  size: fc.oneof(
    { weight: 9, arbitrary: fc.constant("9.5") },
    { weight: 1, arbitrary: fc.constantFrom("42", "XL", "") },
  ),
  sort: fc.constantFrom("newest", "relevance", "price_asc", "price_desc", "name", "popular"),
  category: fc.constantFrom("Running", "running", "None"),
  "If-Match": fc.constantFrom("*", "*", "*", "«etag»", "*", '"1"', 'W/"1"', '"a", "b"', "garbage"),
  "If-None-Match": fc.constantFrom('"v0"', '"v0"', 'W/"v0.shoe.x.g"', '"1"', '"a", "b"', "garbage", "*"),
  productId: fc.oneof({ weight: 9, arbitrary: fc.constant("«shoe1»") }, { weight: 1, arbitrary: shoeId }),
  street: fc.constant("Main Street 1"),
  city: fc.constant("Berlin"),
  shippingMethod: fc.constantFrom("standard", "standard", "standard", "express"),
  paymentToken: fc.constantFrom("ok", "ok", "declined", "redirect", "another"),
  cartId: fc.constantFrom("a-cart-of-the-admin", "a-cart-of-16-more"),
  userId: fc.oneof({ weight: 4, arbitrary: fc.constant("me") }, { weight: 1, arbitrary: userId }),
  trackingUrl: fc.constantFrom(
    "https://carrier.example/track?id=1#a",
    "http://carrier.example",
    "/track",
    "x",
  ),
  gateway: fc.constantFrom("sandbox", "sandbox", "stripe"),
  orderId: orderId,
  from: fc.constantFrom("2026-01-01", "2024-02-29", "2026-13-01"),
  to: fc.constantFrom("2026-01-31", "2024-02-29", "2026-02-30"),
  "Order-Token": fc.constantFrom("«orderToken»", "«orderToken»", "«otherToken»", "garbage"),
  "Idempotency-Key": fc.constantFrom("key 1", "key 2", "k".repeat(255), "k".repeat(256)),
};

/** Optional fields that shoes with sizes require. */
const USUAL = ["size"];

/** The usual value, nine times in ten by default. */
export const mostly = <T>(usual: fc.Arbitrary<T>, else_: fc.Arbitrary<T>, weight = 9): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: else_ });

/** Any text, often a hostile one. */
export const anyText = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.string({ maxLength: TEXT_MAX }),
);

/** Generates changes that break a valid body: a field left out, added, of a wrong type, or far too long. */
export function mutations(schema: Schema): fc.Arbitrary<(value: unknown) => unknown> {
  const names = Object.keys(schema.properties ?? {});
  const name = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...names) },
    { weight: 1, arbitrary: anyText },
  );
  const wrong = fc.oneof(
    anyText,
    fc.constantFrom(...EXTREMES),
    fc.boolean(),
    fc.constantFrom(null, [], {}, [[]], [null], [{}], HUGE_TEXT, deep(DEPTH), deep(3)),
    fc
      .integer({ min: 1, max: 2_000 })
      .map((count) => Array.from({ length: count }, (_, index) => `x${index}`)),
    fc.array(anyText, { maxLength: LIST_MAX }),
    fc.array(fc.record({ size: fc.oneof(anyText, fc.integer()), stock: fc.oneof(fc.integer(), anyText) }), {
      maxLength: LIST_MAX,
    }),
    fc.jsonValue(),
  );
  const changed = fc.tuple(name, wrong).map(([key, other]) => (value: unknown) => ({
    ...(value as object),
    [key]: other,
  }));
  const leftOut = name.map((key) => (value: unknown) => {
    const { [key]: _left, ...rest } = value as Record<string, unknown>;
    return rest;
  });
  return mostly(changed, leftOut, 3);
}

const deep = (depth: number): unknown => (depth === 0 ? 1 : { a: deep(depth - 1) });

/** Generates a valid value of a schema; `name` is the name of its field or parameter. */
export function anyOf(schema: Schema, name: string): fc.Arbitrary<unknown> {
  const value = plainOf(schema, name);
  return schema.nullable ? mostly<unknown>(value, fc.constant(null), 4) : value;
}

function plainOf(schema: Schema, name: string): fc.Arbitrary<unknown> {
  const { type, enum: choices, items, oneOf, properties = {}, required = [] } = schema;
  if (choices) return fc.constantFrom(...choices);
  if (oneOf) return fc.oneof(...oneOf.map((each) => anyOf(each, name)));
  switch (type) {
    case "string":
      return textOf(schema, name);
    case "integer":
      return wholeOf(schema);
    case "number":
      // A number without bounds stands for a text.
      if (schema.minimum === undefined) return fc.constantFrom(9.5, 42);
      return fc.oneof(
        fc.integer({ min: Math.max(1, schema.minimum * 100), max: 100_000_000 }).map((cents) => cents / 100),
        fc.constantFrom(0.01, 1_000_000),
      );
    case "boolean":
      return fc.boolean();
    case "array":
      return fc.array(anyOf(items ?? {}, name), { minLength: schema.minItems ?? 0, maxLength: LIST_MAX });
    default: {
      const usual = Object.keys(properties).filter((key) => USUAL.includes(key));
      const optional = Object.keys(properties).filter((key) => !required.concat(usual).includes(key));
      // Every field may be refused: with fewer fields, more bodies are accepted.
      return fc.subarray(optional, { maxLength: Math.min(OPTIONAL_MAX, optional.length) }).chain((chosen) => {
        const keys = [...new Set([...required, ...usual, ...chosen])];
        return fc.record(Object.fromEntries(keys.map((key) => [key, anyOf(properties[key] ?? {}, key)])));
      });
    }
  }
}

function textOf(schema: Schema, name: string): fc.Arbitrary<string> {
  const { minLength = 0, maxLength = TEXT_MAX, pattern } = schema;
  const texts = fc
    .oneof(
      fc.string({
        unit: "grapheme-ascii",
        minLength: Math.max(1, minLength),
        maxLength: Math.min(maxLength, Math.max(12, minLength)),
      }),
      fc.string({ unit: "grapheme", minLength, maxLength: Math.min(maxLength, TEXT_MAX) }),
      anyText,
    )
    .filter((text) => text.length >= minLength && text.length <= maxLength);
  const known = KNOWN[name] ?? (pattern ? textMatching(schema) : undefined);
  return known ? mostly(known, texts, 8) : texts;
}

/** A text that has the pattern and the length that its schema says. */
export const textMatching = ({ minLength = 0, maxLength = TEXT_MAX, pattern = "" }: Schema) =>
  fc
    .stringMatching(new RegExp(pattern))
    .filter((text) => text.length >= minLength && text.length <= maxLength);

function wholeOf({ minimum = -1_000_000, maximum = 1_000_000 }: Schema): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: minimum, max: maximum }),
    fc.integer({ min: Math.max(minimum, -3), max: Math.min(maximum, 10) }),
    fc.integer({ min: minimum, max: Math.min(maximum, minimum + 10) }),
    fc.constantFrom(minimum, maximum),
  );
}
