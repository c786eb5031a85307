// Checks values against schemas of the document; undocumented keys are violations too.
import { FormatRegistry, type TSchema, Type } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler } from "@sinclair/typebox/compiler";
import type { Schema } from "./document.ts";

const checks = new WeakMap<Schema, TypeCheck<TSchema>>();

const isTime = (text: string): boolean => {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text;
};

// A format name of our own: the framework registers less strict checks under the usual names.
const TIME = "insole-time";
FormatRegistry.Set(TIME, isTime);

/** The first violation in a value, as a sentence; `null` when it is valid. */
export function schemaViolation(value: unknown, schema: Schema): string | null {
  let check = checks.get(schema);
  if (!check) {
    check = TypeCompiler.Compile(typeOf(schema));
    checks.set(schema, check);
  }
  if (check.Check(value)) return null;
  const error = check.Errors(value).First();
  return `${error?.path === "" ? "it" : error?.path}: ${error?.message}, not ${shown(error?.value)}`;
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? "undefined").slice(0, 200);

function typeOf(schema: Schema): TSchema {
  const type = plainTypeOf(schema);
  return schema.nullable ? Type.Union([type, Type.Null()]) : type;
}

function plainTypeOf(schema: Schema): TSchema {
  const { type, enum: choices, items, properties = {}, required = [] } = schema;
  if (choices) return Type.Union(choices.map((choice) => Type.Literal(choice)));
  const { format, minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  const rules = defined({
    format: format === "date-time" ? TIME : format,
    minimum,
    maximum,
    minLength,
    maxLength,
    minItems,
    maxItems,
  });
  switch (type) {
    case "string":
      return Type.String(rules);
    case "integer":
      return Type.Integer(rules);
    case "number":
      return Type.Number(rules);
    case "boolean":
      return Type.Boolean();
    case "array":
      return Type.Array(items ? typeOf(items) : Type.Unknown(), rules);
    case "object": {
      const fields = Object.entries(properties).map(([name, inner]) => [
        name,
        required.includes(name) ? typeOf(inner) : Type.Optional(typeOf(inner)),
      ]);
      const more = schema.additionalProperties ?? false;
      return Type.Object(Object.fromEntries(fields), {
        additionalProperties: typeof more === "object" ? typeOf(more) : more,
      });
    }
    default:
      throw new Error(`no check for the type ${type}`);
  }
}

const defined = (rules: Record<string, string | number | undefined>): Record<string, string | number> =>
  Object.fromEntries(
    Object.entries(rules).filter((rule): rule is [string, string | number] => rule[1] !== undefined),
  );
