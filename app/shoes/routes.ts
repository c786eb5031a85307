// The catalogue's public reads over HTTP: from the memory cache, the local copy or the primary.
import { Elysia } from "elysia";
import type { Database, Readable } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { openRequesters, type Requester } from "../../db/read/requesters.ts";
import { type Turns, WITHOUT_TURNS } from "../../db/read/turns.ts";
import type { Cache, CacheOutcome, Fill } from "../cache/cache.ts";
import type { Entry } from "../cache/entry.ts";
import { keyOfUrl } from "../cache/key.ts";
import { BEHIND, respond } from "../cache/respond.ts";
import { Problem } from "../http/problems.ts";
import { facts } from "../http/routing.ts";
import type { Shop } from "../http/shop.ts";
import type { Versions } from "../http/version.ts";
import { blockOf } from "../limits/address.ts";
import type { Clients } from "../limits/client.ts";
import type { Counters } from "../ops/counters.ts";
import { categoriesFill, listFill, pictureFill, relatedFill, type Source, shoeFill } from "./answers.ts";
import { findIdOfSlug, findVersion } from "./find.ts";
import { readListQuery } from "./list/query.ts";
import { DOCS } from "./model.ts";
import type { View } from "./views.ts";
import { isShoeId } from "./write/draft.ts";

/** The services of the routes that read the catalogue. */
export type CatalogueServices = {
  db: Database;
  cache: Cache;
  shop: Shop;
  versions: Pick<Versions, "sinceOf" | "position" | "catchUp">;
  clients: Pick<Clients, "of">;
  counters: Pick<Counters, "addVersioned">;
  /** The turns of lists at the read worker, and those of public reads at the primary. */
  turns: { wide: Turns; primary: Turns };
};

/** Bound of a public read's wait for the primary: the edge considers a node dead that needs 0.8 s for a shoe. */
const PRIMARY_MS_MAX = 400;
/**
 * Bound of a list's wait for its turn at the read worker; then 503. The edge gives a list 1.8 s, of which a version that has
 * not arrived here takes 250 ms before.
 */
const WIDE_MS_MAX = 1_000;
/** A slug has at most 80 characters of the title, `_` and an id of 64. */
const SLUG_MAX = 145;

/** The version in a picture's address, read as the edge does (nginx/key.conf): anything else in the query is ignored. */
const PICTURE_VERSION = /^[^?]*\?(?:[^&]*&)*?v=(\d{1,15})(?:&|$)/;

/** The routes below `/api` and `/v1`. */
export function catalogueRoutes(services: CatalogueServices) {
  const { shop, cache } = services;
  const { find, findOne } = finders(services);
  const list = (request: Request, view: View) => {
    const query = readListQuery(new URL(request.url).searchParams);
    return find(request, (source) => {
      const fill = listFill(source, shop, view, query);
      cache.noteSpelling(keyOfUrl(request.url), fill.key);
      return fill;
    });
  };
  const item = (request: Request, view: View, address: string) =>
    findOne(request, address, ({ db }, shoeId) => shoeFill(db, shop, view, shoeId));
  const related = (request: Request, address: string) =>
    findOne(request, address, ({ db }, shoeId) => relatedFill(db, shop, shoeId));
  const categories = (request: Request) => find(request, ({ db }) => categoriesFill(db));

  return new Elysia({ name: "catalogue" })
    .get("/shoes", ({ request }) => list(request, "shoe"), {
      ...DOCS.listShoes,
      ...facts({ public: true, takesTurns: true }),
    })
    .get("/shoes/:id", ({ request, params }) => item(request, "shoe", params.id), {
      ...DOCS.getShoe,
      ...facts({ public: true }),
    })
    .get("/shoes/:id/relatedproducts", ({ request, params }) => related(request, params.id), {
      ...DOCS.getRelatedShoes,
      ...facts({ public: true }),
    })
    .get("/products", ({ request }) => list(request, "product"), {
      ...DOCS.listProducts,
      ...facts({ public: true, takesTurns: true }),
    })
    .get("/products/:id", ({ request, params }) => item(request, "product", params.id), {
      ...DOCS.getProduct,
      ...facts({ public: true }),
    })
    .get("/products/:id/relatedproducts", ({ request, params }) => related(request, params.id), {
      ...DOCS.getRelatedProducts,
      ...facts({ public: true }),
    })
    .get("/categories", ({ request }) => categories(request), {
      ...DOCS.listCategories,
      ...facts({ public: true }),
    });
}

/** The drawn pictures, outside the prefixes. */
export function pictureRoutes({ db, cache }: CatalogueServices) {
  return new Elysia({ name: "pictures" }).get(
    "/images/:file",
    async ({ request, params }) => {
      const id = /^(.+)\.svg$/.exec(params.file)?.[1] ?? "";
      if (!isShoeId(id)) throw notFound();
      const asked = PICTURE_VERSION.exec(request.url)?.[1] ?? null;
      const current = asked !== null && asked === String(findVersion(db, id)) ? asked : null;
      const { entry, outcome } = await cache.findOrCompute(pictureFill(db, id, current));
      if (!entry) throw notFound();
      const response = respond(entry, request, outcome);
      // Today's picture may not stay at the address of an older version, or of one that has yet to come.
      if (current !== asked) response.headers.set("cache-control", "no-store");
      return response;
    },
    { ...DOCS.getPicture, ...facts({ public: true }) },
  );
}

const notFound = (outcome: CacheOutcome = "miss") =>
  new Problem(
    "not-found",
    "there is no such shoe",
    [],
    outcome === "behind" ? { "cache-status": BEHIND } : {},
  );

/** The result of a read on the primary; `null` when the primary is unreachable, overloaded or too slow. */
async function unlessGone<T>(read: Promise<T>): Promise<T | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), PRIMARY_MS_MAX);
  // After the timeout a rejection has no other handler.
  read.catch(() => undefined);
  try {
    return await Promise.race([read, late.promise]);
  } catch (thrown) {
    if (thrown instanceof DatabaseError && (thrown.kind === "unreachable" || thrown.kind === "overloaded"))
      return null;
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
}

type Found = { entry: Entry | null; outcome: CacheOutcome };
/** Makes the cache fill of an answer that reads this source. */
type Make = (source: Source) => Fill;

/** Public reads as requesters of turns, and what they read: the local copy, or the primary when their turn has come. */
function askers({ db, clients, turns }: CatalogueServices) {
  const requesterOf = (request: Request, { now }: Turns, msMax: number): Requester => ({
    get client() {
      return blockOf(clients.of(request).address);
    },
    get signal() {
      return request.signal;
    },
    untilMs: now() + msMax,
  });

  /** Public reads have a few queries at the primary at once, so that reads of accounts do not wait for them. */
  const onPrimary = <T>(request: Request, work: (primary: Readable) => T | Promise<T>): Promise<T | null> => {
    const requesters = openRequesters();
    void requesters.add(requesterOf(request, turns.primary, PRIMARY_MS_MAX));
    return unlessGone(turns.primary.run(requesters, () => db.onPrimary(work)));
  };

  // Looked up late: the OpenAPI document is made of routes without services.
  const here = (): Source => ({ db, turns: turns.wide });
  return { here, requesterOf, onPrimary };
}

/** Finds answers: in the memory cache, in the local copy, or on the primary for clients whose version is newer than both. */
function finders(services: CatalogueServices) {
  const { db, cache, versions, turns, counters } = services;
  const { here, requesterOf, onPrimary } = askers(services);
  const send = ({ entry, outcome }: Found, request: Request): Response => {
    if (!entry) throw notFound(outcome);
    return respond(entry, request, outcome);
  };

  const computeOn = async (primary: Readable, make: Make): Promise<Found> => {
    const fill = make({ db: primary, turns: WITHOUT_TURNS });
    const answer = await fill.compute(openRequesters());
    return { entry: answer && cache.makeEntry(fill, answer), outcome: "miss" };
  };

  const findEntry = async (request: Request, make: Make, isList: boolean): Promise<Found> => {
    const since = versions.sinceOf(request.headers);
    // Reads of one shoe have no wide query.
    const requester = isList ? requesterOf(request, turns.wide, WIDE_MS_MAX) : undefined;
    const findHere = (from = 0) => cache.findOrCompute(make(here()), from, requester);
    if (since <= versions.position()) return findHere(since);
    const answer = onPrimary(request, (primary) => computeOn(primary, make));
    // The local copy may catch up before the primary answers.
    const onCopy = versions.catchUp(since, PRIMARY_MS_MAX).then((caughtUp) => (caughtUp ? null : answer));
    const found = await Promise.race([answer, onCopy]);
    const isHere = since <= versions.position();
    counters.addVersioned(found ? "primary" : isHere ? "waited" : "behind");
    if (found) return found;
    if (isHere) return findHere(since);
    // Without the primary every public read still works; its answer says that it is behind the client's version.
    const { entry } = await findHere();
    return { entry, outcome: "behind" };
  };

  const idOfSlug = async (request: Request, slug: string, ifNone: CacheOutcome): Promise<string> => {
    const key = `/slugs/${slug}`;
    const since = versions.sinceOf(request.headers);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern refuses them
    if (slug.length > SLUG_MAX || /[\u0000-\u001f]/.test(slug)) throw notFound();
    if (since === 0 && cache.isMissing(key)) throw notFound();
    const here = findIdOfSlug(db, slug);
    if (here !== null) return here;
    if (since > versions.position()) {
      const found = await onPrimary(request, (primary) => ({ shoeId: findIdOfSlug(primary, slug) }));
      if (found?.shoeId) return found.shoeId;
      throw notFound(found ? ifNone : "behind");
    }
    if (ifNone !== "behind") cache.noteMissing(key);
    throw notFound(ifNone);
  };

  return {
    find: async (request: Request, make: Make): Promise<Response> =>
      send(await findEntry(request, make, true), request),
    /** Tries an address as an id first; a slug costs one more query and shares the entry of the id. */
    async findOne(
      request: Request,
      address: string,
      make: (source: Source, shoeId: string) => Fill,
    ): Promise<Response> {
      let ifNone: CacheOutcome = "miss";
      if (isShoeId(address)) {
        const found = await findEntry(request, (source) => make(source, address), false);
        if (found.entry) return send(found, request);
        ifNone = found.outcome;
      }
      const shoeId = await idOfSlug(request, address, ifNone);
      return send(await findEntry(request, (source) => make(source, shoeId), false), request);
    },
  };
}
