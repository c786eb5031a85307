// The forms of pages: they are taken from the shop's own pages only, and read as texts by their names.
import { readText } from "../http/body.ts";
import type { PageCheck } from "../http/origin.ts";
import { Problem } from "../http/problems.ts";

const FORM = "application/x-www-form-urlencoded";

/**
 * Reads a form of a page of the shop. A form needs no token, so its browser must say which page it is on. Throws the `Problem`
 * 403 for other pages and for requests that name none, 415 for another content type.
 */
export async function readForm(request: Request, refusePage: PageCheck): Promise<URLSearchParams> {
  const { headers } = request;
  if (!headers.has("origin") && headers.get("sec-fetch-site") !== "same-origin")
    throw new Problem("forbidden", "only the page of this form may send it");
  refusePage(request);
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== FORM) throw new Problem("unsupported-media-type", `the body must be ${FORM}`);
  return new URLSearchParams(await readText(request));
}
