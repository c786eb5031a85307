// The front page where PUBLIC_DIR is not set: what Insole is, links into the API, and the newest shoes.

import { version } from "../../package.json";
import { type Html, html } from "../http/html.ts";
import type { Showcase, ShowcaseShoe } from "../shoes/shoes.ts";
import { pageResponse } from "./page.ts";
import type { Asked } from "./static.ts";

/** The front page. */
export function frontPage(asked: Asked, showcase: Showcase): Response {
  const main = html`<section class="hero">
<h1>The back end of a shoe shop.</h1>
<p class="lead">Insole is an API for a shoe shop’s catalogue: shoes with sizes and stock, full-text search with facets, and related shoes for every shoe. It has few pages of its own; a storefront is built on the API.</p>
<div class="doors">
<a class="first" href="/docs">Read the docs</a>
<a href="/api/shoes">List shoes <code>/api/shoes</code></a>
<a href="/health">Health <code>/health</code></a>
</div>
</section>
${showcase.shoes.length > 0 ? newestShoes(showcase) : EMPTY}`;
  return pageResponse(asked, "Insole: the back end of a shoe shop", main, html`Insole ${version}`);
}

const EMPTY = html`<section class="note"><h2>The catalogue is empty</h2>
<p>Fill it from a CSV, JSON or NDJSON file: <code>bun run import &lt;file&gt;</code>. They appear here at once.</p></section>`;

function newestShoes({ shoes, categories, total, currency }: Showcase): Html {
  // Shared by all shoes: creating a formatter takes longer than the rest of the page.
  const money = new Intl.NumberFormat("en", { style: "currency", currency });
  return html`<section>
<div class="head"><h2>Newest shoes</h2><p>${shoes.length} of ${grouped(total)}</p></div>
${categories.length > 0 ? html`<ul class="kinds">${categories.map(categoryLink)}</ul>` : ""}
<ul class="shoes">${shoes.map((shoe) => card(shoe, (amount) => money.format(amount)))}</ul>
</section>`;
}

const categoryLink = ({ name, count }: Showcase["categories"][number]): Html => {
  const address = `/api/shoes?category=${encodeURIComponent(name)}`;
  return html`<li><a href="${address}">${name}<span>${grouped(count)}</span></a></li>`;
};

function card(
  { id, title, brand, category, price, listPrice, images }: ShowcaseShoe,
  money: (amount: number) => string,
): Html {
  const address = `/api/shoes/${encodeURIComponent(id)}`;
  // Most titles already begin with the brand.
  const label = brand !== null && !title.toLowerCase().startsWith(brand.toLowerCase()) ? brand : category;
  const isOnSale = listPrice !== null && listPrice > price;
  return html`
<li class="shoe"><img src="${images}" alt="" decoding="async" width="640" height="480">
<div>${label === null ? "" : html`<p class="maker">${label}</p>`}
<a class="name" href="${address}">${title}</a>
<p class="price"><b>${money(price)}</b>${isOnSale ? html`<s>${money(listPrice)}</s>` : ""}
<a href="${address}/relatedproducts">related</a></p></div></li>`;
}

const grouped = (count: number): string => count.toLocaleString("en");
