// Generates requests for an operation from its parameters and body schema: valid ones, and invalid ones of every kind.
import fc from "fast-check";
import type { Operation, Parameter, Schema } from "./document.ts";
import {
  anyOf,
  anyText,
  DEPTH,
  EXTREMES,
  KNOWN,
  LIST_MAX,
  mostly,
  mutations,
  orderId,
  shoeId,
  userId,
} from "./values.ts";

/** The sender of a request; a `stranger` sends an invalid token. */
export type Sender = "nobody" | "stranger" | "customer" | "admin";

/** A request with `«names»` as placeholders, so that it is the same in every shop. */
export type GeneratedRequest = {
  sender: Sender;
  /** The escaped value of each parameter in the path. */
  path: Record<string, string>;
  query: [name: string, value: string][];
  headers: Record<string, string>;
  /** JSON or an arbitrary text; null: no body. */
  body: string | null;
  contentType: string;
};

/** Generates requests to an operation. */
export function requestsTo(operation: Operation): fc.Arbitrary<GeneratedRequest> {
  const of = (where: Parameter["in"]) => operation.parameters.filter((each) => each.in === where);
  return fc.record({
    sender: fc.oneof(
      { weight: 9, arbitrary: fc.constant<Sender>("admin") },
      { weight: 4, arbitrary: fc.constant<Sender>("customer") },
      { weight: 1, arbitrary: fc.constant<Sender>("nobody") },
      { weight: 1, arbitrary: fc.constant<Sender>("stranger") },
    ),
    path: fc.record(Object.fromEntries(of("path").map(({ name }) => [name, segment(name, operation.path)]))),
    query: queries(of("query")),
    headers: headers(of("header"), operation.method),
    body: operation.body ? bodies(operation.body) : fc.constant(null),
    contentType: mostly(
      fc.constant("application/json"),
      fc.constantFrom(
        "application/json; charset=utf-8",
        "text/plain",
        "",
        "application/x-www-form-urlencoded",
      ),
    ),
  });
}

const escaped = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(/%C2%AB|%C2%BB/g, decodeURIComponent);

/** One segment of a path; `.`, `..` and empty ones are left out, because they change the path. */
function segment(name: string, path: string): fc.Arbitrary<string> {
  const ids = path.includes("/users/") ? userId : path.includes("/orders/") ? orderId : shoeId;
  const known = KNOWN[name] ?? ids;
  const raw = fc.constantFrom(
    "%ff",
    "%C0%AF",
    "%ED%A0%80",
    "%00",
    "a%2Fb",
    "%25",
    "%",
    "%E0%A4%A",
    "a%0d%0ab",
    "+",
    "*",
    ":id",
  );
  const texts = anyText.filter((text) => !/^(\.\.?)?$/.test(text)).map(escaped);
  return fc.oneof(
    { weight: 9, arbitrary: known.map(escaped) },
    { weight: 2, arbitrary: texts },
    { weight: 1, arbitrary: raw },
  );
}

function queries(parameters: Parameter[]): fc.Arbitrary<[string, string][]> {
  if (parameters.length === 0) return fc.constant([]);
  const one = fc
    .constantFrom(...parameters)
    .chain(({ name, schema }) =>
      fc.tuple(
        fc.constant(name),
        fc.oneof(
          { weight: 4, arbitrary: anyOf(schema.items ?? schema, name).map(String) },
          { weight: 1, arbitrary: anyText },
          { weight: 1, arbitrary: fc.constantFrom(...EXTREMES).map(String) },
        ),
      ),
    );
  const other = fc.tuple(anyText, anyText);
  return fc.array(mostly(one, other), { maxLength: LIST_MAX });
}

/** Header values are bytes without line ends; clients cannot send any others. */
function headers(parameters: Parameter[], method: string): fc.Arbitrary<Record<string, string>> {
  const bytes = fc.string({
    unit: fc
      .integer({ min: 0x21, max: 0xff })
      .filter((code) => code < 0x7f || code > 0x9f)
      .map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 300,
  });
  const documented = parameters.map(({ name }) => [name, fc.oneof(KNOWN[name] ?? bytes, bytes)] as const);
  const always = { "X-Request-Id": bytes, "Insole-Version": bytes, Cookie: bytes };
  const conditional = method === "GET" ? { "If-None-Match": fc.oneof(fc.constant("*"), bytes) } : {};
  const fields = { ...Object.fromEntries(documented), ...always, ...conditional };
  const some = (given: Record<string, fc.Arbitrary<string>>) =>
    fc.record(given, { requiredKeys: [] }) as fc.Arbitrary<Record<string, string>>;
  return mostly(some(Object.fromEntries(documented)), some(fields), 4);
}

function bodies(schema: Schema): fc.Arbitrary<string> {
  const good = anyOf(schema, "");
  const raw = fc.oneof(
    fc.constantFrom(
      "",
      "null",
      "[]",
      "1",
      '"text"',
      "{",
      '{"a":',
      "\ufeff{}",
      '{"__proto__":{"role":"admin"}}',
      `{"a":${"[".repeat(DEPTH)}${"]".repeat(DEPTH)}}`,
      `{"a":"${"b".repeat(262_144)}"}`,
      "[".repeat(100_000),
      "{'a':1}",
    ),
    fc.string({ unit: "binary", maxLength: 50 }),
    fc.json(),
  );
  return fc.oneof(
    { weight: 5, arbitrary: good.map((value) => JSON.stringify(value)) },
    {
      weight: 5,
      arbitrary: fc.tuple(good, mutations(schema)).map(([value, change]) => JSON.stringify(change(value))),
    },
    { weight: 1, arbitrary: raw },
  );
}
