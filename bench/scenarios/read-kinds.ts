// Kinds of reads: what is asked for, of which shoes, and how an answer shows that it is one.
import { randomFrom } from "../harness/stats.ts";
import type { Load } from "../load/oha.ts";
import { zipfRank } from "../load/traffic.ts";
import { demoId } from "../load/urls.ts";

/** Shoes of a catalogue, by id, and the names of its categories. */
export type Shelf = { ids: readonly string[]; categories: readonly string[] };

/** Whether a body is an answer of its kind. */
type Proof = (body: unknown) => boolean;

/** A kind of read. Its addresses are drawn from by chance. */
export type Kind = {
  name: string;
  /** Whether the shop has its memory cache. */
  isCached: boolean;
  encoding: Load["encoding"];
  /** The client has the answer already, and asks whether it is still good. */
  isConditional?: true;
  paths(shelf: Shelf, seed: number): string[];
  proof: Proof;
};

const HOT = 100;
/** More addresses than this only make the generator slow to start. */
const DRAWS = 100_000;
const PAGES = 5;
const SORTS = ["newest", "price_asc", "price_desc", "popular"];
/** Words of demo shoes, and of many real ones. */
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
const hot = ({ ids }: Shelf) => ids.slice(0, HOT);

/** Every shoe of a small catalogue, and as many of a big one, drawn by chance. */
const all = ({ ids }: Shelf, seed: number): string[] =>
  ids.length <= DRAWS ? [...ids] : draw(ids, seed, (share) => Math.floor(share * ids.length));
/** By a Zipf law (exponent 1): the shoe of rank r comes 1 / r times as often as the first. */
function byZipf({ ids }: Shelf, seed: number): string[] {
  const rank = zipfRank(ids.length);
  return draw(ids, seed, (share) => rank(share) - 1);
}
function draw(ids: readonly string[], seed: number, at: (share: number) => number): string[] {
  const random = randomFrom(seed);
  return Array.from({ length: DRAWS }, () => ids[at(random())] ?? "");
}

/** Lists of 20 with their total: all shoes and each category, in each order, the first pages. */
const lists = ({ categories }: Shelf): string[] =>
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
const facets = ({ categories }: Shelf): string[] => [
  "/api/shoes?facets=true&limit=1",
  ...categories.map((name) => `/api/shoes?category=${encodeURIComponent(name)}&facets=true&limit=1`),
];

const fields = (data: unknown): Record<string, unknown> => (data ?? {}) as Record<string, unknown>;
const isItem: Proof = (body) => typeof fields(fields(body).data).id === "string";
const isRelated: Proof = (body) =>
  typeof fields(body).id === "string" && Array.isArray(fields(body).relatedProducts);
const isList: Proof = (body) =>
  Array.isArray(fields(body).data) && Number.isInteger(fields(fields(body).pagination).total);
const hasFacets: Proof = (body) => isList(body) && typeof fields(body).facets === "object";

/** All kinds; those without a cache come last. */
export const KINDS: readonly Kind[] = [
  { name: "related, 100 hot", ...on(), paths: (shelf) => hot(shelf).map(related), proof: isRelated },
  {
    name: "related, 100 hot, not compressed",
    isCached: true,
    encoding: "identity" as const,
    paths: (shelf) => hot(shelf).map(related),
    proof: isRelated,
  },
  {
    name: "related, one the client has (304)",
    ...on(),
    isConditional: true as const,
    paths: (shelf) => hot(shelf).slice(0, 1).map(related),
    proof: isRelated,
  },
  {
    name: "related, Zipf over all",
    ...on(),
    paths: (shelf, seed) => byZipf(shelf, seed).map(related),
    proof: isRelated,
  },
  { name: "item, 100 hot", ...on(), paths: (shelf) => hot(shelf).map(item), proof: isItem },
  { name: "list of 20", ...on(), paths: lists, proof: isList },
  { name: "search", ...on(), paths: searches, proof: isList },
  { name: "facets", ...on(), paths: facets, proof: hasFacets },
  {
    name: "related, no cache",
    ...off(),
    paths: (shelf, seed) => all(shelf, seed).map(related),
    proof: isRelated,
  },
  { name: "item, no cache", ...off(), paths: (shelf, seed) => all(shelf, seed).map(item), proof: isItem },
  { name: "list of 20, no cache", ...off(), paths: lists, proof: isList },
  { name: "search, no cache", ...off(), paths: searches, proof: isList },
  { name: "facets, no cache", ...off(), paths: facets, proof: hasFacets },
];

function on() {
  return { isCached: true, encoding: "gzip" as const };
}

function off() {
  return { isCached: false, encoding: "identity" as const };
}

/** The shoes of a demo catalogue, and its categories as the shop at `base` tells them. */
export async function demoShelf(base: string, shoes: number): Promise<Shelf> {
  const ids = Array.from({ length: shoes }, (_, at) => demoId(at + 1));
  return { ids, categories: await categoriesOf(base) };
}

/** What the shop at `base` has, as it tells itself: at most `idsMax` of its newest shoes. Throws when it has none. */
export async function shelfOf(base: string, idsMax: number): Promise<Shelf> {
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
