// Routes of the generated pages, or of the files in PUBLIC_DIR.
import { Elysia } from "elysia";
import { Problem } from "../http/problems.ts";
import { facts } from "../http/routing.ts";
import type { Showcase } from "../shoes/shoes.ts";
import { frontPage } from "./front.ts";
import { ICON } from "./page.ts";
import { problemPage } from "./problem.ts";
import { type Asked, fileResponse, findFile, textResponse } from "./static.ts";

/** A storefront sets its own policy for what it loads and runs; only framing by other sites is forbidden here. */
const STOREFRONT_HEADERS = {
  "content-security-policy": "frame-ancestors 'self'",
  "x-frame-options": "SAMEORIGIN",
  "referrer-policy": "strict-origin-when-cross-origin",
};
/** Pages are no operations of the API. */
const page = { ...facts({ counts: "free" }), detail: { hide: true } };
const ICON_CACHING = "public, max-age=86400";

/** The front page or the files of PUBLIC_DIR, and the pages of the problem types. `seed` is as in `Asked`. */
export function pageRoutes(publicDir: string | null, seed: bigint, readShowcase: () => Showcase) {
  const pages = new Elysia({ name: "pages" }).get(
    "/problems/:type",
    ({ request, params }) => {
      const explained = problemPage({ request, seed }, params.type);
      if (explained === null) throw new Problem("not-found", "no such problem type");
      return explained;
    },
    page,
  );
  return publicDir === null
    ? pages.use(ownPages(seed, readShowcase))
    : pages.use(folderPages(publicDir, seed));
}

const ownPages = (seed: bigint, readShowcase: () => Showcase) =>
  new Elysia({ name: "own-pages" })
    .get("/", ({ request }) => frontPage({ request, seed }, readShowcase()), page)
    .get("/favicon.ico", ({ request }) => icon({ request, seed }), page);

function folderPages(folder: string, seed: bigint) {
  const file = async (request: Request): Promise<Response> => {
    const found = await folderFile(folder, { request, seed });
    if (found !== null) return found;
    // The generated pages link to it, also where the storefront has none.
    if (new URL(request.url).pathname === "/favicon.ico") return icon({ request, seed });
    throw new Problem("not-found", "there is nothing at this address");
  };
  return new Elysia({ name: "folder-pages" })
    .get("/", ({ request }) => file(request), page)
    .get("/*", ({ request }) => file(request), page);
}

/** The file of the folder at the address that is asked for; `null` where there is none. */
export async function folderFile(folder: string, asked: Asked): Promise<Response | null> {
  const found = await findFile(folder, new URL(asked.request.url).pathname);
  return found && fileResponse(asked, { ...found, headers: STOREFRONT_HEADERS });
}

const icon = (asked: Asked): Response =>
  textResponse(asked, { body: ICON, contentType: "image/svg+xml", cacheControl: ICON_CACHING });
