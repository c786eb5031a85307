// Parses the OpenAPI document for the fuzz suite: its operations, with every reference resolved.

/** The part of OpenAPI's Schema Object that the document uses. */
export type Schema = {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  oneOf?: Schema[];
  enum?: (string | number | boolean)[];
  nullable?: boolean;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  additionalProperties?: boolean | Schema;
};

export type Parameter = { name: string; in: "path" | "query" | "header"; required: boolean; schema: Schema };

/** One operation; `null` for a status whose response has no body. */
export type Operation = {
  id: string;
  method: string;
  /** With its prefix: `/api/shoes/{id}`. */
  path: string;
  isGuarded: boolean;
  parameters: Parameter[];
  body: Schema | null;
  responses: Record<string, { type: string; schema: Schema } | null>;
};

type Content = Record<string, { schema: Schema }>;
type DocumentedOperation = {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
  security?: object[];
  servers?: { url: string }[];
};
type Document = {
  servers: { url: string }[];
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, Schema> };
};

/** The operations of a document in JSON. */
export function operationsOf(text: string): Operation[] {
  const { paths, servers, components } = JSON.parse(text) as Document;
  const resolve = (schema: Schema): Schema => resolved(schema, components.schemas);
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, documented]) => ({
      id: documented.operationId,
      method: method.toUpperCase(),
      path: `${(documented.servers ?? servers)[0]?.url ?? ""}${path}`.replace(/^\/\//, "/"),
      // An empty requirement allows requests without a token.
      isGuarded: (documented.security ?? [{}]).every((each) => Object.keys(each).length > 0),
      parameters: (documented.parameters ?? []).map((each) => ({ ...each, schema: resolve(each.schema) })),
      body: mapped(documented.requestBody?.content, resolve)?.schema ?? null,
      responses: Object.fromEntries(
        Object.entries(documented.responses).map(([status, { content }]) => [
          status,
          mapped(content, resolve),
        ]),
      ),
    })),
  );
}

function mapped(content: Content | undefined, resolve: (schema: Schema) => Schema) {
  const [entry] = Object.entries(content ?? {});
  return entry ? { type: entry[0], schema: resolve(entry[1].schema) } : null;
}

function resolved(schema: Schema, named: Record<string, Schema>): Schema {
  if (schema.$ref !== undefined) {
    const target = named[schema.$ref.split("/").at(-1) ?? ""];
    if (!target) throw new Error(`${schema.$ref} cannot be resolved`);
    return resolved(target, named);
  }
  const { properties, items, oneOf } = schema;
  return {
    ...schema,
    ...(items ? { items: resolved(items, named) } : {}),
    ...(oneOf ? { oneOf: oneOf.map((each) => resolved(each, named)) } : {}),
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, inner]) => [name, resolved(inner, named)]),
          ),
        }
      : {}),
  };
}
