// Tables of fields: each field states its rule once, reads values of request bodies by it, and describes it as a schema.
import type { Fields } from "./body.ts";
import { Problem } from "./problems.ts";

/** One broken rule: the field as a JSON pointer, and the rule in words. */
export type FieldError = { pointer: string; detail: string };

/** A Schema Object of OpenAPI 3.0. */
export type JsonSchema = { readonly [word: string]: unknown };

/** A kind of value and its rule. */
export type Field<T> = {
  readonly schema: JsonSchema;
  /** Converts a value of a body; returns `undefined` after adding an error. */
  read(value: unknown, pointer: string, errors: FieldError[]): T | undefined;
  /** Adds an error for each rule that an already converted value breaks. */
  check(value: T, pointer: string, errors: FieldError[]): void;
};

type Optional = { readonly isOptional: true };
type Entry = Field<unknown> & {
  readonly isOptional?: true;
  readonly fallback?: unknown;
  /** Its name in the resulting object, where that differs from its name in the body. */
  readonly target?: string;
};

/** Fields by their names in the body. */
type Table = { readonly [name: string]: Entry };

type ValueOf<F> = F extends Field<infer T> ? T : never;
type TargetOf<F, Name> = F extends { readonly target: infer Target extends string } ? Target : Name;

/** The type of the object that results from reading a table's fields. */
export type ReadOf<T extends Table> = Flat<
  { [K in keyof T as T[K] extends Optional ? never : TargetOf<T[K], K>]: ValueOf<T[K]> } & {
    [K in keyof T as T[K] extends Optional ? TargetOf<T[K], K> : never]?: ValueOf<T[K]>;
  }
>;
type Flat<T> = { [K in keyof T]: T[K] };

/** A field that may be missing. */
export const optional = <F extends Field<unknown>>(field: F): F & Optional => ({
  ...field,
  isOptional: true,
});

/** The same table with every field optional. */
export const allOptional = <T extends Table>(fields: T) =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, optional(field)])) as {
    [K in keyof T]: T[K] & Optional;
  };

/** A field that has the value `fallback` where it is missing. */
export const withDefault = <T>(field: Field<T>, fallback: NoInfer<T>) => ({
  ...field,
  schema: { ...field.schema, default: fallback },
  fallback,
});

/** A field that has the name `target` in the resulting object. */
export const into = <Target extends string, F extends Field<unknown>>(
  target: Target,
  field: F,
): F & { readonly target: Target } => ({ ...field, target });

/** A field that may be null; the text `other` means null too. */
export const nullable = <T>(field: Field<T>, other?: string): Field<T | null> => ({
  schema: orNull(field.schema),
  read: (value, pointer, errors) =>
    value === null || (other !== undefined && value === other) ? null : field.read(value, pointer, errors),
  check: (value, pointer, errors) => {
    if (value !== null) field.check(value, pointer, errors);
  },
});

/** OpenAPI 3.0 allows `nullable` only beside `type`. */
function orNull(schema: JsonSchema): JsonSchema {
  const { oneOf } = schema;
  if (!Array.isArray(oneOf)) return { ...schema, nullable: true };
  return { ...schema, oneOf: oneOf.map((each, index) => (index === 0 ? orNull(each) : each)) };
}

type ListRules<T> = {
  min?: number;
  max: number;
  /** The noun for the items in error texts. */
  of: string;
  /** Drops repeated items. */
  isSet?: boolean;
  /** Adds an error for each broken rule between items. */
  together?: (items: T[], pointer: string, errors: FieldError[]) => void;
  description?: string;
};

/** A list of `min` (default 0) to `max` items. */
export function list<T>(item: Field<T>, rules: ListRules<T>): Field<T[]> {
  const { min = 0, max, of, isSet = false, together, description } = rules;
  const detail = `must be a list of ${min > 0 ? `${min} to` : "at most"} ${max} ${of}`;
  const isCount = (count: number) => count >= min && count <= max;
  return {
    schema: defined({
      type: "array",
      items: item.schema,
      minItems: min || undefined,
      maxItems: max,
      description,
    }),
    read(value, pointer, errors) {
      if (!Array.isArray(value) || !isCount(value.length)) {
        errors.push({ pointer, detail });
        return undefined;
      }
      const before = errors.length;
      const items = value.map((each: unknown, index) =>
        item.read(each, `${pointer}/${index}`, errors),
      ) as T[];
      if (errors.length > before) return undefined;
      const read = isSet ? [...new Set(items)] : items;
      together?.(read, pointer, errors);
      return errors.length > before ? undefined : read;
    },
    check(items, pointer, errors) {
      if (!isCount(items.length)) errors.push({ pointer, detail });
      items.forEach((each, index) => {
        item.check(each, `${pointer}/${index}`, errors);
      });
      together?.(items, pointer, errors);
    },
  };
}

/** An object with these fields; other keys are ignored. */
export function object<T extends Table>(fields: T, description?: string): Field<ReadOf<T>> {
  const entries = entriesOf(fields);
  return {
    schema: schemaOf(fields, description),
    read(value, pointer, errors) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        errors.push({ pointer, detail: "must be an object" });
        return undefined;
      }
      const before = errors.length;
      const read = readAll(entries, value as Fields, pointer, errors);
      return errors.length > before ? undefined : (read as ReadOf<T>);
    },
    check(value, pointer, errors) {
      const values = value as Fields;
      for (const { name, target, field } of entries)
        if (values[target] !== undefined) field.check(values[target], `${pointer}/${name}`, errors);
    },
  };
}

/** A request's body. */
export type Body<T> = {
  readonly schema: JsonSchema;
  /** Reads a body; `together` adds the errors of rules between fields. Throws one `Problem` 400 with every error. */
  read(sent: Fields, together?: (read: Partial<T>, errors: FieldError[]) => void): T;
};

/** The type of the object that results from reading a body. */
export type ReadBy<B> = B extends Body<infer T> ? T : never;

/** A body with these fields; other keys are ignored. */
export function body<T extends Table>(fields: T): Body<ReadOf<T>> {
  const entries = entriesOf(fields);
  return {
    schema: schemaOf(fields),
    read(sent, together) {
      const errors: FieldError[] = [];
      const read = readAll(entries, sent, "", errors) as ReadOf<T>;
      together?.(read, errors);
      refuseFields(errors);
      return read;
    },
  };
}

/** Throws one `Problem` 400 with every error; does nothing without errors. */
export function refuseFields(errors: FieldError[]): void {
  const [first] = errors;
  if (first) throw new Problem("invalid-request", `${first.pointer.slice(1)} ${first.detail}`, errors);
}

/** The first rule that a value breaks; `null` when it breaks none. */
export function brokenRuleOf<T>(field: Field<T>, value: T): string | null {
  const errors: FieldError[] = [];
  field.check(value, "", errors);
  return errors[0]?.detail ?? null;
}

/** A schema without its undefined keywords. */
export const defined = (schema: JsonSchema): JsonSchema =>
  Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));

type Entries = { name: string; target: string; field: Entry }[];

const entriesOf = (fields: Table): Entries =>
  Object.entries(fields).map(([name, field]) => ({ name, target: field.target ?? name, field }));

function readAll(entries: Entries, sent: Fields, pointer: string, errors: FieldError[]): Fields {
  const read: Fields = {};
  for (const { name, target, field } of entries) {
    const value = sent[name];
    if (value !== undefined) {
      const converted = field.read(value, `${pointer}/${name}`, errors);
      if (converted !== undefined) read[target] = converted;
    } else if (field.fallback !== undefined) read[target] = field.fallback;
    else if (!field.isOptional) errors.push({ pointer: `${pointer}/${name}`, detail: "is required" });
  }
  return read;
}

function schemaOf(fields: Table, description?: string): JsonSchema {
  const entries = Object.entries(fields);
  const required = entries.flatMap(([name, { isOptional, fallback }]) =>
    isOptional || fallback !== undefined ? [] : [name],
  );
  return defined({
    type: "object",
    properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    required: required.length > 0 ? required : undefined,
    description,
  });
}
