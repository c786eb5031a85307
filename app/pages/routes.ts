// Routes of the generated pages, or of the files in PUBLIC_DIR.
import { Elysia } from "elysia";
import { Problem } from "../http/problems.ts";
import type { Showcase } from "../shoes/shoes.ts";
import { frontPage } from "./front.ts";
import { ICON } from "./page.ts";
import { problemPage } from "./problem.ts";
import { fileResponse, findFile, textResponse } from "./static.ts";

/** A storefront sets its own policy for what it loads and runs; only framing by other sites is forbidden here. */
const STOREFRONT_HEADERS = {
  "content-security-policy": "frame-ancestors 'self'",
  "x-frame-options": "SAMEORIGIN",
  "referrer-policy": "strict-origin-when-cross-origin",
};
const ICON_CACHING = "public, max-age=86400";

/** The front page or the files of PUBLIC_DIR, and the pages of the problem types. */
export function pageRoutes(publicDir: string | null, readShowcase: () => Showcase) {
  const pages = new Elysia({ name: "pages" }).get("/problems/:type", ({ request, params }) => {
    const page = problemPage(request, params.type);
    if (page === null) throw new Problem("not-found", "no such problem type");
    return page;
  });
  return publicDir === null ? pages.use(ownPages(readShowcase)) : pages.use(folderPages(publicDir));
}

const ownPages = (readShowcase: () => Showcase) =>
  new Elysia({ name: "own-pages" })
    .get("/", ({ request }) => frontPage(request, readShowcase()))
    .get("/favicon.ico", ({ request }) => icon(request));

function folderPages(folder: string) {
  const file = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const found = await findFile(folder, pathname);
    if (found !== null) return fileResponse(request, { ...found, headers: STOREFRONT_HEADERS });
    // The generated pages link to it, also where the storefront has none.
    if (pathname === "/favicon.ico") return icon(request);
    throw new Problem("not-found", "there is nothing at this address");
  };
  return new Elysia({ name: "folder-pages" })
    .get("/", ({ request }) => file(request))
    .get("/*", ({ request }) => file(request));
}

const icon = (request: Request): Response =>
  textResponse(request, { body: ICON, contentType: "image/svg+xml", cacheControl: ICON_CACHING });
