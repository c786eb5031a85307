// Bodies made from their schema in the document: valid ones, those at its bounds, and those that break a single rule.
import fc from "fast-check";
import type { Schema } from "./document.ts";
import { LIST_MAX, textMatching } from "./values.ts";

/** A value for one place of a body and the rule that it reaches or breaks; `undefined` removes the field. */
export type Edit = { path: (string | number)[]; rule: string; value: unknown };
type Values = [rule: string, value: unknown][];

const ANY_TEXT = "^[a-zA-Z0-9 ]{0,20}$";
const NUMBERS = [9.5, 42, 7];
/** Of another type than every field. */
const STRANGE = { strange: true };
/** Texts that break one pattern or another; blanks at an end may be trimmed, so they are in the middle. */
const ODD_TEXTS = ["a\u0000b", "\u00a0\u00a0", "a b", "no pattern at all", "//host"];

/** Every value that a schema allows. */
export function validOf(schema: Schema): fc.Arbitrary<unknown> {
  const { type, enum: choices, oneOf, items = {}, properties = {}, required = [] } = schema;
  const { minimum = 0, maximum = 0, minItems = 0, maxItems = LIST_MAX, nullable = false } = schema;
  const orNull = (usual: fc.Arbitrary<unknown>) => (nullable ? fc.option(usual, { freq: 5 }) : usual);
  if (oneOf) return orNull(fc.oneof(...oneOf.map(validOf)).filter((value) => isWithin(value, oneOf)));
  if (choices) return orNull(fc.constantFrom(...choices));
  switch (type) {
    case "string":
      return orNull(textMatching({ ...schema, pattern: schema.pattern ?? ANY_TEXT }).filter(isWhole));
    case "integer":
      return orNull(fc.integer({ min: minimum, max: maximum }));
    case "number":
      return orNull(
        schema.maximum === undefined
          ? fc.constantFrom(...NUMBERS)
          : fc.integer({ min: minimum * 100, max: maximum * 100 }).map((cents) => cents / 100),
      );
    case "boolean":
      return orNull(fc.boolean());
    case "array":
      return orNull(
        fc.array(validOf(items), { minLength: minItems, maxLength: Math.min(maxItems, LIST_MAX) }),
      );
    default: {
      const fields = Object.entries(properties).map(([name, field]) => [name, validOf(field)] as const);
      return orNull(fc.record(Object.fromEntries(fields), { requiredKeys: required }));
    }
  }
}

/** An amount as a text has the bounds of the number beside it. */
const isWithin = (value: unknown, [number]: Schema[]): boolean =>
  typeof value !== "string" ||
  number?.minimum === undefined ||
  (Number(value) >= number.minimum && Number(value) <= (number.maximum ?? 0));

/** No pattern can say what a URL is. */
const isWhole = (text: string): boolean => !/^https?:/i.test(text) || URL.canParse(text);

/** Every bound of a schema, reached exactly. */
export const edgesOf = (schema: Schema): Edit[] => editsOf(schema, [], inside);

/** Every way to break one rule of a schema, each rule once. */
export const breachesOf = (schema: Schema): Edit[] => [
  ...editsOf(schema, [], outside),
  ...shapesOf(schema, []).filter(({ path }) => path.length > 0),
];

function editsOf(schema: Schema, path: Edit["path"], valuesOf: (schema: Schema) => Values): Edit[] {
  const { oneOf = [], items, properties = {} } = schema;
  return [
    ...valuesOf(schema).map(([rule, value]) => ({ path, rule, value })),
    ...oneOf.flatMap((each) => editsOf(each, path, valuesOf)),
    ...Object.entries(properties).flatMap(([name, field]) => editsOf(field, [...path, name], valuesOf)),
    ...(items ? editsOf(items, [...path, 0], valuesOf) : []),
  ];
}

/** Values of another type, null, and fields that are missing. */
function shapesOf(schema: Schema, path: Edit["path"]): Edit[] {
  const { oneOf = [], items, properties = {}, required = [], nullable = false } = schema;
  const isNullable = nullable || oneOf.some((each) => each.nullable);
  return [
    { path, rule: "type", value: STRANGE },
    ...(isNullable ? [] : [{ path, rule: "nullable", value: null }]),
    ...required.map((name) => ({ path: [...path, name], rule: "required", value: undefined })),
    ...Object.entries(properties).flatMap(([name, field]) => shapesOf(field, [...path, name])),
    ...(items ? shapesOf(items, [...path, 0]) : []),
  ];
}

function inside(schema: Schema): Values {
  const { items = {}, minimum, maximum, minLength, maxLength, minItems, maxItems, pattern = "" } = schema;
  const textOf = (length: number) => longTexts(length).find((text) => matches(pattern, text));
  const listOf = (count: number) => fc.sample(validOf(items), { seed: 1, numRuns: count });
  return given([
    ["minimum", minimum],
    ["maximum", maximum],
    ["minLength", minLength && textOf(minLength)],
    ["maxLength", maxLength && textOf(maxLength)],
    ["minItems", minItems && listOf(minItems)],
    ["maxItems", maxItems && listOf(maxItems)],
  ]);
}

function outside({ type, enum: choices, ...bounds }: Schema): Values {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, pattern } = bounds;
  const isOdd = (text: string) => text.length <= (maxLength ?? text.length) && !matches(pattern ?? "", text);
  return given([
    ["enum", choices && "none of them"],
    ["integer", type === "integer" ? 0.5 : undefined],
    ["minimum", minimum === undefined ? undefined : minimum - 1],
    ["maximum", maximum === undefined ? undefined : maximum + 1],
    ["minLength", minLength && "a".repeat(minLength - 1)],
    ["maxLength", maxLength && "a".repeat(maxLength + 1)],
    ["minItems", minItems && []],
    ["maxItems", maxItems && Array.from({ length: maxItems + 1 }, () => "/a")],
    ["pattern", ODD_TEXTS.find(isOdd)],
  ]);
}

const given = (values: Values): Values => values.filter(([, value]) => value !== undefined);

const matches = (pattern: string, text: string): boolean => new RegExp(pattern).test(text);

/** Of one length and of several kinds: a word, a path, a number, an address. */
const longTexts = (length: number): string[] => [
  "a".repeat(length),
  "/".padEnd(length, "a"),
  "1".repeat(length),
  "a@a.".padEnd(length, "a"),
];

/** The value with an edit in it; `null` where it does not have that place. */
export function edited(value: unknown, { path, value: next }: Edit): unknown {
  const [key = "", ...rest] = path;
  if (typeof value !== "object" || value === null) return null;
  if (Array.isArray(value) && value.length === 0) return null;
  const inner = (value as Record<string | number, unknown>)[key];
  const changed = rest.length === 0 ? next : edited(inner, { path: rest, rule: "", value: next });
  if (changed === null && rest.length > 0) return null;
  return Array.isArray(value) ? value.with(Number(key), changed) : { ...value, [key]: changed };
}

/** The pointers of all text fields in a body; lists have one element. */
export function textFields(schema: Schema, pointer = ""): string[] {
  if (schema.oneOf) return schema.oneOf.flatMap((each) => textFields(each, pointer));
  if (schema.type === "string") return [pointer];
  if (schema.items) return textFields(schema.items, `${pointer}/0`);
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) =>
    textFields(inner, `${pointer}/${name}`),
  );
}

/** A body with a text at a pointer; a list has one element. */
export function withText(
  base: Record<string, unknown>,
  pointer: string,
  text: string,
): Record<string, unknown> {
  const [, name = "", key, inner] = pointer.split("/");
  if (key === undefined) return { ...base, [name]: text };
  if (key !== "0") return { ...base, [name]: { ...(base[name] as object), [key]: text } };
  const [first = { stock: 1 }] = (base[name] ?? []) as object[];
  return { ...base, [name]: [inner === undefined ? text : { ...first, [inner]: text }] };
}
