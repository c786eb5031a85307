// The layout of every generated page: no script, nothing from other sites but the shoes' pictures, all text escaped.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Html, html } from "../http/html.ts";
import { type Asked, REVALIDATED, textResponse } from "./static.ts";

/** A text of CSS in the page itself; the policy allows it by its hash. */
type Style = { text: string; hash: string };

const styleOf = (...names: string[]): Style => {
  const text = names.map((name) => readFileSync(join(import.meta.dir, name), "utf8")).join("");
  return { text, hash: new Bun.CryptoHasher("sha256").update(text).digest("base64") };
};
const STYLE = styleOf("page.css");
const CUSTOMER_STYLE = styleOf("page.css", "customer.css");

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

/** A page that only its reader may see, without a form; its address may hold a token. */
const PRIVATE: Policy = {
  cacheControl: "private, no-store",
  formAction: "'none'",
  referrerPolicy: "no-referrer",
};

/** The pages run no scripts, and other pages must not frame them. */
const headersOf = ({ formAction, referrerPolicy }: Policy, { hash }: Style): Record<string, string> => ({
  "content-security-policy": [
    "default-src 'none'",
    `style-src 'sha256-${hash}'`,
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

const CONTENT_TYPE = "text/html; charset=utf-8";

/** A response with a whole page; without a policy it is public, and clients revalidate it at each use. */
export function pageResponse(
  asked: Asked,
  title: string,
  main: Html,
  footer: Html,
  policy = PUBLIC,
): Response {
  const header = html`<a class="brand" href="/">${{ markup: LOGO }}Insole</a>
<nav><a href="/docs">Docs</a><a href="/api/shoes">API</a><a href="/health">Health</a></nav>`;
  return textResponse(asked, {
    body: documentOf(title, { header, main, footer, style: STYLE }),
    contentType: CONTENT_TYPE,
    cacheControl: policy.cacheControl,
    headers: headersOf(policy, STYLE),
  });
}

/**
 * A page for a customer: under the name of the shop, and without links for developers. `policy` is that of a page without a form
 * where it is left out; `more` are headers beside those of every page.
 */
export type CustomerPage = {
  shopName: string;
  title: string;
  main: Html;
  status?: number;
  policy?: Policy;
  more?: Record<string, string>;
};

/** A response with a page that only its reader may see: stored nowhere, and named to no other site. */
export function customerPageResponse(page: CustomerPage): Response {
  const { shopName, title, main, status = 200, policy = PRIVATE, more = {} } = page;
  const header = html`<a class="brand" href="/">${shopName}</a>`;
  const body = documentOf(`${title} · ${shopName}`, {
    header,
    main,
    footer: html`${shopName}`,
    style: CUSTOMER_STYLE,
  });
  const headers = {
    ...headersOf(policy, CUSTOMER_STYLE),
    "content-type": CONTENT_TYPE,
    "cache-control": policy.cacheControl,
    "x-robots-tag": "noindex",
    ...more,
  };
  return new Response(new TextEncoder().encode(body), { status, headers });
}

type Parts = { header: Html; main: Html; footer: Html; style: Style };

const documentOf = (title: string, { header, main, footer, style }: Parts): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="/favicon.ico" type="image/svg+xml">
<style>${{ markup: style.text }}</style>
</head>
<body>
<header class="wrap bar">
${header}
</header>
<main class="wrap">
${main}
</main>
<footer><div class="wrap">${footer}</div></footer>
</body>
</html>
`.markup;
