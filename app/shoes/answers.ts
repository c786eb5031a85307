// The catalogue's public responses as cache fills: key, lifetime, body, entity tag, and the shoes that invalidate them.
import type { Readable } from "../../db/database.ts";
import type { Turns } from "../../db/read/turns.ts";
import type { Fill } from "../cache/cache.ts";
import type { Representation } from "../cache/entry.ts";
import { CATALOGUE } from "../http/headers.ts";
import { OFFSET_MAX, paginationOf, wholeList } from "../http/paging.ts";
import type { Shop } from "../http/shop.ts";
import { drawShoe } from "../pictures/pictures.ts";
import { findPictureSource, findRelated, findShoe, listCategories } from "./find.ts";
import { type Listing, listShoes } from "./list/list.ts";
import { canonicalQuery, type ListQuery } from "./list/query.ts";
import type { View } from "./views.ts";

const MINUTE_MS = 60_000;
const TTL_MS = {
  list: 5 * MINUTE_MS,
  search: 2 * MINUTE_MS,
  popular: MINUTE_MS,
  shoe: 10 * MINUTE_MS,
  categories: 10 * MINUTE_MS,
};
/**
 * A picture at its plain address: an hour in browsers, a second in shared caches. They send it on without its age, so an hour
 * there would make it two.
 */
const PICTURE = "public, max-age=3600, s-maxage=1, stale-while-revalidate=1, stale-if-error=86400";
const PICTURE_VERSIONED = "public, max-age=31536000, immutable";

// The path after `/api/` or `/v1/`.
const ROOT: Record<View, string> = { shoe: "shoes", product: "products" };

const jsonRepresentation = (
  body: string,
  etagPrefix: string,
  shoeIds: () => string[] = () => [],
): Representation => ({
  ...CATALOGUE,
  body,
  etagPrefix,
  shoeIds,
});

/** One shoe by its id. */
export const shoeFill = (db: Readable, shop: Shop, view: View, shoeId: string): Fill => ({
  key: `${ROOT[view]}/${shoeId}`,
  scope: "item",
  ttlMs: TTL_MS.shoe,
  compute() {
    const item = findShoe(db, shoeId, view, shop);
    return (
      item &&
      jsonRepresentation(`{"success":true,"data":${item.json}}`, `v${item.version}.${view}`, () => [shoeId])
    );
  },
});

/** A shoe with its related shoes. */
export const relatedFill = (db: Readable, shop: Shop, shoeId: string): Fill => ({
  key: `${ROOT.shoe}/${shoeId}/relatedproducts`,
  scope: "related",
  ttlMs: TTL_MS.shoe,
  compute() {
    const item = findRelated(db, shoeId, shop);
    if (!item) return null;
    return jsonRepresentation(item.json, `v${item.version}.related`, () => [
      ...idsIn(item.json),
      ...item.waitsFor,
    ]);
  },
});

// Quotes inside texts are escaped in JSON, so this finds ids only.
const idsIn = (body: string): string[] => [...body.matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id ?? "");

/** What a list is read from: a database, and the turns of its wide queries. */
export type Source = { db: Readable; turns: Pick<Turns, "runReads"> };

/** A list; its key is the canonical query. */
export function listFill({ db, turns }: Source, shop: Shop, view: View, query: ListQuery): Fill {
  const text = canonicalQuery(query);
  const kind = query.words ? "search" : query.sort === "popular" ? "popular" : "list";
  return {
    key: text === "" ? ROOT[view] : `${ROOT[view]}?${text}`,
    scope: "list",
    ttlMs: TTL_MS[kind],
    async compute(requesters) {
      const listing = await turns.runReads(requesters, db, (inTurn) => listShoes(inTurn, query, view, shop));
      return {
        ...jsonRepresentation(listBody(query, listing), `l.${view}`),
        link: linkHeader(query, listing),
      };
    },
  };
}

/** All categories. */
export const categoriesFill = (db: Readable): Fill => ({
  key: "categories",
  scope: "categories",
  ttlMs: TTL_MS.categories,
  compute() {
    const items = listCategories(db);
    const pagination = JSON.stringify(wholeList(items.length));
    return jsonRepresentation(
      `{"success":true,"data":[${items.join(",")}],"pagination":${pagination}}`,
      "l.categories",
    );
  },
});

/** The drawn picture, immutable at the address of the shoe's current `version`; `null`: at its plain address. */
export const pictureFill = (db: Readable, shoeId: string, version: string | null): Fill => ({
  key: version === null ? `/images/${shoeId}.svg` : `/images/${shoeId}.svg?v=${version}`,
  scope: "picture",
  ttlMs: TTL_MS.shoe,
  compute() {
    const source = findPictureSource(db, shoeId);
    if (!source) return null;
    return {
      body: drawShoe(source),
      contentType: "image/svg+xml",
      cacheControl: version === null ? PICTURE : PICTURE_VERSIONED,
      etagPrefix: "p",
      shoeIds: () => [shoeId],
    };
  },
});

function listBody(query: ListQuery, listing: Listing): string {
  const pagination = JSON.stringify(paginationOf(query, listing, listing.nextCursor));
  const corrected = listing.corrected === null ? "" : `,"corrected":${JSON.stringify(listing.corrected)}`;
  const facets = listing.facets === null ? "" : `,"facets":${JSON.stringify(listing.facets)}`;
  return `{"success":true,"data":[${listing.items.join(",")}],"pagination":${pagination}${corrected}${facets}}`;
}

/** RFC 8288 links, relative to the request, so that both prefixes share one entry. */
function linkHeader(query: ListQuery, listing: Listing): string {
  const to = (rel: string, change: Partial<ListQuery>) =>
    `<?${canonicalQuery({ ...query, position: null, page: 1, ...change })}>; rel="${rel}"`;
  const { page, limit, position } = query;
  const pages = Math.ceil(listing.total / limit);
  const cursor = listing.nextCursor;
  const links = [to("first", {})];
  if (!position && page > 1) links.push(to("prev", { page: Math.min(page - 1, Math.max(1, pages)) }));
  if (!position && page < pages && (page + 1) * limit <= OFFSET_MAX)
    links.push(to("next", { page: page + 1 }));
  else if (cursor) links.push(to("next", { position: { value: 0, id: 0, offset: 0, text: cursor } }));
  if (!position && !listing.totalIsLowerBound && pages * limit <= OFFSET_MAX)
    links.push(to("last", { page: Math.max(1, pages) }));
  return links.join(", ");
}
