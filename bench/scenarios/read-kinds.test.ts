// The kinds of reads against a real shop: it responds to their addresses, and other responses are rejected.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { bootShop } from "../boot/shop.ts";
import { openChildren } from "../harness/children.ts";
import { catalogueCopy } from "../load/catalogue.ts";
import { quickBench } from "../testing/bench.ts";
import { type Catalogue, catalogueAt, demoCatalogue, KINDS } from "./read-kinds.ts";

const SHOES = 1_000;
const BOOT_MS_MAX = 60_000;
const children = openChildren();
let base: string;
let catalogue: Catalogue;

beforeAll(async () => {
  const dataDir = await catalogueCopy(quickBench(children), SHOES);
  ({ base } = await bootShop(children, { dataDir, cores: null, cacheBytesMax: 1024 * 1024 }));
  catalogue = await demoCatalogue(base, SHOES);
}, BOOT_MS_MAX);
afterAll(() => children.close());

const read = async (path: string): Promise<unknown> => (await fetch(base + path)).json();

test.each(KINDS.map((kind) => [kind.name, kind] as const))(
  "%s: first and last address return its kind",
  async (_, { paths, accepts }) => {
    const all = paths(catalogue, 1);
    for (const path of [all.at(0), all.at(-1)])
      expect([path, accepts(await read(path ?? ""))]).toEqual([path, true]);
    expect(accepts(await read("/api/nothing"))).toBe(false);
    expect(accepts(null)).toBe(false);
  },
);

test("no kind accepts the response of another one, except that every search is a list", async () => {
  const [item, related, list, facets] = await Promise.all(
    [
      "/api/shoes/demo-000001",
      "/api/shoes/demo-000001/relatedproducts",
      "/api/shoes",
      "/api/shoes?facets=true",
    ].map(read),
  );
  const accepted = (body: unknown) =>
    new Set(KINDS.filter(({ accepts }) => accepts(body)).map(({ accepts }) => accepts)).size;
  expect([item, related, list, facets].map(accepted)).toEqual([1, 1, 1, 2]);
});

test("Zipf picks the first shoe most often, and depends only on the seed", () => {
  const zipf = KINDS.find(({ name }) => name.includes("Zipf"));
  const paths = zipf?.paths(catalogue, 5) ?? [];
  const times = (id: string) => paths.filter((path) => path.includes(id)).length;
  expect(times("demo-000001")).toBeGreaterThan(times("demo-000010") * 5);
  expect(zipf?.paths(catalogue, 5)).toEqual(paths);
  expect(zipf?.paths(catalogue, 6)).not.toEqual(paths);
});

test("the catalogue of a running shop is read by its cursor", async () => {
  const { ids, categories } = await catalogueAt(base, 250);
  expect([ids.length, new Set(ids).size]).toEqual([250, 250]);
  expect(categories).toEqual([...catalogue.categories]);
  expect((await catalogueAt(base, 5_000)).ids.toSorted()).toEqual([...catalogue.ids]);
});
