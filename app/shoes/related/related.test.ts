// Related shoes: given lists are kept unchanged, computed ones are equal for equal catalogues.
import { describe, expect, test } from "bun:test";
import { dice, randomShoes } from "../../testing/oracle.ts";
import { openObservedShop, openTestShop, saveAll, shoe } from "../../testing/shop.ts";
import type { ShoeDraft } from "../write/draft.ts";

type Related = { id: string; relatedProducts: { id: string; title: string; price: number }[] };

const relatedOf = async (shop: { get(path: string): Promise<Response> }, id: string): Promise<string[]> => {
  const answer = await shop.get(`/api/shoes/${id}/relatedproducts`);
  return ((await answer.json()) as Related).relatedProducts.map((one) => one.id);
};

describe("given lists", () => {
  const rows: [string, string[], string[]][] = [
    ["in their order", ["c", "a", "b"], ["c", "a", "b"]],
    ["with what they hold twice", ["b", "a", "b"], ["b", "a", "b"]],
    ["without what is not there", ["x", "b", "y", "a"], ["b", "a"]],
    ["empty", [], []],
  ];
  test.each(rows)("are kept %s", async (_, given, shown) => {
    const shop = await openTestShop([
      ...["a", "b", "c"].map((id) => shoe(id)),
      shoe("of", { related: given }),
    ]);
    expect(await relatedOf(shop, "of")).toEqual(shown);
    await shop.close();
  });

  test("never contain the shoe itself: the database refuses", async () => {
    const shop = await openObservedShop([shoe("a")]);
    const saving = saveAll(shop.db, [shoe("me", { related: ["a", "me"] })]);
    expect(
      await saving.then(
        () => "saved",
        (error) => error.kind,
      ),
    ).toBe("check");
    expect((await shop.get("/api/shoes/me")).status).toBe(404);
    await shop.close();
  });

  test("a list given later replaces the computed one; a removed one is computed again", async () => {
    const shop = await openObservedShop([shoe("a"), shoe("b"), shoe("of")]);
    const ask = () => {
      shop.cache.clear();
      return relatedOf(shop, "of");
    };
    expect((await ask()).toSorted()).toEqual(["a", "b"]);
    await saveAll(shop.db, [shoe("of", { related: ["b"] })]);
    expect(await ask()).toEqual(["b"]);
    await saveAll(shop.db, [shoe("of", { related: null })]);
    expect((await ask()).toSorted()).toEqual(["a", "b"]);
    await shop.close();
  });
});

describe("computed lists", () => {
  /** Many equal prices, as in a shop, so that the order of saving would show. */
  const drafts = randomShoes(300, 5).map((draft, index) => ({
    ...draft,
    priceCents: 1_000 + (index % 9) * 500,
  }));

  const allLists = async (list: ShoeDraft[], chunk: number) => {
    const shop = await openObservedShop([]);
    for (let from = 0; from < list.length; from += chunk)
      await saveAll(shop.db, list.slice(from, from + chunk), false);
    await saveAll(shop.db, []);
    const lists = new Map<string, string[]>();
    for (const { shoeId } of list) lists.set(shoeId, await relatedOf(shop, shoeId));
    await shop.close();
    return lists;
  };

  test("contain at most twelve other shoes, each once", async () => {
    for (const [id, list] of await allLists(drafts, 100)) {
      expect(list.length).toBe(12);
      expect(new Set([id, ...list]).size).toBe(13);
    }
  });

  test("contain the most similar first: words, category, brand, then price", async () => {
    const given = [
      shoe("of", {
        title: "Swift Runner",
        category: "Road",
        brand: "Nord",
        gender: "men",
        priceCents: 10_000,
      }),
      shoe("far", {
        title: "Swift Runner 2",
        category: "Road",
        brand: "Nord",
        gender: "men",
        priceCents: 19_000,
      }),
      shoe("near", {
        title: "Swift Runner 3",
        category: "Road",
        brand: "Nord",
        gender: "men",
        priceCents: 11_000,
      }),
      shoe("brand", { title: "Other", category: "Trail", brand: "Nord", gender: "men", priceCents: 10_000 }),
      shoe("category", { title: "Other", category: "Road", brand: "Sud", gender: "men", priceCents: 10_000 }),
      shoe("nothing", { title: "Swift", category: "Trail", brand: "Sud", gender: "men", priceCents: 10_000 }),
    ];
    expect((await allLists(given, 10)).get("of")).toEqual(["near", "far", "category", "brand"]);
  });

  test("do not depend on the order and the chunks of saving", async () => {
    const roll = dice(3);
    const shuffled = drafts
      .map((draft) => ({ draft, key: roll() }))
      .sort((a, b) => a.key - b.key)
      .map(({ draft }) => draft);
    const sets = (lists: Map<string, string[]>) => drafts.map(({ shoeId }) => [shoeId, lists.get(shoeId)]);
    expect(sets(await allLists(shuffled, 37))).toEqual(sets(await allLists(drafts, 300)));
  });

  test("are computed again when the shoe changes", async () => {
    // biome-ignore format: one line reads as one table
    const shop = await openObservedShop([
      shoe("of", { category: "Road" }), shoe("r", { category: "Road" }), shoe("t", { category: "Trail", brand: "B" }),
    ]);
    expect(await relatedOf(shop, "of")).toEqual(["r"]);
    await saveAll(shop.db, [shoe("of", { category: "Trail", brand: "B" })]);
    shop.cache.clear();
    expect(await relatedOf(shop, "of")).toEqual(["t"]);
    await shop.close();
  });
});

test("the response takes one statement", async () => {
  const shop = await openObservedShop([shoe("a"), shoe("b")]);
  shop.ran.length = 0;
  await relatedOf(shop, "a");
  expect(shop.ran.length).toBe(1);
  expect(shop.ran[0]?.sql).toContain("FROM cards");
  await shop.close();
});
