// The kinds of reads: their addresses, and how their responses are recognised.
import { must } from "../../db/must.ts";
import { randomFrom } from "../harness/stats.ts";
import type { Load } from "../load/oha.ts";
import { zipfRank } from "../load/traffic.ts";
import { demoId } from "../load/urls.ts";

/** The ids and the categories of a catalogue. */
export type Catalogue = { ids: readonly string[]; categories: readonly string[] };

/** Whether a body is a response of its kind. */
type BodyCheck = (body: unknown) => boolean;

/** A kind of read; oha picks from its addresses at random. */
export type Kind = {
  name: string;
  /** Whether the shop has its memory cache. */
  isCached: boolean;
  encoding: Load["encoding"];
  /** Requests carry the ETag of the response (`If-None-Match`). */
  isConditional?: true;
  paths(catalogue: Catalogue, seed: number): string[];
  accepts: BodyCheck;
};

const HOT = 100;
/** More addresses only make the generator start slowly. */
const DRAWS = 100_000;
const PAGES = 5;
const SORTS = ["newest", "price_asc", "price_desc", "popular"];
/** Search words that demo shoes have, and many real ones. */
const WORDS = [
  "runner",
  "trail",
  "leather",
  "boot",
  "slipper",
  "classic",
  "harbour",
  "light",
  "sandal",
  "city",
];

const related = (id: string) => `/api/shoes/${encodeURIComponent(id)}/relatedproducts`;
const item = (id: string) => `/api/shoes/${encodeURIComponent(id)}`;
const hot = ({ ids }: Catalogue) => ids.slice(0, HOT);

/** Every shoe of a small catalogue; random ones of a large one. */
const all = ({ ids }: Catalogue, seed: number): string[] =>
  ids.length <= DRAWS ? [...ids] : draw(ids, seed, (share) => Math.floor(share * ids.length));
/** Zipf-distributed (exponent 1): the shoe of rank r comes 1 / r times as often as the first. */
function zipfDistributed({ ids }: Catalogue, seed: number): string[] {
  const rank = zipfRank(ids.length);
  return draw(ids, seed, (share) => rank(share) - 1);
}
function draw(ids: readonly string[], seed: number, at: (share: number) => number): string[] {
  const random = randomFrom(seed);
  return Array.from({ length: DRAWS }, () => must(ids[at(random())], "the drawn id"));
}

/** Lists of 20 with their total: the first pages of all shoes and of each category, in each sort. */
const lists = ({ categories }: Catalogue): string[] =>
  ["", ...categories.map((name) => `category=${encodeURIComponent(name)}&`)].flatMap((filter) =>
    SORTS.flatMap((sort) =>
      Array.from({ length: PAGES }, (_, at) => `/api/shoes?${filter}limit=20&page=${at + 1}&sort=${sort}`),
    ),
  );
const searches = (): string[] =>
  WORDS.flatMap((word) => [
    `/api/shoes?q=${word}`,
    ...WORDS.filter((other) => other > word).map((other) => `/api/shoes?q=${word}+${other}`),
  ]);
const facets = ({ categories }: Catalogue): string[] => [
  "/api/shoes?facets=true&limit=1",
  ...categories.map((name) => `/api/shoes?category=${encodeURIComponent(name)}&facets=true&limit=1`),
];

const fields = (data: unknown): Record<string, unknown> => (data ?? {}) as Record<string, unknown>;
const isItem: BodyCheck = (body) => typeof fields(fields(body).data).id === "string";
const isRelated: BodyCheck = (body) =>
  typeof fields(body).id === "string" && Array.isArray(fields(body).relatedProducts);
const isList: BodyCheck = (body) =>
  Array.isArray(fields(body).data) && Number.isInteger(fields(fields(body).pagination).total);
const hasFacets: BodyCheck = (body) => isList(body) && typeof fields(body).facets === "object";

/** All kinds; those without a cache come last. */
export const KINDS: readonly Kind[] = [
  {
    name: "related, 100 hot",
    ...cached(),
    paths: (catalogue) => hot(catalogue).map(related),
    accepts: isRelated,
  },
  {
    name: "related, 100 hot, not compressed",
    isCached: true,
    encoding: "identity" as const,
    paths: (catalogue) => hot(catalogue).map(related),
    accepts: isRelated,
  },
  {
    name: "related, one the client has (304)",
    ...cached(),
    isConditional: true as const,
    paths: (catalogue) => hot(catalogue).slice(0, 1).map(related),
    accepts: isRelated,
  },
  {
    name: "related, Zipf over all",
    ...cached(),
    paths: (catalogue, seed) => zipfDistributed(catalogue, seed).map(related),
    accepts: isRelated,
  },
  { name: "item, 100 hot", ...cached(), paths: (catalogue) => hot(catalogue).map(item), accepts: isItem },
  { name: "list of 20", ...cached(), paths: lists, accepts: isList },
  { name: "search", ...cached(), paths: searches, accepts: isList },
  { name: "facets", ...cached(), paths: facets, accepts: hasFacets },
  {
    name: "related, no cache",
    ...uncached(),
    paths: (catalogue, seed) => all(catalogue, seed).map(related),
    accepts: isRelated,
  },
  {
    name: "item, no cache",
    ...uncached(),
    paths: (catalogue, seed) => all(catalogue, seed).map(item),
    accepts: isItem,
  },
  { name: "list of 20, no cache", ...uncached(), paths: lists, accepts: isList },
  { name: "search, no cache", ...uncached(), paths: searches, accepts: isList },
  { name: "facets, no cache", ...uncached(), paths: facets, accepts: hasFacets },
];

function cached() {
  return { isCached: true, encoding: "gzip" as const };
}

function uncached() {
  return { isCached: false, encoding: "identity" as const };
}

/** A demo catalogue; the shop at `base` lists its categories. */
export async function demoCatalogue(base: string, shoes: number): Promise<Catalogue> {
  const ids = Array.from({ length: shoes }, (_, at) => demoId(at + 1));
  return { ids, categories: await categoriesOf(base) };
}

/** The catalogue of the shop at `base`, with at most `idsMax` of its newest shoes. Throws when it has none. */
export async function catalogueAt(base: string, idsMax: number): Promise<Catalogue> {
  const ids: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null && ids.length < idsMax) {
    const from: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await readJson(`${base}/api/shoes?limit=100${from}`)) as {
      data: { id: string }[];
      pagination: { nextCursor: string | null };
    };
    ids.push(...page.data.map(({ id }) => id));
    cursor = page.pagination.nextCursor;
  }
  if (ids.length === 0)
    throw new Error(`the shop at ${base} has no shoes: import some, or start it with DEMO`);
  return { ids: ids.slice(0, idsMax), categories: await categoriesOf(base) };
}

async function categoriesOf(base: string): Promise<string[]> {
  const { data } = (await readJson(`${base}/api/categories`)) as { data: { name: string }[] };
  return data.map(({ name }) => name);
}

async function readJson(url: string): Promise<unknown> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${response.status} instead of 200: ${url}`);
  return response.json();
}
