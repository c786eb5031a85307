// Pages in a sort order: near ones come from a short walk along the index, far ones from sorting; both are correct.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ObservedShop, openObservedShop, shoe } from "../../testing/shop.ts";

const SHOES = 3_600;
/** The interval of golden shoes, and the number of most expensive shoes, which have a brand of their own. */
const GOLD_EVERY = 4;
const DEAREST = 400;
let shop: ObservedShop;

/** Gold is distributed evenly over the prices; the brand has the highest prices only. */
beforeAll(async () => {
  const drafts = Array.from({ length: SHOES }, (_, index) =>
    shoe(`s${String(index).padStart(4, "0")}`, {
      priceCents: 1_000 + index,
      color: index % GOLD_EVERY === 0 ? "Gold" : "Grey",
      brand: index >= SHOES - DEAREST ? "Crown" : "Plain",
    }),
  );
  shop = await openObservedShop(drafts);
});
afterAll(() => shop.close());

async function ask(query: string): Promise<{ ids: string[]; walked: boolean; sorted: boolean }> {
  shop.cache.clear();
  shop.ran.length = 0;
  const answer = (await (await shop.get(`/api/shoes?${query}`)).json()) as { data: { id: string }[] };
  const sql = shop.ran.map((each) => each.sql);
  return {
    ids: answer.data.map(({ id }) => id),
    walked: sql.some((each) => each.includes("LIMIT 3000")),
    sorted: sql.some((each) => each.includes("AS m CROSS JOIN")),
  };
}

const ids = (from: number, step: number, count: number) =>
  Array.from({ length: count }, (_, index) => `s${String(from + index * step).padStart(4, "0")}`);

test("a page near the start comes from a walk", async () => {
  const near = await ask("color=gold&sort=price_asc&limit=20");
  expect(near).toEqual({ ids: ids(0, GOLD_EVERY, 20), walked: true, sorted: false });
  const last = SHOES - GOLD_EVERY;
  expect(await ask("color=gold&onSale=false&sort=price_desc&limit=5")).toMatchObject({
    ids: ids(last, -GOLD_EVERY, 5),
    walked: true,
  });
});

test("matches at the far end of the order are found too", async () => {
  const cheapest = await ask("brand=crown&color=grey&sort=price_asc&limit=2");
  expect(cheapest).toEqual({ ids: ids(SHOES - DEAREST + 1, 1, 2), walked: true, sorted: true });
});

test("a page expected far away, or of few matches, is sorted without a walk", async () => {
  const far = await ask("color=gold&sort=price_asc&limit=20&page=40");
  expect(far).toEqual({ ids: ids(780 * GOLD_EVERY, GOLD_EVERY, 20), walked: false, sorted: true });
  const few = await ask("color=gold&minPrice=10&maxPrice=13.99&sort=popular");
  expect([few.ids.length, few.walked, few.sorted]).toEqual([20, false, true]);
});
