// The layout of every generated page: no script, nothing from other sites but the shoes' pictures, all text escaped.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Html, html } from "../http/html.ts";
import { type Asked, REVALIDATED, textResponse } from "./static.ts";

const STYLE = readFileSync(join(import.meta.dir, "page.css"), "utf8");
const STYLE_HASH = new Bun.CryptoHasher("sha256").update(STYLE).digest("base64");

/** The policy of a page: whether it may be stored, and where its forms may go. */
type Policy = { cacheControl: string; formAction: "'none'" | "'self'"; referrerPolicy: string };

const PUBLIC: Policy = { cacheControl: REVALIDATED, formAction: "'none'", referrerPolicy: "no-referrer" };

/**
 * A page of one person with a form. Its address may hold a secret, so a referrer is the origin only; without one the browser
 * would not send the origin of the form either.
 */
export const PERSONAL: Policy = {
  cacheControl: "private, no-store",
  formAction: "'self'",
  referrerPolicy: "strict-origin",
};

/** The pages run no scripts, and other pages must not frame them. */
const headersOf = ({ formAction, referrerPolicy }: Policy): Record<string, string> => ({
  "content-security-policy": [
    "default-src 'none'",
    `style-src 'sha256-${STYLE_HASH}'`,
    "img-src 'self' https: http:",
    "base-uri 'none'",
    `form-action ${formAction}`,
    "frame-ancestors 'none'",
  ].join("; "),
  "referrer-policy": referrerPolicy,
  "x-content-type-options": "nosniff",
});

/** The logo: an insole with its arch and heel cushion. */
const LOGO = `<svg viewBox="0 0 32 32" aria-hidden="true"><g transform="rotate(14 16 16)"><path fill="currentColor" d="M16 1.5c4.6 0 7 4 7 9 0 4-2 5.8-2 9.5 0 1 .3 2 .3 4 0 4-2 6.5-5 6.5S11 28 11 24c0-5-3-7.5-3-13.5 0-5 3.4-9 8-9z"/><circle cx="16.1" cy="24.3" r="2.9" fill="#fff" opacity=".85"/><path fill="none" stroke="#fff" stroke-width="1.8" stroke-linecap="round" opacity=".85" d="M11.8 10.5c.2-3 1.9-5.2 4.2-5.2"/></g></svg>`;

/** The logo as a favicon. */
export const ICON = LOGO.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" color="#d0532c" ').replace(
  ' aria-hidden="true"',
  "",
);

/** A response with a whole page; without a policy it is public, and clients revalidate it at each use. */
export function pageResponse(
  asked: Asked,
  title: string,
  main: Html,
  footer: Html,
  policy = PUBLIC,
): Response {
  const body = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="/favicon.ico" type="image/svg+xml">
<style>${{ markup: STYLE }}</style>
</head>
<body>
<header class="wrap bar">
<a class="brand" href="/">${{ markup: LOGO }}Insole</a>
<nav><a href="/docs">Docs</a><a href="/api/shoes">API</a><a href="/health">Health</a></nav>
</header>
<main class="wrap">
${main}
</main>
<footer><div class="wrap">${footer}</div></footer>
</body>
</html>
`;
  const contentType = "text/html; charset=utf-8";
  return textResponse(asked, {
    body: body.markup,
    contentType,
    cacheControl: policy.cacheControl,
    headers: headersOf(policy),
  });
}
