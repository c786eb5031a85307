// Lists, searches and facets compared with an oracle: random queries over random shoes, over HTTP.
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  dice,
  expectedFacets,
  expectedIds,
  type Question,
  randomQuestion,
  randomShoes,
  type SavedDraft,
  toParams,
} from "../../testing/oracle.ts";
import { openTestShop, type TestShop } from "../../testing/shop.ts";

const SHOES = 400;
const QUESTIONS = 500;
const WALKS = 40;
// Random questions hardly ever list the whole shop, or one whole label, in these orders.
const WALKED: Question[] = [
  {},
  { sort: "popular" },
  { sort: "name" },
  { sort: "price_asc" },
  { sort: "price_desc" },
  { category: ["Running"], sort: "price_asc" },
  { category: ["Running"], sort: "price_desc" },
];
const SEED = 20_260_101;

type Item = { id: string };
type Body = {
  data: Item[];
  pagination: { page: number | null; limit: number; total: number; pages: number; nextCursor: string | null };
  corrected?: string;
  facets?: object;
};

let shop: TestShop;
let shoes: SavedDraft[];

beforeAll(async () => {
  const drafts = randomShoes(SHOES, SEED);
  shop = await openTestShop(drafts, { CACHE_BYTES_MAX: "0" });
  const roll = dice(1);
  shoes = drafts.map((draft, index) => ({ ...draft, position: index, likes: Math.floor(roll() * 10) }));
  const likes = JSON.stringify(shoes.map(({ shoeId, likes }) => [shoeId, likes]));
  const sql = "UPDATE shoes SET likes = j.value ->> 1 FROM json_each(?) AS j WHERE shoe_id = j.value ->> 0";
  await shop.db.write([{ sql, args: [likes] }]);
});
afterAll(() => shop.close());

async function ask(params: URLSearchParams): Promise<{ body: Body; links: Record<string, string> }> {
  const answer = await shop.get(`/api/shoes?${params}`);
  expect([String(params), answer.status]).toEqual([String(params), 200]);
  const links = [...(answer.headers.get("link") ?? "").matchAll(/<([^>]*)>; rel="(\w+)"/g)];
  return {
    body: (await answer.json()) as Body,
    links: Object.fromEntries(links.map(([, url, rel]) => [rel, url])),
  };
}

const idsOf = ({ data }: Body) => data.map(({ id }) => id);

/** Each part is a test with the suite's own limit of time. */
const PARTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

test.each(PARTS)(
  "random queries have the ids, order, total and facets of the oracle (part %d)",
  async (part) => {
    const roll = dice(SEED + part);
    const questions = QUESTIONS / PARTS.length;
    let withAnswers = 0;
    for (let index = 0; index < questions; index += 1) {
      const question = randomQuestion(roll);
      const limit = 1 + Math.floor(roll() * 100);
      const page = roll() < 0.6 ? 1 : 1 + Math.floor(roll() * 4);
      const params = toParams(question, { limit: String(limit), page: String(page), facets: "true" });
      const { body } = await ask(params);
      const all = expectedIds(shoes, question);
      if (all.length === 0 && body.corrected !== undefined) continue;
      const from = (page - 1) * limit;
      const { nextCursor, ...pagination } = body.pagination;
      expect([String(params), idsOf(body)]).toEqual([String(params), all.slice(from, from + limit)]);
      expect([String(params), pagination]).toEqual([
        String(params),
        { page, limit, total: all.length, pages: Math.ceil(all.length / limit) },
      ]);
      expect([String(params), nextCursor !== null]).toEqual([String(params), from + limit < all.length]);
      expect([String(params), body.facets]).toEqual([String(params), expectedFacets(shoes, question)]);
      if (all.length > 0) withAnswers += 1;
    }
    expect(withAnswers).toBeGreaterThan(questions / 3);
  },
);

test("lists and facets that come from indexes and counters equal the oracle too", async () => {
  // biome-ignore format: one line reads as one table
  const narrow: Question[] = [
    {}, { sort: "popular" }, { sort: "name" }, { sort: "price_asc" }, { sort: "price_desc" },
    ...["Running", "Ботинки", "sandals & slides"].flatMap((name): Question[] => [
      { category: [name] }, { category: [name], sort: "price_asc" }, { category: [name], sort: "price_desc" },
      { category: [name], sort: "name" }, { category: [name], sort: "popular" },
    ]),
    { brand: ["NØRD"] }, { brand: ["o'brien"], sort: "price_asc" }, { brand: ["quick"], sort: "price_desc" },
    { color: ["ice blue"] }, { gender: ["MEN"] }, { size: ["xl"] }, { size: ["eu 42 2/3"] }, { brand: ["no such"] },
  ];
  for (const question of narrow) {
    const all = expectedIds(shoes, question);
    const { body } = await ask(toParams(question, { limit: "100" }));
    expect([question, body.pagination.total, idsOf(body)]).toEqual([question, all.length, all.slice(0, 100)]);
  }
  expect((await ask(toParams({}, { facets: "true" }))).body.facets).toEqual(expectedFacets(shoes, {}));
});

test(`${WALKS} lists paged by cursor and by Link show every shoe once`, async () => {
  const roll = dice(7);
  for (let index = 0; index < WALKS; index += 1) {
    const question = WALKED[index] ?? randomQuestion(roll);
    const all = expectedIds(shoes, question);
    const limit = String(Math.max(3, Math.ceil(all.length / 7)));
    const first = await ask(toParams(question, { limit }));
    if (first.body.corrected !== undefined) continue;

    const byCursor = idsOf(first.body);
    for (let cursor = first.body.pagination.nextCursor; cursor !== null; ) {
      const { body } = await ask(toParams(question, { limit, cursor }));
      expect(body.pagination.page).toBeNull();
      expect(body.pagination.total).toBe(all.length);
      byCursor.push(...idsOf(body));
      cursor = body.pagination.nextCursor;
    }
    expect([question, byCursor]).toEqual([question, all]);

    const byLink = idsOf(first.body);
    let { links } = first;
    const [firstLink, lastLink] = [links.first ?? "", links.last ?? ""];
    let before = firstLink;
    while (links.next) {
      const here = links.next;
      const answer = await ask(new URLSearchParams(here));
      byLink.push(...idsOf(answer.body));
      links = answer.links;
      expect(idsOf((await ask(new URLSearchParams(links.prev))).body)).toEqual(
        idsOf((await ask(new URLSearchParams(before))).body),
      );
      before = here;
    }
    expect([question, byLink]).toEqual([question, all]);
    expect(idsOf((await ask(new URLSearchParams(firstLink))).body)).toEqual(idsOf(first.body));
    const tail = all.slice((Math.ceil(all.length / Number(limit)) - 1) * Number(limit));
    expect(idsOf((await ask(new URLSearchParams(lastLink))).body)).toEqual(all.length === 0 ? [] : tail);
  }
});

test("a page past the end is an empty 200, a page past 10,000 rows is 400 and names the cursor", async () => {
  const { body } = await ask(new URLSearchParams("page=100&limit=100"));
  expect(body.data).toEqual([]);
  expect(body.pagination).toEqual({ page: 100, limit: 100, total: SHOES, pages: 4, nextCursor: null });
  const refused = await shop.get("/api/shoes?page=101&limit=100");
  expect(refused.status).toBe(400);
  const problem = (await refused.json()) as { detail: string; errors: object[] };
  expect(problem.detail).toContain("cursor");
  expect(problem.errors).toEqual([{ parameter: "page", detail: expect.stringContaining("cursor") }]);
});

test("ids returns each known shoe once, in the given order", async () => {
  const { body } = await ask(new URLSearchParams("ids=d9,d100,none,d3,d9"));
  expect(idsOf(body)).toEqual(["d9", "d100", "d3"]);
  expect(body.pagination).toEqual({ page: 1, limit: 100, total: 3, pages: 1, nextCursor: null });
  const second = await ask(new URLSearchParams("ids=d9,d100,none,d3&limit=2&page=2"));
  expect(idsOf(second.body)).toEqual(["d3"]);
});

test("the product view has the same lists", async () => {
  const query = "?sort=price_asc&inStock=true&limit=50";
  const [asShoes, asProducts] = await Promise.all(
    ["shoes", "products"].map((view) => shop.get(`/v1/${view}${query}`)),
  );
  const [a, b] = [(await asShoes?.json()) as Body, (await asProducts?.json()) as Body];
  expect(idsOf(b)).toEqual(idsOf(a));
  expect(b.pagination).toEqual(a.pagination);
});
