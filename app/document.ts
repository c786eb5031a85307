// The OpenAPI document, built from the routes and the descriptions among their hooks.
import { version } from "../package.json";
import { SCHEMAS as ACCOUNT_SCHEMAS } from "./accounts/model.ts";
import { ProblemSchema, problem } from "./http/openapi-parts.ts";
import { factsOf, PREFIXES, type Route } from "./http/routing.ts";
import { LIKE_SCHEMAS } from "./likes/model.ts";
import { MAIL_SCHEMAS } from "./mail/model.ts";
import { ORDER_SCHEMAS } from "./orders/model.ts";
import { REPORT_SCHEMAS } from "./orders/report/model.ts";
import { SCHEMAS } from "./shoes/model.ts";
import { WRITE_SCHEMAS } from "./shoes/write/model.ts";

const DESCRIPTION = `The back end of a shoe shop: the catalogue, full-text search with facets, related shoes, and accounts.

Every path exists under \`/api\` and under \`/v1\`, with the same bytes. Errors are \`application/problem+json\`.

Lengths of texts count UTF-16 code units, those of passwords count characters.`;

const DOCUMENTATION = {
  info: { title: "Insole", version, description: DESCRIPTION, license: { name: "MIT" } },
  servers: [
    { url: "/api", description: "The shop's API" },
    { url: "/v1", description: "The same API under its other prefix" },
  ],
  security: [],
  components: {
    securitySchemes: {
      bearer: {
        type: "http" as const,
        scheme: "bearer",
        description: "the token of POST /auth/login, or an admin key",
      },
    },
  },
  tags: [
    { name: "Catalogue", description: "Shoes, related shoes, categories and pictures" },
    { name: "Accounts", description: "Signing in and out, profiles, and users for admins" },
    { name: "Orders", description: "Quotes, orders, their payment, and refunds" },
    { name: "Operations", description: "Health, metrics, the audit and the outbox, for operators" },
  ],
};

const PATH = "/json";

/** The document as compact JSON, each path once. The first call loads the packages that it needs. */
export async function documentOf(routes: readonly Route[]): Promise<string> {
  const [{ Elysia }, { swagger }] = await Promise.all([import("elysia"), import("@elysiajs/swagger")]);
  const app = new Elysia().use(
    swagger({ provider: "swagger-ui", specPath: PATH, documentation: DOCUMENTATION }),
  );
  const operations = routes.flatMap((route) => operationOf(route) ?? []);
  for (const { method, path, detail } of operations) app.route(method, path, () => undefined, { detail });
  const response = await app.handle(new Request(`http://localhost${PATH}`));
  const { components, ...document } = JSON.parse(await response.text());
  const schemas = {
    ...components?.schemas,
    ...SCHEMAS,
    ...WRITE_SCHEMAS,
    ...LIKE_SCHEMAS,
    ...ACCOUNT_SCHEMAS,
    ...ORDER_SCHEMAS,
    ...REPORT_SCHEMAS,
    ...MAIL_SCHEMAS,
    Problem: ProblemSchema,
  };
  return JSON.stringify(asVersion30({ ...document, components: { ...components, schemas } }));
}

type Detail = { hide?: boolean; responses: object };

/** A route's operation; `null` when it is hidden or belongs to the other prefix. Throws for a route without a description. */
function operationOf(route: Route): { method: string; path: string; detail: object } | null {
  const { detail } = route.hooks as { detail?: Detail };
  const [prefix, ...others] = PREFIXES;
  if (!detail) throw new Error(`${route.method} ${route.path} has no description: describe it or hide it`);
  if (detail.hide || others.some((other) => route.path.startsWith(`${other}/`))) return null;
  const isCounted = factsOf(route).counts !== "free";
  const responses = { ...detail.responses, ...(isCounted ? { 429: problem(429) } : {}) };
  const path = route.path.startsWith(`${prefix}/`) ? route.path.slice(prefix.length) : route.path;
  return { method: route.method, path, detail: { ...detail, responses } };
}

/** OpenAPI 3.0 knows no `const`; TypeBox writes one for every literal. */
function asVersion30(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asVersion30);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) =>
    name === "const" ? ["enum", [inner]] : [name, asVersion30(inner)],
  );
  return Object.fromEntries(entries);
}
