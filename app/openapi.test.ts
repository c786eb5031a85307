// The OpenAPI document: its operations, that it is valid OpenAPI 3.0, and that real answers match it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openapiDocument } from "./openapi.ts";
import { makeAdminOf } from "./testing/accounts.ts";
import { ask, signIn, signUp } from "./testing/people.ts";
import { openTestShop, shoe, type TestShop } from "./testing/shop.ts";

type Schema = {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  oneOf?: Schema[];
  enum?: unknown[];
  nullable?: boolean;
  format?: string;
  minimum?: number;
  additionalProperties?: boolean;
};
type Content = Record<string, { schema: Schema }>;
type Operation = {
  operationId: string;
  summary: string;
  tags: string[];
  parameters?: { name: string; in: string; schema: Schema; required: boolean }[];
  requestBody?: { required: boolean; content: Content };
  responses: Record<string, { description: string; content?: Content }>;
  security?: Record<string, string[]>[];
  servers?: { url: string }[];
};
type Document = {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, object> };
};

const OPERATIONS = {
  "/shoes": "listShoes",
  "/shoes/{id}": "getShoe",
  "/shoes/{id}/relatedproducts": "getRelatedShoes",
  "/products": "listProducts",
  "/products/{id}": "getProduct",
  "/products/{id}/relatedproducts": "getRelatedProducts",
  "/categories": "listCategories",
  "/images/{file}": "getPicture",
  "/health": "getHealth",
  "/livez": "getLiveness",
  "/readyz": "getReadiness",
  "/reports/sales": "getSales",
  "/users": "listUsers",
  "/users/{id}": "getUser",
  "/audit": "listAudit",
  "/outbox": "listOutbox",
  "POST /outbox/{id}/release": "releaseMail",
  "/auth/profile": "getProfile",
  "/users/{id}/likes": "listLikes",
  "POST /shoes": "addShoe",
  "PUT /shoes/update/{id}": "updateShoe",
  "PUT /shoes/{id}": "replaceShoe",
  "DELETE /shoes/{id}": "removeShoe",
  "PUT /shoes/{id}/stock": "setStock",
  "POST /shoes/{id}/stock": "addStock",
  "POST /products": "addProduct",
  "PUT /products/{id}": "changeProduct",
  "DELETE /products/{id}": "removeProduct",
  "POST /categories": "addCategory",
  "POST /shoes/{id}/likes/{userid}": "likeShoe",
  "DELETE /shoes/{id}/likes/{userid}": "unlikeShoe",
  "POST /users/{id}/likes": "mergeLikes",
  "POST /auth/register": "register",
  "POST /auth/login": "login",
  "POST /auth/refresh": "refresh",
  "POST /auth/logout": "logout",
  "POST /auth/forgot": "forgotPassword",
  "POST /auth/reset": "resetPassword",
  "PUT /auth/profile": "changeProfile",
  "PUT /users/{id}": "changeUser",
  "DELETE /users/{id}": "removeUser",
  "POST /orders": "placeOrder",
  "POST /orders/quote": "quoteOrder",
  "/orders": "listOrders",
  "/orders/{id}": "getOrder",
  "/orders/{id}/items": "listOrderItems",
  "/orders/{id}/history": "listOrderHistory",
  "PUT /orders/{id}/status": "changeOrderStatus",
  "POST /orders/{id}/refunds": "refundOrder",
  "POST /payments/webhooks/{gateway}": "receiveEvent",
};
/** Operations whose repetition has another status than the first request. */
const TWO_ANSWERS = ["placeOrder"];
/** Operations that read a token but do not require one. */
const OPTIONAL_TOKEN = [
  "placeOrder",
  "quoteOrder",
  "getOrder",
  "listOrderItems",
  "listOrderHistory",
  "changeOrderStatus",
];
const OUTSIDE_THE_PREFIXES = ["/images/{file}", "/health", "/livez", "/readyz"];
// The keywords of an OpenAPI 3.0 Schema Object that this document uses.
const SCHEMA_WORDS =
  "$ref type properties required items enum nullable format description default minimum maximum minLength maxLength pattern minItems maxItems oneOf additionalProperties";

let shop: TestShop;
let document: Document;
beforeAll(async () => {
  shop = await openTestShop([
    shoe("a1", {
      brand: "Nord",
      category: "Running",
      listPriceCents: 9_000,
      sizes: [{ size: "9.5", stock: 3 }],
    }),
    shoe("a2", { brand: "Nord", images: ["https://img.example/a.png"], related: ["a1"] }),
    shoe("a3"),
  ]);
  document = (await (await shop.get("/docs/json")).json()) as Document;
});
afterAll(() => shop.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      ...operation,
    })),
  );

test("lists each operation once, with a stable operationId", () => {
  const named = Object.fromEntries(
    operations().map(({ path, method, operationId }) => [
      method === "GET" ? path : `${method} ${path}`,
      operationId,
    ]),
  );
  expect(named).toEqual(OPERATIONS);
  expect(new Set(Object.values(named)).size).toBe(Object.keys(named).length);
  expect(document.servers.map(({ url }) => url)).toEqual(["/api", "/v1"]);
  const outside = operations().filter(({ servers }) => servers !== undefined);
  expect(outside.map(({ path, servers }) => [path, servers])).toEqual(
    OUTSIDE_THE_PREFIXES.map((path) => [path, [{ url: "/" }]]),
  );
});

describe("is valid", () => {
  test("its schemas use keywords of OpenAPI 3.0, and every reference resolves", () => {
    expect(document.openapi).toMatch(/^3\.0\.\d$/);
    const known = new Set(SCHEMA_WORDS.split(" "));
    const unknown = schemas().flatMap((schema) => Object.keys(schema).filter((word) => !known.has(word)));
    expect(unknown).toEqual([]);
    const references = schemas().flatMap(({ $ref }) => $ref ?? []);
    expect(references).toContain("#/components/schemas/Problem");
    const named = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    expect(references.filter((reference) => !named.includes(reference))).toEqual([]);
    expect(named.length).toBeGreaterThanOrEqual(8);
  });

  test("every operation has its parameters, a summary, a tag and its problems", () => {
    for (const { path, operationId, parameters = [], summary, tags, responses } of operations()) {
      const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const given = parameters.filter((parameter) => parameter.in === "path");
      expect(given.map(({ name }) => name as string | undefined)).toEqual(wanted);
      expect(given.every(({ required }) => required)).toBe(true);
      expect([typeof summary, tags.length]).toEqual(["string", 1]);
      expect(Object.keys(responses).filter((status) => status.startsWith("2"))).toHaveLength(
        TWO_ANSWERS.includes(operationId) ? 2 : 1,
      );
      expect(responses["500"]?.content?.["application/problem+json"]?.schema.$ref).toEndWith("/Problem");
    }
  });
});

describe("matches the answers", () => {
  test.each<[string, string, string?]>([
    ["getShoe", "/api/shoes/a1"],
    ["getShoe", "/api/shoes/a2"],
    ["getRelatedShoes", "/v1/shoes/a2/relatedproducts"],
    ["getRelatedProducts", "/api/products/a1/relatedproducts"],
    ["getProduct", "/api/products/a1"],
    ["listShoes", "/api/shoes?facets=true&limit=2"],
    ["listShoes", "/api/shoes?q=sheo"],
    ["listProducts", "/v1/products"],
    ["listCategories", "/api/categories"],
    ["getHealth", "/health"],
    ["getLiveness", "/livez"],
    ["getReadiness", "/readyz"],
    ["getShoe", "/api/shoes/nobody", "404"],
    ["listShoes", "/api/shoes?page=0", "400"],
  ])("%s: %s", async (operationId, path, status = "200") => {
    const operation = operations().find((each) => each.operationId === operationId);
    const content = Object.entries(operation?.responses[status]?.content ?? {});
    const answer = await shop.get(path);
    expect(String(answer.status)).toBe(status);
    expect(answer.headers.get("content-type")?.split(";")[0]).toBe(content[0]?.[0] as string);
    expect(against(await answer.json(), content[0]?.[1].schema as Schema)).toEqual([]);
  });

  test("of accounts and likes, by status", async () => {
    const person = await signUp(shop);
    const admin = await signIn(shop, await makeAdminOf(shop.db, await signUp(shop)));
    const { email, password, refreshToken } = person;
    const profile = { name: "Sam", phone: "1", password: "another one", currentPassword: password };
    const cases: [string, string, string, Parameters<typeof ask>[3], number][] = [
      ["register", "POST", "/auth/register", { body: { email: "n@b.example", password, name: "N" } }, 201],
      ["register", "POST", "/auth/register", { body: { email, password, name: "N" } }, 409],
      ["login", "POST", "/auth/login", { body: { email, password } }, 200],
      ["login", "POST", "/auth/login", { body: { email, password, cookie: true } }, 200],
      ["login", "POST", "/auth/login", { body: { email, password: "x" } }, 401],
      ["login", "POST", "/auth/login", { body: "email", headers: { "content-type": "text/plain" } }, 415],
      ["refresh", "POST", "/auth/refresh", { body: { refreshToken } }, 200],
      ["refresh", "POST", "/auth/refresh", { body: {} }, 400],
      ["logout", "POST", "/auth/logout", { body: { refreshToken: "x" } }, 204],
      ["forgotPassword", "POST", "/auth/forgot", { body: { email } }, 204],
      ["forgotPassword", "POST", "/auth/forgot", { body: {} }, 400],
      ["resetPassword", "POST", "/auth/reset", { body: { token: "x", password } }, 400],
      ["getProfile", "GET", "/auth/profile", person, 200],
      ["getUser", "GET", `/users/${admin.id}`, { token: person.token }, 403],
      ["changeUser", "PUT", `/users/${person.id}`, { token: admin.token, body: { name: "Other" } }, 200],
      ["changeProfile", "PUT", "/auth/profile", { token: person.token, body: profile }, 200],
      ["getUser", "GET", `/users/${person.id}`, admin, 200],
      ["getUser", "GET", "/users/nobody", admin, 404],
      ["getSales", "GET", "/reports/sales?from=2026-03-28&to=2026-03-30", admin, 200],
      ["getSales", "GET", "/reports/sales?from=today", admin, 400],
      ["listUsers", "GET", "/users?limit=1", admin, 200],
      ["listUsers", "GET", "/users?limit=0", admin, 400],
      ["listAudit", "GET", "/audit", admin, 200],
      ["listAudit", "GET", "/audit", {}, 401],
      ["listOutbox", "GET", "/outbox", admin, 200],
      ["listOutbox", "GET", "/outbox?state=sent", admin, 400],
      ["releaseMail", "POST", "/outbox/999999/release", { token: admin.token }, 404],
      ["removeUser", "DELETE", `/users/${person.id}`, { token: admin.token }, 204],
    ];
    for (const [operationId, method, path, given, status] of cases) {
      const answer = await ask(shop, method, `/api${path}`, { ...given });
      expect([operationId, path, answer.status]).toEqual([operationId, path, status]);
      const response = operations().find((each) => each.operationId === operationId)?.responses[status];
      expect([operationId, status, response !== undefined]).toEqual([operationId, status, true]);
      const [[type, content] = ["", undefined]] = Object.entries(response?.content ?? {});
      expect(answer.headers.get("content-type")?.split(";")[0] ?? "").toBe(type);
      const text = await answer.text();
      expect([operationId, content ? against(JSON.parse(text), content.schema) : text]).toEqual([
        operationId,
        content ? [] : "",
      ]);
    }
  });

  test("of operations that require a token: they have 401 and 403", () => {
    const guarded = operations().filter(({ security = [] }) => security.length > 0);
    expect(guarded.map(({ operationId }) => operationId)).toContain("getProfile");
    for (const { operationId, responses, security } of guarded) {
      const isOptional = OPTIONAL_TOKEN.includes(operationId);
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(isOptional ? ["401"] : ["401", "403"]));
      expect(security).toEqual(isOptional ? [{ bearer: [] }, {}] : [{ bearer: [] }]);
    }
    const { securitySchemes } = document.components;
    expect(securitySchemes).toMatchObject({ bearer: { type: "http", scheme: "bearer" } });
  });

  test("and finds answers that do not match", () => {
    const { Shoe } = document.components.schemas;
    const mismatches = against({ id: 1, slug: null, brand: null, more: 1 }, Shoe as Schema);
    expect(mismatches).toEqual(
      expect.arrayContaining([
        "/id is number",
        "/slug is null",
        "/more is not documented",
        "/title is missing",
      ]),
    );
    expect(mismatches.some((mismatch) => mismatch.startsWith("/brand"))).toBe(false);
  });
});

test("bun run openapi writes the same document without a server and a database", async () => {
  const command = Bun.spawn([process.execPath, "app/openapi.ts"], {
    cwd: join(import.meta.dir, ".."),
    env: { DATA_DIR: "/nowhere/at/all" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [written, complaints, exitCode] = await Promise.all([
    new Response(command.stdout).text(),
    new Response(command.stderr).text(),
    command.exited,
  ]);
  expect([exitCode, complaints]).toEqual([0, ""]);
  const served = await (await shop.get("/docs/json")).text();
  expect(JSON.stringify(JSON.parse(written))).toBe(served);
  expect(written).toBe(`${JSON.stringify(document, null, 2)}\n`);
  expect(await openapiDocument()).toBe(served);
});

test("the example of a storefront runs", async () => {
  // `check:client` generates its types, so other files must not import it.
  const { windowOf, orderOnePair } = await import(join(import.meta.dir, "testing/storefront.example.ts"));
  const lines: string[] = await windowOf(shop.url);
  // The order of equal prices is not specified.
  expect(lines.slice(0, 3).toSorted()).toEqual(["Shoe a1: 50 USD", "Shoe a2: 50 USD", "Shoe a3: 50 USD"]);
  expect(lines.slice(3, 5)).toEqual(["Nord has 2", "Shoe a1 in 9.5 (3 left)"]);
  expect(lines).toContain("goes with Shoe a2, 50");
  expect(lines.at(-1)).toBe("Running: 1");
  expect(await orderOnePair(shop.url, "a1", "9.5")).toBe("Shoe a1 for 50 USD");
});

/** Every schema in the document, including nested ones. */
function schemas(): Schema[] {
  const inside = (schema: Schema): Schema[] => [
    schema,
    ...Object.values(schema.properties ?? {}).flatMap(inside),
    ...(schema.items ? inside(schema.items) : []),
    ...(schema.oneOf ?? []).flatMap(inside),
  ];
  const answers = operations().flatMap(({ responses }) =>
    Object.values(responses).flatMap(({ content = {} }) =>
      Object.values(content).map(({ schema }) => schema),
    ),
  );
  const bodies = operations().flatMap(({ requestBody }) =>
    Object.values(requestBody?.content ?? {}).map(({ schema }) => schema),
  );
  const cases = operations().flatMap(({ parameters = [] }) => parameters.map(({ schema }) => schema));
  return [...Object.values(document.components.schemas), ...answers, ...bodies, ...cases].flatMap(inside);
}

/** The places where a value does not match its schema, including undocumented keys. */
function against(value: unknown, schemaOrRef: Schema, pointer = ""): string[] {
  const schema = schemaOrRef.$ref
    ? document.components.schemas[schemaOrRef.$ref.split("/").at(-1) ?? ""]
    : schemaOrRef;
  if (schema === undefined) return [`${pointer} has no schema`];
  if (value === null) return schema.nullable ? [] : [`${pointer} is null`];
  const type = Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;
  if (type !== schema.type && !(type === "integer" && schema.type === "number"))
    return [`${pointer} is ${type === "integer" ? "number" : type}`];
  if (schema.enum && !schema.enum.includes(value)) return [`${pointer} is ${value}`];
  if (schema.minimum !== undefined && Number(value) < schema.minimum) return [`${pointer} is ${value}`];
  if (schema.format === "date-time" && new Date(String(value)).toISOString() !== value)
    return [`${pointer} is ${value}`];
  if (Array.isArray(value))
    return value.flatMap((each, index) => against(each, schema.items ?? {}, `${pointer}/${index}`));
  if (schema.type !== "object") return [];
  const { properties = {}, required = [], additionalProperties = false } = schema;
  if (additionalProperties) return [];
  const entries = Object.entries(value as object);
  const missing = required
    .filter((name) => !(name in (value as object)))
    .map((name) => `${pointer}/${name} is missing`);
  return entries
    .flatMap(([name, inner]) => {
      const property = properties[name];
      return property
        ? against(inner, property, `${pointer}/${name}`)
        : [`${pointer}/${name} is not documented`];
    })
    .concat(missing);
}
