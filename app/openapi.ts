// The OpenAPI document, told by the routes themselves; as a command it writes it to the standard output.
import type { Database } from "../db/database.ts";
import { openSingle } from "../db/topology.ts";
import { version } from "../package.json";
import { SCHEMAS as ACCOUNT_SCHEMAS } from "./accounts/model.ts";
import { openPasswords } from "./accounts/passwords.ts";
import { accountRoutes } from "./accounts/routes.ts";
import { openLoginThrottle } from "./accounts/throttle.ts";
import { openCache } from "./cache/cache.ts";

import { openIdempotency } from "./http/idempotency.ts";
import { ProblemSchema, problem } from "./http/openapi-parts.ts";
import { factsOf } from "./http/routing.ts";
import { openVersions } from "./http/version.ts";
import { openIdentity } from "./identity/identity.ts";
import { openTokens } from "./identity/tokens.ts";
import { openLikes } from "./likes/likes.ts";
import { LIKE_SCHEMAS } from "./likes/model.ts";
import { likeRoutes } from "./likes/routes.ts";
import { openLimits } from "./limits/limits.ts";
import { openCounters } from "./ops/counters.ts";
import { openMetrics } from "./ops/metrics.ts";
import { opsRoutes } from "./ops/routes.ts";
import { openStatus } from "./ops/status.ts";
import { SCHEMAS } from "./shoes/model.ts";
import { catalogueRoutes, pictureRoutes } from "./shoes/routes.ts";
import { WRITE_SCHEMAS } from "./shoes/write/model.ts";
import { catalogueWriteRoutes } from "./shoes/write/routes.ts";
import { openCatalogue } from "./shoes/write/shoes.ts";

const DESCRIPTION = `The back end of a shoe shop: the catalogue, full-text search with facets, related shoes, and accounts.

Every path exists under \`/api\` and under \`/v1\`, with the same bytes. Errors are \`application/problem+json\`.

Lengths of texts count UTF-16 code units, those of passwords count characters.`;

const DOCUMENTATION = {
  info: { title: "Insole", version, description: DESCRIPTION, license: { name: "MIT" } },
  servers: [
    { url: "/api", description: "The shop's API" },
    { url: "/v1", description: "The same under its other name" },
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
    { name: "Operations", description: "For the people who run the shop" },
  ],
};

const PATH = "/json";

/** The document as compact JSON. No database is asked, and the packages it needs are loaded by the first call. */
export async function openapiDocument(): Promise<string> {
  const [{ Elysia }, { swagger }] = await Promise.all([import("elysia"), import("@elysiajs/swagger")]);
  const db = noDatabase();
  const services = {
    db,
    cache: noCache(),
    shop: { publicUrl: "", currency: "USD" },
    identity: openIdentity(db, openTokens(["no token is ever made with it"], 0, Date.now), Date.now),
    passwords: openPasswords(),
    loginThrottle: openLoginThrottle({ now: Date.now }),
    limits: openLimits({ requestsMax: 0, signInsMax: 0, windowSeconds: 1, now: Date.now }),
    status: openStatus({
      version,
      startedAtMs: 0,
      now: Date.now,
      seq: () => 0,
      topology: openSingle(noDatabase()),
    }),
    counters: openCounters(),
    access: () => false,
    origins: { publicUrl: "", corsOrigins: [] },
    now: Date.now,
    versions: openVersions({
      secrets: [],
      generation: () => "",
      position: () => 0,
      isSecure: false,
      topology: openSingle(noDatabase()),
    }),
    idempotency: openIdempotency(db, Date.now),
    catalogue: openCatalogue(db),
    likes: openLikes(db, { now: Date.now, isOpen: false, onCommit: () => undefined }),
    look: () => undefined,
    openWrites: false,
  };
  const app = new Elysia()
    .use(swagger({ provider: "swagger-ui", specPath: PATH, documentation: DOCUMENTATION }))
    .use(catalogueRoutes(services))
    .use(pictureRoutes(services))
    .use(catalogueWriteRoutes(services))
    .use(likeRoutes(services))
    .use(accountRoutes(services))
    .use(opsRoutes({ ...services, metrics: openMetrics(services) }));
  const response = await app.handle(new Request(`http://localhost${PATH}`));
  const { components, ...told } = JSON.parse(await response.text());
  const schemas = {
    ...components?.schemas,
    ...SCHEMAS,
    ...WRITE_SCHEMAS,
    ...LIKE_SCHEMAS,
    ...ACCOUNT_SCHEMAS,
    Problem: ProblemSchema,
  };
  const paths: Record<string, Methods> = told.paths;
  for (const route of app.routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    const responses = paths[path]?.[route.method.toLowerCase()]?.responses;
    if (responses && factsOf(route).counts !== "free") responses[429] = problem(429);
  }
  return JSON.stringify(asVersion30({ ...told, components: { ...components, schemas } }));
}

type Methods = Record<string, { responses: Record<string, unknown> }>;

/** OpenAPI 3.0 knows no `const`; TypeBox writes one for every literal. */
function asVersion30(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asVersion30);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) =>
    name === "const" ? ["enum", [inner]] : [name, asVersion30(inner)],
  );
  return Object.fromEntries(entries);
}

function noDatabase(): Database {
  const refuse = (): never => {
    throw new Error("the document is made without a database");
  };
  return {
    isRemote: false,
    read: { get: refuse, all: refuse },
    scan: refuse,
    onPrimary: refuse,
    write: refuse,
    writeQueue: refuse,
    written: refuse,
    close: refuse,
  };
}

const noCache = () => openCache({ bytesMax: 0, now: Date.now, position: () => 0 });

if (import.meta.main) {
  const document: unknown = JSON.parse(await openapiDocument());
  await Bun.write(Bun.stdout, `${JSON.stringify(document, null, 2)}\n`);
}
