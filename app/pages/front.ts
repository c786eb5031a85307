// The front page of a shop without a storefront of its own: what this is, where to go on, and a few shoes.
import { version } from "../../package.json";
import { type Html, html, pageResponse } from "./page.ts";

/** A shoe as a card shows it; amounts in major units. */
export type ShowcaseShoe = {
  id: string;
  title: string;
  brand: string | null;
  category: string | null;
  price: number;
  listPrice: number | null;
  images: string;
};

/** What the page shows of the catalogue. */
export type Showcase = {
  currency: string;
  shoes: ShowcaseShoe[];
  categories: { name: string; count: number }[];
  total: number;
};

/** The front page. */
export function frontPage(request: Request, showcase: Showcase): Response {
  const main = html`<section class="hero">
<h1>The back end of a shoe shop.</h1>
<p class="lead">Insole keeps a catalogue and answers for it: shoes, their sizes and stock, search with facets, and for every shoe the ones that go with it. This page is all there is to look at; a storefront asks the API.</p>
<div class="doors">
<a class="first" href="/docs">Read the docs</a>
<a href="/api/shoes">List shoes <code>/api/shoes</code></a>
<a href="/health">Health <code>/health</code></a>
</div>
</section>
${showcase.shoes.length > 0 ? newestShoes(showcase) : EMPTY}`;
  return pageResponse(request, "Insole: the back end of a shoe shop", main, html`Insole ${version}`);
}

const EMPTY = html`<section class="note"><h2>The catalogue is empty</h2>
<p>Fill it from a CSV, JSON or NDJSON file: <code>bun run import &lt;file&gt;</code>. The shoes appear here by themselves.</p></section>`;

function newestShoes({ shoes, categories, total, currency }: Showcase): Html {
  // One for all cards: making one takes longer than the rest of the page.
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
  // Most titles begin with the brand already.
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
