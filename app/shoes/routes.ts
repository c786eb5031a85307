// The catalogue over HTTP: addresses in, finished answers out.
import { Elysia } from "elysia";
import type { Database } from "../../db/database.ts";
import type { Cache, Fill } from "../cache/cache.ts";
import { respond } from "../cache/respond.ts";
import { Problem } from "../problems.ts";
import { requestIdOf } from "../request-id.ts";
import type { Versions } from "../version.ts";
import { categoriesFill, listFill, pictureFill, relatedFill, shoeFill } from "./answers.ts";
import { isShoeId } from "./draft.ts";
import type { Shop } from "./lists.ts";
import { DOCS } from "./model.ts";
import { readListQuery } from "./query.ts";
import { findIdOfSlug, findVersion } from "./shoes.ts";
import type { View } from "./views.ts";

export type CatalogueServices = {
  db: Database;
  cache: Cache;
  shop: Shop;
  versions: Pick<Versions, "sinceOf">;
};

/** A slug is a title's 80 characters and an id; nothing longer is looked up. */
const SLUG_MAX = 145;

/** The routes below `/api` and `/v1`. */
export function catalogueRoutes({ db, cache, shop, versions }: CatalogueServices) {
  const answer = async (request: Request, fill: Fill): Promise<Response> => {
    const { entry, origin } = await cache.answer(fill, versions.sinceOf(request.headers));
    if (!entry) throw notFound();
    return respond(entry, request, origin, requestIdOf(request));
  };
  const list = (request: Request, view: View) =>
    answer(request, listFill(db, shop, view, readListQuery(new URL(request.url).searchParams)));
  // An address is tried as an id first: a slug costs one look-up more, and shares the id's answer.
  const answerOne = async (
    request: Request,
    address: string,
    fill: (shoeId: string) => Fill,
  ): Promise<Response> => {
    if (isShoeId(address)) {
      const { entry, origin } = await cache.answer(fill(address), versions.sinceOf(request.headers));
      if (entry) return respond(entry, request, origin, requestIdOf(request));
    }
    return answer(request, fill(idOfSlug(db, cache, address, versions.sinceOf(request.headers))));
  };
  const item = (request: Request, view: View, address: string) =>
    answerOne(request, address, (shoeId) => shoeFill(db, shop, view, shoeId));
  const related = (request: Request, address: string) =>
    answerOne(request, address, (shoeId) => relatedFill(db, shop, shoeId));

  return new Elysia({ name: "catalogue" })
    .get("/shoes", ({ request }) => list(request, "shoe"), DOCS.listShoes)
    .get("/shoes/:id", ({ request, params }) => item(request, "shoe", params.id), DOCS.getShoe)
    .get(
      "/shoes/:id/relatedproducts",
      ({ request, params }) => related(request, params.id),
      DOCS.getRelatedShoes,
    )
    .get("/products", ({ request }) => list(request, "product"), DOCS.listProducts)
    .get("/products/:id", ({ request, params }) => item(request, "product", params.id), DOCS.getProduct)
    .get(
      "/products/:id/relatedproducts",
      ({ request, params }) => related(request, params.id),
      DOCS.getRelatedProducts,
    )
    .get("/categories", ({ request }) => answer(request, categoriesFill(db)), DOCS.listCategories);
}

/** The drawn pictures, outside the prefixes. */
export function pictureRoutes({ db, cache }: CatalogueServices) {
  return new Elysia({ name: "pictures" }).get(
    "/images/:file",
    async ({ request, params, query }) => {
      const id = /^(.+)\.svg$/.exec(params.file)?.[1] ?? "";
      if (!isShoeId(id)) throw notFound();
      const isCurrent = query.v !== undefined && query.v === String(findVersion(db, id));
      const { entry, origin } = await cache.answer(pictureFill(db, id, isCurrent ? (query.v ?? null) : null));
      if (!entry) throw notFound();
      return respond(entry, request, origin, requestIdOf(request));
    },
    DOCS.getPicture,
  );
}

const notFound = () => new Problem("not-found", "there is no such shoe");

/** The id behind a slug; what cannot be one, or lately was none, is not looked up. */
function idOfSlug(db: Database, cache: Cache, slug: string, since: number): string {
  const key = `/slugs/${slug}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (slug.length > SLUG_MAX || /[\u0000-\u001f]/.test(slug)) throw notFound();
  if (since === 0 && cache.isMissing(key)) throw notFound();
  const shoeId = findIdOfSlug(db, slug);
  if (shoeId !== null) return shoeId;
  cache.noteMissing(key);
  throw notFound();
}
