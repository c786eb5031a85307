// The pages that the `type` of a problem links to.
import { type Html, html } from "../http/html.ts";
import { PROBLEMS, type ProblemType } from "../http/problems.ts";
import { pageResponse } from "./page.ts";
import type { Asked } from "./static.ts";

/** The page that explains a problem type; `null` for an unknown type. */
export function problemPage(asked: Asked, type: string): Response | null {
  if (!isProblemType(type)) return null;
  const [status, title, explanation] = PROBLEMS[type];
  const main = html`<section class="hero">
<h1>${title}</h1>
<p class="lead">${withCode(explanation)}</p>
</section>
<dl class="facts">
<dt>Status</dt><dd>${status}</dd>
<dt>Type</dt><dd><code>/problems/${type}</code></dd>
<dt>Media type</dt><dd><code>application/problem+json</code></dd>
</dl>`;
  return pageResponse(asked, `${title} · Insole`, main, html`<a href="/docs">API documentation</a>`);
}

const isProblemType = (type: string): type is ProblemType => Object.hasOwn(PROBLEMS, type);

/** The table of problems puts names of fields and headers between backquotes. */
const withCode = (text: string): Html[] =>
  text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
