// The kinds of values that bodies hold: texts, ids, e-mail addresses, links, money, numbers, flags and choices.
import { complaintOf, defined, type Field, type JsonSchema, list } from "./fields.ts";

/** A pattern for texts and the refusal of one that does not match; `isFine` is a check that no pattern can do. */
export type Form = { pattern: RegExp; says: string; isFine?: (given: string) => boolean };

const NUL = "\\x00";
const CONTROL = "\\x00-\\x1f\\x7f-\\x9f";
const without = (characters: string) => new RegExp(`^[^${characters}]*$`);
const nonBlankWithout = (characters: string) =>
  new RegExp(`^[^\\S${characters}]*[^\\s${characters}][^${characters}]*$`);

/** Any text, over several lines too. */
export const PROSE: Form = { pattern: without(NUL), says: "must not contain NUL" };
/** Any text that is not blank. */
export const NON_BLANK: Form = { pattern: nonBlankWithout(NUL), says: "must not be blank or contain NUL" };
/** Text of one line. */
export const LINE: Form = { pattern: without(CONTROL), says: "must not contain control characters" };
/** Text of one line that is not blank. */
export const NON_BLANK_LINE: Form = {
  pattern: nonBlankWithout(CONTROL),
  says: "must not be blank or contain control characters",
};

const ID: Form = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  says: "must be of A-Z a-z 0-9 . _ -, beginning with a letter or digit",
};
const ID_MAX = 64;

const IN_EMAIL = `\\s@<>()",;:\\\\${CONTROL}`;
const EMAIL: Form = {
  pattern: new RegExp(`^[^${IN_EMAIL}]+@[^${IN_EMAIL}]+\\.[^.${IN_EMAIL}]+$`),
  says: "must be an e-mail address",
};
const EMAIL_MAX = 254;

const IN_LINK = "\\x00-\\x20\\x7f\\\\";
const LINK: Form = {
  // A path, never `//host`, or a URL with a host.
  pattern: new RegExp(
    `^(/([^/${IN_LINK}][^${IN_LINK}]*)?|[Hh][Tt][Tt][Pp][Ss]?://[^/?#${IN_LINK}][^${IN_LINK}]*)$`,
  ),
  isFine: (given) => given.startsWith("/") || URL.canParse(given),
  says: "must be an http(s) URL or a path on this site",
};
const LINK_MAX = 2_048;

/** An amount as it is written: 0.1 + 0.2 has more decimals than it seems. */
const AMOUNT = /^(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?$/;

type Described = { description?: string | undefined };
type TextRules = Described & {
  min?: number;
  max?: number;
  form?: Form;
  /** Blanks at its ends are dropped. */
  isTrimmed?: boolean;
  /** A JSON number is taken as its digits. */
  takesNumbers?: boolean;
  /** Its length is counted in characters instead of UTF-16 units. */
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
    broken(given) {
      const length = countsCharacters ? [...given].length : given.length;
      if (length < min || (max !== undefined && length > max)) return wrongLength;
      if (form && !(form.pattern.test(given) && (form.isFine?.(given) ?? true))) return form.says;
      return given.isWellFormed() ? null : "must be well-formed Unicode";
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
export const isId = (given: string): boolean => ID.pattern.test(given);

/** An e-mail address. */
export const email = (description?: string): Field<string> =>
  text({ max: EMAIL_MAX, form: EMAIL, isTrimmed: true, description });

/** An http(s) URL, or a path on this site (`/x`, never `//host`), free of spaces and control characters. */
export const link = (description?: string): Field<string> => text({ max: LINK_MAX, form: LINK, description });

const LINK_FIELD = link();

/** True for a text that may be a link. */
export const isLink = (given: string): boolean => complaintOf(LINK_FIELD, given) === null;

/** A list of links; a text is a list of one, an empty text an empty list. */
export function links({ max, description }: Described & { max: number }): Field<string[]> {
  const many = list(LINK_FIELD, { max, of: "URLs", isSet: true });
  const detail = `must be a URL or a list of at most ${max} URLs`;
  return {
    ...many,
    schema: defined({ oneOf: [LINK_FIELD.schema, many.schema], description }),
    read(value, pointer, errors) {
      if (value === "") return [];
      const given: unknown = typeof value === "string" ? [value] : value;
      if (Array.isArray(given) && given.every((each) => typeof each === "string"))
        return many.read(given, pointer, errors);
      errors.push({ pointer, detail });
      return undefined;
    },
  };
}

/** An amount of money in major units, as a number or a string, read to minor units; `min` and `max` are minor units. */
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
      const given = typeof value === "number" ? String(value) : value;
      return typeof given === "string" && AMOUNT.test(given) ? Math.round(Number(given) * 100) : undefined;
    },
    broken: (cents) => (Number.isSafeInteger(cents) && cents >= min && cents <= max ? null : detail),
  });
}

/** A whole number. */
export function whole({ min, max, description }: Described & { min: number; max: number }): Field<number> {
  const detail = `must be a whole number from ${min} to ${max}`;
  return scalar({
    schema: defined({ type: "integer", minimum: min, maximum: max, description }),
    wrongType: detail,
    convert: (value) => (typeof value === "number" ? value : undefined),
    broken: (given) => (Number.isSafeInteger(given) && given >= min && given <= max ? null : detail),
  });
}

/** True or false. */
export const flag = (description?: string): Field<boolean> =>
  scalar({
    schema: defined({ type: "boolean", description }),
    wrongType: "must be true or false",
    convert: (value) => (typeof value === "boolean" ? value : undefined),
    broken: () => null,
  });

/** One of a few texts. */
export function choice<const T extends string>(choices: readonly T[], description?: string): Field<T> {
  const detail = `must be one of ${choices.join(", ")}`;
  return scalar({
    schema: defined({ type: "string", enum: choices, description }),
    wrongType: detail,
    convert: (value) => choices.find((each) => each === value),
    broken: (given) => (choices.includes(given) ? null : detail),
  });
}

type Scalar<T> = {
  schema: JsonSchema;
  /** Returns `undefined` for a value of another type. */
  convert(value: unknown): T | undefined;
  wrongType: string;
  broken(given: T): string | null;
};

function scalar<T>({ schema, convert, wrongType, broken }: Scalar<T>): Field<T> {
  return {
    schema,
    read(value, pointer, errors) {
      const given = convert(value);
      const detail = given === undefined ? wrongType : broken(given);
      if (detail === null) return given;
      errors.push({ pointer, detail });
      return undefined;
    },
    check(given, pointer, errors) {
      const detail = broken(given);
      if (detail !== null) errors.push({ pointer, detail });
    },
  };
}
