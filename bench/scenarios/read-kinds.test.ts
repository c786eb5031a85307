// Kinds of reads before a real shop: their addresses are answered, and what is none of their kind is seen.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { bootShop } from "../boot/shop.ts";
import { openChildren } from "../harness/children.ts";
import { catalogueOf } from "../load/catalogue.ts";
import { quickBench } from "../testing/bench.ts";
import { demoShelf, KINDS, type Shelf, shelfOf } from "./read-kinds.ts";

const SHOES = 1_000;
const BOOT_MS_MAX = 60_000;
const children = openChildren();
let base: string;
let shelf: Shelf;

beforeAll(async () => {
  const dataDir = await catalogueOf(quickBench(children), SHOES);
  ({ base } = await bootShop(children, { dataDir, cores: null, cacheBytesMax: 1024 * 1024 }));
  shelf = await demoShelf(base, SHOES);
}, BOOT_MS_MAX);
afterAll(() => children.close());

const read = async (path: string): Promise<unknown> => (await fetch(base + path)).json();

test.each(KINDS.map((kind) => [kind.name, kind] as const))(
  "%s: first and last address give its kind",
  async (_, { paths, proof }) => {
    const all = paths(shelf, 1);
    for (const path of [all.at(0), all.at(-1)])
      expect([path, proof(await read(path ?? ""))]).toEqual([path, true]);
    expect(proof(await read("/api/nothing"))).toBe(false);
    expect(proof(null)).toBe(false);
  },
);

test("no kind takes another one's answer for its own, but that every search is a list", async () => {
  const [item, related, list, facets] = await Promise.all(
    [
      "/api/shoes/demo-000001",
      "/api/shoes/demo-000001/relatedproducts",
      "/api/shoes",
      "/api/shoes?facets=true",
    ].map(read),
  );
  const taken = (body: unknown) =>
    new Set(KINDS.filter(({ proof }) => proof(body)).map(({ proof }) => proof)).size;
  expect([item, related, list, facets].map(taken)).toEqual([1, 1, 1, 2]);
});

test("Zipf draws the first shoe most, and the same for the same seed", () => {
  const zipf = KINDS.find(({ name }) => name.includes("Zipf"));
  const paths = zipf?.paths(shelf, 5) ?? [];
  const times = (id: string) => paths.filter((path) => path.includes(id)).length;
  expect(times("demo-000001")).toBeGreaterThan(times("demo-000010") * 5);
  expect(zipf?.paths(shelf, 5)).toEqual(paths);
  expect(zipf?.paths(shelf, 6)).not.toEqual(paths);
});

test("a running shop tells what it has, by its cursor", async () => {
  const { ids, categories } = await shelfOf(base, 250);
  expect([ids.length, new Set(ids).size]).toEqual([250, 250]);
  expect(categories).toEqual([...shelf.categories]);
  expect((await shelfOf(base, 5_000)).ids.toSorted()).toEqual([...shelf.ids]);
});
