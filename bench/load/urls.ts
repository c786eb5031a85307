// The addresses that are requested: demo shoes, Zipf-distributed or in random order, and a fixed mix of wide queries.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomFrom } from "../harness/stats.ts";

const ID_DIGITS = 6;
/** Every page length is another response, so that a cache holds none of them. */
const LIMITS_MAX = 100;

/** The id of a demo shoe; numbers begin at 1. */
export const demoId = (number: number): string => `demo-${String(number).padStart(ID_DIGITS, "0")}`;

export const relatedPath = (number: number): string => `/api/shoes/${demoId(number)}/relatedproducts`;

/** Wide queries by name: lists, searches and facets as customers request them, and hostile ones. */
export const WIDE: Readonly<Record<string, string>> = {
  "first page": "",
  "page 500 of all": "page=500",
  category: "category=Running",
  "category by price": "category=Boots&sort=price_asc",
  "brand and colour": "brand=Brindlow&color=Black",
  "four filters": "gender=women&color=Red&size=8&minPrice=40&maxPrice=120",
  "on sale, dearest": "onSale=true&sort=price_desc",
  "in stock by name": "inStock=true&sort=name",
  "narrow price": "minPrice=100&maxPrice=100",
  "a word": "q=runner",
  "two words": "q=harbour+boot",
  "a misspelt word": "q=slippr",
  "words and filters": "q=trail&category=Running&inStock=true",
  "words by price": "q=leather+boot&sort=price_asc",
  "all facets": "facets=true",
  "facets of a brand": "brand=Wrenfold&facets=true",
  "facets of a word": "q=sandal&facets=true",
  "hostile: three letters": "q=a+b+c",
  "hostile: one letter, facets": "q=a&facets=true",
  "hostile: the commonest word": "q=the&sort=price_desc&facets=true",
  "hostile: every filter":
    "q=the+a&color=Black&color=White&gender=men&inStock=true&onSale=true&facets=true&sort=name",
  "hostile: no such word": "q=zzzzqqqq+xxyyzz",
};

export const widePath = (query: string): string => `/api/shoes${query === "" ? "" : `?${query}`}`;

/** The same mix with every page length: queries whose responses no cache holds. */
export const distinctWidePaths = (): string[] =>
  Object.values(WIDE)
    .filter((query) => !query.includes("page="))
    .flatMap((query) =>
      Array.from({ length: LIMITS_MAX }, (_, at) =>
        widePath(`${query}${query === "" ? "" : "&"}limit=${at + 1}`),
      ),
    );

/**
 * Zipf-distributed related shoes (exponent 1): the shoe of rank r has `shoes / r` lines, rounded, so that the last one
 * has one. Ranks are dealt to the shoes at random.
 */
export function zipfPaths(shoes: number, seed: number): string[] {
  const ranks = shuffled(
    Array.from({ length: shoes }, (_, at) => at + 1),
    seed,
  );
  return ranks.flatMap((shoe, at) => Array<string>(Math.round(shoes / (at + 1))).fill(relatedPath(shoe)));
}

/** Writes a file of addresses in random order and returns its path. */
export function writeUrls(
  folder: string,
  name: string,
  base: string,
  paths: readonly string[],
  seed: number,
): string {
  const path = join(folder, `${name}.urls`);
  const order = shuffled(paths, seed);
  writeFileSync(path, `${order.map((each) => base + each).join("\n")}\n`);
  return path;
}

/** A random order that depends only on the seed. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = randomFrom(seed);
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}

/** The addresses of related shoes, for shoes 1 to `shoes`. */
export const relatedPaths = (shoes: number): string[] =>
  Array.from({ length: shoes }, (_, at) => relatedPath(at + 1));
