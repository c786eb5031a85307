// Fields: the values that each kind accepts, its error texts, and its schema in the document.
import { describe, expect, test } from "bun:test";
import {
  choice,
  email,
  flag,
  id,
  isId,
  isLink,
  LINE,
  link,
  links,
  money,
  NON_BLANK,
  NON_BLANK_LINE,
  PROSE,
  text,
  whole,
} from "./field-kinds.ts";
import {
  allOptional,
  body,
  brokenRuleOf,
  type Field,
  type FieldError,
  into,
  list,
  nullable,
  object,
  optional,
  withDefault,
} from "./fields.ts";
import { Problem } from "./problems.ts";

/** What a field makes of a value: `["is", value]`, or its refusals as `pointer detail`. */
function readBy(field: Field<unknown>, value: unknown): unknown[] {
  const errors: FieldError[] = [];
  const read = field.read(value, "/a", errors);
  if (errors.length > 0) expect(read).toBeUndefined();
  return errors.length > 0 ? errors.map(({ pointer, detail }) => `${pointer} ${detail}`) : ["is", read];
}

const NOT_TEXT = ["/a must be a string"];
const AMOUNT = ["/a must be an amount from 0.01 to 1000000 with at most two decimals"];
const price = money({ max: 100_000_000 });
const pictures = links({ max: 2 });
const NOT_LINKS = ["/a must be a URL or a list of at most 2 URLs"];
const NOT_LINK = "must be an http(s) URL without a user name, or a path on this site";
const line = object({
  productId: id(),
  quantity: whole({ min: 1, max: 100 }),
  size: withDefault(text({ max: 3 }), ""),
});
const lines = list(line, { min: 1, max: 2, of: "items" });

// biome-ignore format: one line reads as one table
const READ: [string, Field<unknown>, unknown, unknown[]][] = [
  ["text", text({ max: 3 }), "abc", ["is", "abc"]],
  ["text", text({ max: 3 }), "", ["is", ""]],
  ["text", text({ max: 3 }), "abcd", ["/a must have at most 3 characters"]],
  ["text", text({ max: 3 }), "👟👟", ["/a must have at most 3 characters"]],
  ["text", text({ min: 2, max: 3, countsCharacters: true }), "👟👟👟", ["is", "👟👟👟"]],
  ["text", text({ min: 2, max: 3, countsCharacters: true }), "👟", ["/a must have 2 to 3 characters"]],
  ["text", text({}), "x".repeat(9_999), ["is", "x".repeat(9_999)]],
  ["text", text({}), 5, NOT_TEXT],
  ["text", text({}), null, NOT_TEXT],
  ["text", text({}), ["a"], NOT_TEXT],
  ["text", text({}), "half \ud800", ["/a must be well-formed Unicode"]],
  ["text or number", text({ max: 3, takesNumbers: true }), 9.5, ["is", "9.5"]],
  ["text or number", text({ max: 3, takesNumbers: true }), 12345, ["/a must have at most 3 characters"]],
  ["text or number", text({ max: 3, takesNumbers: true }), true, NOT_TEXT],
  ["trimmed text", text({ max: 3, isTrimmed: true }), "  abc ", ["is", "abc"]],
  ["untrimmed text", text({ max: 5 }), " abc ", ["is", " abc "]],
  ["prose", text({ form: PROSE }), "two\nlines \u0007", ["is", "two\nlines \u0007"]],
  ["prose", text({ form: PROSE }), "a\u0000b", ["/a must not contain NUL"]],
  ["a label", text({ form: NON_BLANK }), " \n\u00a0a\n", ["is", " \n\u00a0a\n"]],
  ["a label", text({ form: NON_BLANK }), " \n\u00a0\ufeff", ["/a must not be blank or contain NUL"]],
  ["a label", text({ form: NON_BLANK }), "a\u0000", ["/a must not be blank or contain NUL"]],
  ["a line", text({ form: LINE }), "", ["is", ""]],
  ["a line", text({ form: LINE }), "a\u0085", ["/a must not contain control characters"]],
  ["a name", text({ form: NON_BLANK_LINE }), " Zoë ", ["is", " Zoë "]],
  ["a name", text({ form: NON_BLANK_LINE }), "\u3000", ["/a must not be blank or contain control characters"]],
  ["a name", text({ form: NON_BLANK_LINE }), "a\tb", ["/a must not be blank or contain control characters"]],

  ["an id", id(), "a.B_9-", ["is", "a.B_9-"]],
  ["an id", id(), "a".repeat(65), ["/a must have 1 to 64 characters"]],
  ["an id", id(), "-a", ["/a must consist of A-Z a-z 0-9 . _ - and begin with a letter or digit"]],
  ["an id", id(), "a b", ["/a must consist of A-Z a-z 0-9 . _ - and begin with a letter or digit"]],
  ["an id", id(), "a\n", ["/a must consist of A-Z a-z 0-9 . _ - and begin with a letter or digit"]],
  ["an id", id(), 5, NOT_TEXT],

  ["an e-mail address", email(), " Zoe.Q+x@Shop.Example ", ["is", "Zoe.Q+x@Shop.Example"]],
  ["an e-mail address", email(), "zoë@schön.example", ["is", "zoë@schön.example"]],
  ...["", "a", "a@b", "a@b.", "@b.example", "a@b@c.example", "a b@c.example", "a\u0001@b.example"].map(
    (bad): [string, Field<unknown>, unknown, unknown[]] =>
      ["an e-mail address", email(), bad, ["/a must be an e-mail address"]]),
  ["an e-mail address", email(), `${"a".repeat(250)}@b.example`, ["/a must have at most 254 characters"]],

  ["a link", link(), "/", ["is", "/"]],
  ["a link", link(), "/a?b#c", ["is", "/a?b#c"]],
  ["a link", link(), "HTTPS://shop.example/a.png", ["is", "HTTPS://shop.example/a.png"]],
  ...["", "//evil.example", "a.png", "ftp://a.example", "javascript:1", "http://", "http:///a", "http://[", "/a b", "/a\\b", "/a\u0000"].map(
    (bad): [string, Field<unknown>, unknown, unknown[]] => ["a link", link(), bad, [`/a ${NOT_LINK}`]]),
  ["a link", link(), `/${"a".repeat(2_048)}`, ["/a must have at most 2048 characters"]],

  ["links", pictures, ["/a", "/b"], ["is", ["/a", "/b"]]],
  ["links", pictures, ["/a", "/a"], ["is", ["/a"]]],
  ["links", pictures, "/a", ["is", ["/a"]]],
  ["links", pictures, "", ["is", []]],
  ["links", pictures, [], ["is", []]],
  ["links", pictures, ["/a", ""], [`/a/1 ${NOT_LINK}`]],
  ["links", pictures, "//evil.example", [`/a/0 ${NOT_LINK}`]],
  ["links", pictures, ["/a", "/b", "/c"], ["/a must be a list of at most 2 URLs"]],
  ["links", pictures, [1], NOT_LINKS],
  ["links", pictures, 1, NOT_LINKS],
  ["links", pictures, null, NOT_LINKS],

  ["money", price, 129.9, ["is", 12_990]],
  ["money", price, "129.90", ["is", 12_990]],
  ["money", price, 1.15, ["is", 115]],
  ["money", price, 0.01, ["is", 1]],
  ["money", price, 1_000_000, ["is", 100_000_000]],
  ...[0, -0, -1, 0.001, 1.005, 0.1 + 0.2, 1_000_000.01, 1e21, "1.005", "01", "1.", ".5", " 1", "1e2", "cheap", "", true, null, [1], {}].map(
    (bad): [string, Field<unknown>, unknown, unknown[]] => ["money", price, bad, AMOUNT]),
  ["money from 0", money({ min: 0, max: 100 }), 0, ["is", 0]],

  ["a whole number", whole({ min: -2, max: 2 }), -2, ["is", -2]],
  ...[3, -3, 0.5, "1", null, true].map(
    (bad): [string, Field<unknown>, unknown, unknown[]] =>
      ["a whole number", whole({ min: -2, max: 2 }), bad, ["/a must be a whole number from -2 to 2"]]),
  ["a flag", flag(), false, ["is", false]],
  ["a flag", flag(), "true", ["/a must be true or false"]],
  ["a choice", choice(["card", "invoice"]), "invoice", ["is", "invoice"]],
  ["a choice", choice(["card", "invoice"]), "cash", ["/a must be one of card, invoice"]],
  ["a choice", choice(["card", "invoice"]), null, ["/a must be one of card, invoice"]],

  ["what may be null", nullable(price), null, ["is", null]],
  ["what may be null", nullable(price), "7", ["is", 700]],
  ["what may be null", nullable(price), "", AMOUNT],
  ["what may be null or empty", nullable(link(), ""), "", ["is", null]],
  ["what may be null or empty", nullable(link(), ""), " ", [`/a ${NOT_LINK}`]],

  ["a list of ids", list(id(), { max: 3, of: "ids", isSet: true }), ["b", "a", "b"], ["is", ["b", "a"]]],
  ["a list of ids", list(id(), { max: 3, of: "ids" }), ["b", "b"], ["is", ["b", "b"]]],
  ["a list of ids", list(id(), { max: 1, of: "ids" }), ["b", "b"], ["/a must be a list of at most 1 ids"]],
  ["a list of ids", list(id(), { max: 1, of: "ids" }), "b", ["/a must be a list of at most 1 ids"]],
  ["a list of ids", list(id(), { max: 2, of: "ids" }), ["b", 1], ["/a/1 must be a string"]],
  ["a list of objects", lines, [{ productId: "x", quantity: 2 }], ["is", [{ productId: "x", quantity: 2, size: "" }]]],
  ["a list of objects", lines, [], ["/a must be a list of 1 to 2 items"]],
  ["a list of objects", lines, [{ productId: "x", quantity: 0 }, null], [
    "/a/0/quantity must be a whole number from 1 to 100", "/a/1 must be an object"]],
  ["a list of objects", lines, [{ size: "much" }], [
    "/a/0/productId is required", "/a/0/quantity is required", "/a/0/size must have at most 3 characters"]],
  ["an object", line, [], ["/a must be an object"]],
  ["an object", line, { productId: "x", quantity: 1, size: "M", more: 1, __proto__: null }, [
    "is", { productId: "x", quantity: 1, size: "M" }]],
];

test.each(
  READ.map(
    ([kind, field, value, wanted]) => [kind, JSON.stringify(value), { field, value, wanted }] as const,
  ),
)("%s of %s", (_kind, _value, { field, value, wanted }) => {
  expect(readBy(field, value)).toEqual(wanted);
});

test("every amount to 1000.00 is read as its minor units, as a number and as a text", () => {
  const wrong = [];
  for (let cents = 1; cents <= 100_000; cents += 1)
    for (const amount of [cents / 100, (cents / 100).toFixed(2)])
      if (price.read(amount, "/a", []) !== cents) wrong.push(amount);
  expect(wrong).toEqual([]);
});

test("a value that was read passes the check of its field", () => {
  for (const [, field, value, [first, read]] of READ)
    if (first === "is") expect([value, brokenRuleOf(field, read)]).toEqual([value, null]);
});

test("`check` has the same rules for a value that no body contained", () => {
  const errors: FieldError[] = [];
  object({ price: into("cents", price), lines }).check(
    { cents: 0, lines: [{ productId: "a b", quantity: 1, size: "long" }] },
    "",
    errors,
  );
  expect(errors.map(({ pointer }) => pointer)).toEqual(["/price", "/lines/0/productId", "/lines/0/size"]);
  expect([isId("a"), isId("a b"), isLink("/a"), isLink("//a")]).toEqual([true, false, true, false]);
});

const Order = body({
  items: lines,
  email: optional(email()),
  method: withDefault(choice(["card", "invoice"]), "card"),
  expectedTotal: optional(into("expectedTotalCents", price)),
  address: optional(object({ street: text({ min: 1, max: 9 }), country: text({ form: NON_BLANK }) })),
});
const ORDER = { items: [{ productId: "a", quantity: 1 }] };

describe("a body", () => {
  const refusal = (sent: Record<string, unknown>, ...more: Parameters<typeof Order.read>[1][]) => {
    try {
      Order.read(sent, ...more);
      return null;
    } catch (thrown) {
      const { type, detail, errors } = thrown as Problem;
      expect(thrown).toBeInstanceOf(Problem);
      return { type, detail, pointers: errors.map((each) => ("pointer" in each ? each.pointer : "")) };
    }
  };

  test("is read to an object with the target names and the defaults of missing fields", () => {
    expect(Order.read({ ...ORDER, expectedTotal: "5", unknown: 1 })).toEqual({
      items: [{ productId: "a", quantity: 1, size: "" }],
      method: "card",
      expectedTotalCents: 500,
    });
  });

  test("has the type of its fields", () => {
    const {
      items,
      email: address,
      method,
      expectedTotalCents,
    }: ReturnType<typeof Order.read> = Order.read(ORDER);
    const names: string[] = items.map(
      ({ productId, size, quantity }) => productId + size + quantity.toFixed(),
    );
    const chosen: "card" | "invoice" = method;
    const cents: number | undefined = expectedTotalCents;
    // @ts-expect-error: it may have been left out
    const mail: string = address;
    expect([names, chosen, cents, mail as unknown]).toEqual([["a1"], "card", undefined, undefined]);
  });

  test("is refused once, with every error", () => {
    expect(
      refusal({ items: [{}], email: "x", method: "cash", address: { street: "", country: "DE" } }),
    ).toEqual({
      type: "invalid-request",
      detail: "items/0/productId is required",
      pointers: ["/items/0/productId", "/items/0/quantity", "/email", "/method", "/address/street"],
    });
    expect(refusal({})).toMatchObject({ detail: "items is required", pointers: ["/items"] });
    expect(refusal({ ...ORDER, email: undefined })).toBeNull();
  });

  test("is refused for fields that do not go together, beside the others", () => {
    const together: Parameters<typeof Order.read>[1] = ({ method, email: address }, errors) => {
      if (method === "invoice" && address === undefined)
        errors.push({ pointer: "/email", detail: "is required for an invoice" });
    };
    expect(refusal({ ...ORDER, method: "invoice" }, together)?.detail).toBe(
      "email is required for an invoice",
    );
    expect(refusal({ method: "invoice" }, together)?.pointers).toEqual(["/items", "/email"]);
    expect(refusal({ ...ORDER }, together)).toBeNull();
  });

  test("with only optional fields may be empty", () => {
    const Change = body(allOptional({ name: into("title", text({ max: 3 })), price }));
    expect(Change.read({})).toEqual({});
    expect(Change.read({ name: "a" })).toEqual({ title: "a" });
    expect(Change.schema.required).toBeUndefined();
  });
});

describe("the document", () => {
  test.each<[string, Field<unknown>, object]>([
    [
      "text",
      text({ min: 1, max: 9, form: { pattern: /^a+$/, rule: "must be a" }, description: "x" }),
      { type: "string", minLength: 1, maxLength: 9, pattern: "^a+$", description: "x" },
    ],
    [
      "text or number",
      text({ max: 9, takesNumbers: true }),
      { oneOf: [{ type: "string", maxLength: 9 }, { type: "number" }] },
    ],
    ["what may be null", nullable(text({ max: 9 })), { type: "string", maxLength: 9, nullable: true }],
    [
      "money that may be null",
      nullable(money({ max: 500, description: "x" })),
      {
        oneOf: [
          { type: "number", format: "double", minimum: 0.01, maximum: 5, nullable: true },
          {
            type: "string",
            pattern: "^(0|[1-9][0-9]{0,8})(\\.[0-9]{1,2})?$",
            description: "within the same bounds",
          },
        ],
        description: "x",
      },
    ],
    ["a whole number", whole({ min: 0, max: 5 }), { type: "integer", minimum: 0, maximum: 5 }],
    ["a flag", withDefault(flag(), false), { type: "boolean", default: false }],
    ["a choice", choice(["a", "b"]), { type: "string", enum: ["a", "b"] }],
    [
      "a list",
      list(flag(), { min: 1, max: 2, of: "flags", description: "x" }),
      { type: "array", items: { type: "boolean" }, minItems: 1, maxItems: 2, description: "x" },
    ],
    [
      "an object",
      object({ a: flag(), b: optional(flag()), c: withDefault(flag(), true), d: into("e", flag()) }, "x"),
      {
        type: "object",
        properties: {
          a: { type: "boolean" },
          b: { type: "boolean" },
          c: { type: "boolean", default: true },
          d: { type: "boolean" },
        },
        required: ["a", "d"],
        description: "x",
      },
    ],
  ])("has of %s every rule", (_name, { schema }, wanted) => {
    expect(schema).toEqual({ ...wanted });
  });

  test("describes links as one link or a list, with the same pattern", () => {
    const single = link().schema;
    expect(pictures.schema).toEqual({ oneOf: [single, { type: "array", items: single, maxItems: 2 }] });
  });

  test("has only patterns that the regular expressions of all client languages support", () => {
    const patterns = [PROSE, NON_BLANK, LINE, NON_BLANK_LINE].map(({ pattern }) => pattern.source);
    const more = [id(), email(), link()].map(({ schema }) => String(schema.pattern));
    // No look-around, no back-reference, no \u and no \p.
    for (const pattern of [...patterns, ...more]) expect(pattern).not.toMatch(/\(\?|\\[1-9bBkpPu]/);
  });
});
