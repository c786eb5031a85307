// The API's documentation: the OpenAPI document and the Swagger page, which loads nothing from other sites.
import { dirname } from "node:path";
import { Elysia } from "elysia";
import { Problem } from "../http/problems.ts";
import { facts } from "../http/routing.ts";
import { type Asked, fileResponse, findFile, IMMUTABLE, REVALIDATED, textResponse } from "./static.ts";

const HTML = "text/html; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

/** Swagger UI needs its own script, inline styles, icons inside its style sheet, and our responses. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PACKAGE = "swagger-ui-dist";
/** The files of the package that are served; no others are. */
const PACKAGE_FILES = ["swagger-ui.css", "swagger-ui-bundle.js"];

/** The script that starts Swagger UI: a file, so that the policy need not allow inline scripts. */
const START = `SwaggerUIBundle({
  url: "/docs/json",
  dom_id: "#docs",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
`;
const START_VERSION = Bun.hash.xxHash64(START).toString(36);

const hidden = { detail: { hide: true } };
const free = { ...facts({ counts: "free" }), ...hidden };

/** The Swagger page, its files and the OpenAPI document, which is built at its first request. `seed` is as in `Asked`. */
export function docsRoutes(makeDocument: () => Promise<string>, seed: bigint) {
  let document: Promise<string> | undefined;
  const readDocument = () => {
    document ??= makeDocument();
    return document;
  };
  return new Elysia({ name: "docs" })
    .get(
      "/docs",
      async ({ request }) =>
        textResponse(
          { request, seed },
          {
            body: page((await findPackage()).version),
            contentType: HTML,
            cacheControl: REVALIDATED,
            headers: { "content-security-policy": CSP, "referrer-policy": "no-referrer" },
          },
        ),
      free,
    )
    .get(
      "/docs/json",
      async ({ request }) =>
        textResponse(
          { request, seed },
          {
            body: await readDocument(),
            contentType: JSON_TYPE,
            cacheControl: REVALIDATED,
          },
        ),
      { ...facts({ public: true }), ...hidden },
    )
    .get(
      "/docs/assets/:file",
      ({ request, params, query }) => assetResponse({ request, seed }, params.file, query.v),
      free,
    );
}

async function assetResponse(
  asked: Asked,
  name: string,
  requestedVersion: string | undefined,
): Promise<Response> {
  if (name === "start.js") {
    const cacheControl = requestedVersion === START_VERSION ? IMMUTABLE : REVALIDATED;
    return textResponse(asked, { body: START, contentType: SCRIPT, cacheControl });
  }
  const { folder, version } = await findPackage();
  const file = PACKAGE_FILES.includes(name) ? await findFile(folder, `/${name}`) : null;
  if (file === null) throw new Problem("not-found", "no such file");
  return fileResponse(asked, {
    ...file,
    cacheControl: requestedVersion === version ? IMMUTABLE : REVALIDATED,
  });
}

/** The package's folder and version; found per request, so that the start of the shop does not pay for it. */
async function findPackage(): Promise<{ folder: string; version: string }> {
  const path = Bun.resolveSync(`${PACKAGE}/package.json`, import.meta.dir);
  const { version } = await Bun.file(path).json();
  return { folder: dirname(path), version };
}

const page = (version: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Insole API</title>
<link rel="icon" href="/favicon.ico" type="image/svg+xml">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css?v=${version}">
</head>
<body>
<div id="docs"></div>
<noscript>This page needs JavaScript. The OpenAPI document: <a href="/docs/json">/docs/json</a></noscript>
<script src="/docs/assets/swagger-ui-bundle.js?v=${version}"></script>
<script src="/docs/assets/start.js?v=${START_VERSION}"></script>
</body>
</html>
`;
