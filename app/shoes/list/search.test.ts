// Search: the shoes that words find, their order, and corrections of misspelt words.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestShop, shoe, type TestShop } from "../../testing/shop.ts";

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop([
    shoe("title", { title: "Thunder Strike", description: "plain" }),
    shoe("labels", { title: "Plain One", brand: "Thunder", category: "Strike" }),
    shoe("text", { title: "Plain Two", description: "a thunder and a strike in one text" }),
    shoe("cafe", { title: "Café Größe", color: "Crème", priceCents: 900 }),
    shoe("not", { title: "AND OR NOT NEAR", description: "x*y" }),
    shoe("russian", { title: "Кроссовки Йод", category: "Ботинки" }),
    shoe("korean", { title: "나이키 운동화" }),
    shoe("runner", { title: "Marathon Runner 2024" }),
    shoe("women", { title: "Ladies", gender: "women" }),
  ]);
});
afterAll(() => shop.close());

type Body = { data: { id: string }[]; pagination: { total: number }; corrected?: string };
async function search(q: string, more = ""): Promise<Body & { ids: string[] }> {
  const answer = await shop.get(`/api/shoes?q=${encodeURIComponent(q)}${more}`);
  expect([q, answer.status]).toEqual([q, 200]);
  const body = (await answer.json()) as Body;
  return { ...body, ids: body.data.map(({ id }) => id) };
}

const FOUND: [string, string[]][] = [
  ["thunder strike", ["title", "labels", "text"]],
  ["strike thunder", ["title", "labels", "text"]],
  ["THUNDER", ["title", "labels", "text"]],
  ["thun", ["title", "labels", "text"]],
  ["thunder text", ["text"]],
  ["cafe grosse", []],
  ["café große", ["cafe"]],
  ["CAFE größe", ["cafe"]],
  ["creme", ["cafe"]],
  ["runner", ["runner"]],
  ["run", ["runner"]],
  ["marathon 20", ["runner"]],
  ["кроссовки йод", ["russian"]],
  ["ЙОД", ["russian"]],
  ["ботинки", ["russian"]],
  ["나이키", ["korean"]],
  ["운동", ["korean"]],
  ["AND OR NOT", ["not"]],
  ['thunder OR "café"', []],
  ["thunder NOT strike", []],
  ['"thunder strike"', ["title", "labels", "text"]],
  ["title:thunder", []],
  ["thunder*", ["title", "labels", "text"]],
  ["NEAR(thunder strike, 2)", []],
  ["-thunder", ["title", "labels", "text"]],
  ["{title} : thunder", []],
  ["x", ["not"]],
  ["women", []],
];
test.each(FOUND)("%s", async (q, ids) => {
  const found = await search(q);
  if (ids.length > 0 || found.corrected === undefined) expect(found.ids).toEqual(ids);
  if (ids.length > 0) expect(found).not.toHaveProperty("corrected");
});

test("a prefix needs two letters, and only the last word is a prefix", async () => {
  expect((await search("ru")).ids).toEqual(["runner"]);
  expect((await search("r")).ids).toEqual([]);
  expect((await search("mar runner")).corrected).not.toBe("mar runner");
});

test.each([
  ["thundr", "thunder", ["title", "labels", "text"]],
  ["thundr strikke", "thunder strike", ["title", "labels", "text"]],
  ["marathn runer", "marathon runner", ["runner"]],
  ["кросовки", "кроссовки", ["russian"]],
])("%s is corrected to %s, which `corrected` reports", async (q, corrected, ids) => {
  const found = await search(q);
  expect(found.corrected).toBe(corrected);
  expect(found.ids).toEqual(ids);
  const answer = await shop.get(`/api/shoes?facets=true&q=${encodeURIComponent(q)}`);
  expect(((await answer.json()) as Body).pagination.total).toBe(ids.length);
});

test.each(["qqqqqqqq", "zzz yyy", "!!!", "-"])("%s finds nothing and corrects nothing", async (q) => {
  const found = await search(q);
  expect(found.ids).toEqual([]);
  expect(found).not.toHaveProperty("corrected");
});

test("a correction without matches is dropped", async () => {
  const found = await search("thundr", "&maxPrice=1&facets=true");
  expect(found.pagination.total).toBe(0);
  expect(found).not.toHaveProperty("corrected");
});

test("search is an alias of q, and filters narrow it", async () => {
  const other = (await (await shop.get("/api/shoes?search=thunder")).json()) as Body;
  expect(other.data.map(({ id }) => id)).toEqual((await search("thunder")).ids);
  expect((await search("thunder", "&brand=THUNDER")).ids).toEqual(["labels"]);
  expect((await search("thunder", "&sort=newest")).ids).toEqual(["text", "labels", "title"]);
});
