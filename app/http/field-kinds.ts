// The kinds of values that bodies hold: texts, ids, e-mail addresses, links, money, numbers, flags and choices.
import { brokenRuleOf, defined, type Field, type JsonSchema, list } from "./fields.ts";

/** A pattern of texts and its rule in words; `isValid` checks what no pattern can. */
export type Form = { pattern: RegExp; rule: string; isValid?: (value: string) => boolean };

const NUL = "\\x00";
const CONTROL = "\\x00-\\x1f\\x7f-\\x9f";
const without = (characters: string) => new RegExp(`^[^${characters}]*$`);
const nonBlankWithout = (characters: string) =>
  new RegExp(`^[^\\S${characters}]*[^\\s${characters}][^${characters}]*$`);

/** Any text, also of several lines. */
export const PROSE: Form = { pattern: without(NUL), rule: "must not contain NUL" };
/** Any text that is not blank. */
export const NON_BLANK: Form = { pattern: nonBlankWithout(NUL), rule: "must not be blank or contain NUL" };
/** Text of one line. */
export const LINE: Form = { pattern: without(CONTROL), rule: "must not contain control characters" };
/** Text of one line that is not blank. */
export const NON_BLANK_LINE: Form = {
  pattern: nonBlankWithout(CONTROL),
  rule: "must not be blank or contain control characters",
};

const ID: Form = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  rule: "must consist of A-Z a-z 0-9 . _ - and begin with a letter or digit",
};
const ID_MAX = 64;

const IN_EMAIL = `\\s@<>()",;:\\\\${CONTROL}`;
const EMAIL: Form = {
  pattern: new RegExp(`^[^${IN_EMAIL}]+@[^${IN_EMAIL}]+\\.[^.${IN_EMAIL}]+$`),
  rule: "must be an e-mail address",
};
const EMAIL_MAX = 254;

const IN_LINK = "\\x00-\\x20\\x7f\\\\";
// With a host, without a user name or password before it: every client would see those.
const HTTP = `[Hh][Tt][Tt][Pp][Ss]?://[^/?#@${IN_LINK}]+([/?#][^${IN_LINK}]*)?`;
const isWithoutUser = (value: string): boolean => {
  const url = URL.parse(value);
  return url !== null && url.username === "" && url.password === "";
};
const HTTP_LINK: Form = {
  pattern: new RegExp(`^${HTTP}$`),
  isValid: isWithoutUser,
  rule: "must be an http(s) URL without a user name",
};
const LINK: Form = {
  // A path, never `//host`, or a URL.
  pattern: new RegExp(`^(/([^/${IN_LINK}][^${IN_LINK}]*)?|${HTTP})$`),
  isValid: (value) => value.startsWith("/") || isWithoutUser(value),
  rule: "must be an http(s) URL without a user name, or a path on this site",
};
const LINK_MAX = 2_048;

/** The text of an amount. A number is checked by its text too: 0.1 + 0.2 is 0.30000000000000004. */
const AMOUNT = /^(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?$/;

type Described = { description?: string | undefined };
type TextRules = Described & {
  min?: number;
  max?: number;
  form?: Form;
  /** Removes white space at both ends. */
  isTrimmed?: boolean;
  /** Accepts a JSON number and reads it as text. */
  takesNumbers?: boolean;
  /** Counts the length in characters instead of UTF-16 code units. */
  countsCharacters?: boolean;
};

/** A text of `min` to `max` characters. */
export function text(rules: TextRules): Field<string> {
  const { min = 0, max, form, isTrimmed = false, takesNumbers = false, countsCharacters = false } = rules;
  const wrongLength = `must have ${min > 0 ? `${min} to` : "at most"} ${max} characters`;
  return scalar<string>({
    schema: textSchema(rules),
    wrongType: "must be a string",
    convert(value) {
      if (typeof value === "string") return isTrimmed ? value.trim() : value;
      return takesNumbers && typeof value === "number" ? String(value) : undefined;
    },
    brokenRule(value) {
      const length = countsCharacters ? [...value].length : value.length;
      if (length < min || (max !== undefined && length > max)) return wrongLength;
      if (form && !(form.pattern.test(value) && (form.isValid?.(value) ?? true))) return form.rule;
      return value.isWellFormed() ? null : "must be well-formed Unicode";
    },
  });
}

function textSchema({ min, max, form, takesNumbers = false, description }: TextRules): JsonSchema {
  const plain = { type: "string", minLength: min, maxLength: max, pattern: form?.pattern.source };
  return takesNumbers
    ? defined({ oneOf: [defined(plain), { type: "number" }], description })
    : defined({ ...plain, description });
}

/** The id of a record. */
export const id = (description?: string): Field<string> =>
  text({ min: 1, max: ID_MAX, form: ID, description });

/** True for a text that may be an id. */
export const isId = (value: string): boolean => ID.pattern.test(value);

/** An e-mail address. */
export const email = (description?: string): Field<string> =>
  text({ max: EMAIL_MAX, form: EMAIL, isTrimmed: true, description });

/** An http(s) URL without user name, or a path on this site (`/x`, never `//host`); no spaces and control characters. */
export const link = (description?: string): Field<string> => text({ max: LINK_MAX, form: LINK, description });

/** An http(s) URL without user name, no spaces and control characters. */
export const httpLink = (description?: string): Field<string> =>
  text({ max: LINK_MAX, form: HTTP_LINK, description });

const LINK_FIELD = link();

/** True for a text that may be a link. */
export const isLink = (value: string): boolean => brokenRuleOf(LINK_FIELD, value) === null;

/** True for an http(s) URL with a user name or password, which no link may have. */
export const hasUserName = (value: string): boolean => /^https?:\/\/[^/?#]*@/i.test(value);

/** A list of links; a string is read as a list of one, an empty string as an empty list. */
export function links({ max, description }: Described & { max: number }): Field<string[]> {
  const many = list(LINK_FIELD, { max, of: "URLs", isSet: true });
  const detail = `must be a URL or a list of at most ${max} URLs`;
  return {
    ...many,
    schema: defined({ oneOf: [LINK_FIELD.schema, many.schema], description }),
    read(value, pointer, errors) {
      if (value === "") return [];
      const items: unknown = typeof value === "string" ? [value] : value;
      if (Array.isArray(items) && items.every((each) => typeof each === "string"))
        return many.read(items, pointer, errors);
      errors.push({ pointer, detail });
      return undefined;
    },
  };
}

/** An amount of money in major units, as a number or a string, read as minor units; `min` and `max` are in minor units. */
export function money({
  min = 1,
  max,
  description,
}: Described & { min?: number; max: number }): Field<number> {
  const detail = `must be an amount from ${min / 100} to ${max / 100} with at most two decimals`;
  const number = { type: "number", format: "double", minimum: min / 100, maximum: max / 100 };
  const written = { type: "string", pattern: AMOUNT.source, description: "within the same bounds" };
  return scalar({
    schema: defined({ oneOf: [number, written], description }),
    wrongType: detail,
    convert(value) {
      const amount = typeof value === "number" ? String(value) : value;
      return typeof amount === "string" && AMOUNT.test(amount) ? Math.round(Number(amount) * 100) : undefined;
    },
    brokenRule: (cents) => (Number.isSafeInteger(cents) && cents >= min && cents <= max ? null : detail),
  });
}

/** A whole number. */
export function whole({ min, max, description }: Described & { min: number; max: number }): Field<number> {
  const detail = `must be a whole number from ${min} to ${max}`;
  return scalar({
    schema: defined({ type: "integer", minimum: min, maximum: max, description }),
    wrongType: detail,
    convert: (value) => (typeof value === "number" ? value : undefined),
    brokenRule: (value) => (Number.isSafeInteger(value) && value >= min && value <= max ? null : detail),
  });
}

/** True or false. */
export const flag = (description?: string): Field<boolean> =>
  scalar({
    schema: defined({ type: "boolean", description }),
    wrongType: "must be true or false",
    convert: (value) => (typeof value === "boolean" ? value : undefined),
    brokenRule: () => null,
  });

/** One of a few texts. */
export function choice<const T extends string>(choices: readonly T[], description?: string): Field<T> {
  const detail = `must be one of ${choices.join(", ")}`;
  return scalar({
    schema: defined({ type: "string", enum: choices, description }),
    wrongType: detail,
    convert: (value) => choices.find((each) => each === value),
    brokenRule: (value) => (choices.includes(value) ? null : detail),
  });
}

type Scalar<T> = {
  schema: JsonSchema;
  /** Returns `undefined` for a value of another type. */
  convert(value: unknown): T | undefined;
  wrongType: string;
  /** Returns the rule that a value breaks; `null` when it breaks none. */
  brokenRule(value: T): string | null;
};

function scalar<T>({ schema, convert, wrongType, brokenRule }: Scalar<T>): Field<T> {
  return {
    schema,
    read(value, pointer, errors) {
      const converted = convert(value);
      const detail = converted === undefined ? wrongType : brokenRule(converted);
      if (detail === null) return converted;
      errors.push({ pointer, detail });
      return undefined;
    },
    check(value, pointer, errors) {
      const detail = brokenRule(value);
      if (detail !== null) errors.push({ pointer, detail });
    },
  };
}
