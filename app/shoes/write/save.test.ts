// Saves on a running shop: every affected answer is invalidated in time, and no other.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openTestShop, readUntil, saveAll, shoe, type TestShop } from "../../testing/shop.ts";
import type { ShoeDraft } from "./draft.ts";
import type { OnConflict } from "./row.ts";
import { openSaving, type Saving, saveShoes } from "./save.ts";

/** Changes of other processes are visible within a second, as the cache's own tests show by its clock; ten times that here. */
const SEEN_MS = 10_000;

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop([
    shoe("a", {
      title: "Alpha",
      category: "Road",
      brand: "Nord",
      priceCents: 9_000,
      sizes: [{ size: "9", stock: 2 }],
    }),
    shoe("b", { title: "Beta", category: "Road", brand: "Nord", priceCents: 9_100 }),
    shoe("waits", { title: "Waits", category: "Other", related: ["a", "new-1"] }),
    ...Array.from({ length: 20 }, (_, index) =>
      shoe(`x${index}`, { category: "Else", priceCents: 50_000 + index }),
    ),
  ]);
});
afterAll(() => shop.close());

const hit = (answer: Response) => answer.headers.get("cache-status") === "insole; hit";

/** Reads until the answer is a cache hit, so that the test is about a cached answer. */
const keep = (path: string) => readUntil(() => shop.get(path), hit, SEEN_MS);

const text = async (path: string) => (await shop.get(path)).text();
const seen = (path: string, isGood: (body: string) => boolean) =>
  readUntil(() => text(path), isGood, SEEN_MS);

/** Saves in another process, as an import does. */
async function saveElsewhere(drafts: ShoeDraft[], withRelated = true): Promise<void> {
  const program = `
import { openFile } from ${JSON.stringify(join(import.meta.dir, "../../../db/file.ts"))};
import { saveAll } from ${JSON.stringify(join(import.meta.dir, "../../testing/shop.ts"))};
const db = openFile(${JSON.stringify(shop.databasePath)});
await saveAll(db, ${JSON.stringify(drafts)}, ${withRelated});
await db.close();`;
  const saving = Bun.spawn([process.execPath, "-e", program], { stdio: ["ignore", "inherit", "inherit"] });
  expect(await saving.exited).toBe(0);
}

describe("another process writes to the same file", () => {
  test.each([1, 2])(
    "%d new: page 1, its facets and totals, the counts and a remembered 404 show it",
    async (count) => {
      const drafts = Array.from({ length: count }, (_, index) =>
        shoe(`fresh-${count}-${index}`, { title: "Fresh", category: `Fresh ${count}`, brand: "Nord" }),
      );
      const id = drafts[0]?.shoeId ?? "";
      const before = JSON.parse(await text("/api/shoes?facets=true")) as { pagination: { total: number } };
      for (const path of [
        "/api/shoes",
        "/api/shoes?facets=true",
        "/api/categories",
        "/api/shoes?q=fresh",
        "/api/shoes?brand=nord",
      ])
        await keep(path);
      expect((await shop.get(`/api/shoes/${id}`)).status).toBe(404);
      expect((await shop.get(`/images/${id}.svg`)).status).toBe(404);
      await saveElsewhere(drafts);

      expect(
        (
          await readUntil(
            () => shop.get(`/api/shoes/${id}`),
            ({ ok }) => ok,
            SEEN_MS,
          )
        ).status,
      ).toBe(200);
      expect(
        (
          await readUntil(
            () => shop.get(`/images/${id}.svg`),
            ({ ok }) => ok,
            SEEN_MS,
          )
        ).status,
      ).toBe(200);
      const newest = drafts.at(-1)?.shoeId ?? "";
      expect(await seen("/api/shoes", (body) => body.includes(`"id":"${newest}"`))).toStartWith(
        `{"success":true,"data":[{"id":"${newest}"`,
      );
      const wanted = `"total":${before.pagination.total + count},`;
      const facet = `{"value":"Fresh ${count}","count":${count}}`;
      const withFacets = await seen(
        "/api/shoes?facets=true",
        (body) => body.includes(wanted) && body.includes(facet),
      );
      expect(withFacets).toContain(wanted);
      expect(withFacets).toContain(facet);
      for (const path of ["/api/shoes?q=fresh", "/api/shoes?brand=nord"])
        expect(await seen(path, (body) => body.includes(newest))).toContain(newest);
      expect(await seen("/api/categories", (body) => body.includes(`Fresh ${count}`))).toContain(
        `"slug":"fresh-${count}","description":"","count":${count}`,
      );
    },
  );

  test("a given list shows an id as soon as its shoe exists", async () => {
    const path = "/api/shoes/waits/relatedproducts";
    await keep(path);
    expect(await text(path)).not.toContain('"new-1"');
    await saveElsewhere([shoe("new-1", { title: "At last" })], false);
    expect(await seen(path, (body) => body.includes('"new-1"'))).toContain('"title":"At last"');
  });

  test("a changed neighbour shows its new price and title in related answers, and its new picture's address", async () => {
    const path = "/api/shoes/b/relatedproducts";
    await keep(path);
    expect(await text(path)).toContain('"id":"a","title":"Alpha","images":"/images/a.svg?v=1","price":90,');
    await saveElsewhere([
      shoe("a", {
        title: "Alpha II",
        category: "Road",
        brand: "Nord",
        priceCents: 8_800,
        sizes: [{ size: "9", stock: 2 }],
      }),
    ]);
    const shown = '"id":"a","title":"Alpha II","images":"/images/a.svg?v=2","price":88,';
    expect(await seen(path, (body) => body.includes(shown))).toContain(shown);
    expect((await shop.get("/images/a.svg?v=2")).headers.get("cache-control")).toContain("immutable");
    expect((await shop.get("/images/a.svg?v=1")).headers.get("cache-control")).not.toContain("immutable");
  });

  test("a changed price moves the shoe between filtered lists", async () => {
    const [into, from] = ["/api/shoes?maxPrice=20", "/api/shoes?minPrice=90"];
    await keep(into);
    await keep(from);
    expect(await text(into)).not.toContain('"id":"b"');
    await saveElsewhere([shoe("b", { title: "Beta", category: "Road", brand: "Nord", priceCents: 1_999 })]);
    expect(await seen(into, (body) => body.includes('"id":"b"'))).toContain('"id":"b"');
    expect(await seen(from, (body) => !body.includes('"id":"b"'))).not.toContain('"id":"b"');
  });

  test("a removed shoe disappears from its own answers, from lists and from related shoes", async () => {
    const related = "/api/shoes/x1/relatedproducts";
    await keep(related);
    await keep("/api/shoes/x0");
    expect(await text(related)).toContain('"x0"');
    await shop.db.write([{ sql: "DELETE FROM shoes WHERE shoe_id = 'x0'" }]);
    expect(
      (
        await readUntil(
          () => shop.get("/api/shoes/x0"),
          ({ ok }) => !ok,
          SEEN_MS,
        )
      ).status,
    ).toBe(404);
    expect(await seen(related, (body) => !body.includes('"x0"'))).not.toContain('"x0"');
    expect(await seen("/api/shoes?limit=100", (body) => !body.includes('"x0"'))).not.toContain('"x0"');
  });
});

describe("likes and stock", () => {
  test("change the item and the lists, but no related answers and no versions", async () => {
    const related = ["/api/shoes/a/relatedproducts", "/api/shoes/b/relatedproducts"];
    const version = async () => (await shop.get("/api/shoes/a")).headers.get("etag")?.split(".")[0];
    const tag = await version();
    for (const path of [
      ...related,
      "/api/shoes/a",
      "/api/shoes?category=road",
      "/api/shoes?sort=popular",
      "/api/shoes?inStock=true&size=9",
    ])
      await keep(path);
    const [before] = JSON.parse(await text("/api/shoes?ids=a")).data;
    await shop.db.write([{ sql: "UPDATE shoes SET likes = likes + 41 WHERE shoe_id = 'a'" }]);
    await shop.db.write([
      { sql: "UPDATE sizes SET stock = 0 WHERE shoe = (SELECT id FROM shoes WHERE shoe_id = 'a')" },
    ]);
    for (const path of [
      "/api/shoes/a",
      "/api/products/a",
      "/api/shoes?category=road",
      "/api/shoes?sort=popular",
    ])
      expect(
        await seen(path, (body) => body.includes('"likes":41') && body.includes('"size":"9","stock":0')),
      ).toContain('"likes":41');
    expect(await text("/api/shoes?sort=popular&limit=1")).toContain('"id":"a"');
    expect(await seen("/api/shoes?inStock=true&size=9", (body) => !body.includes('"id":"a"'))).not.toContain(
      '"id":"a"',
    );
    const [after] = JSON.parse(await text("/api/shoes?ids=a")).data;
    expect(after).toEqual({ ...before, likes: 41, stock: 0, sizes: [{ size: "9", stock: 0 }] });
    expect(await version()).toBe(tag);
    for (const path of related) expect([path, hit(await shop.get(path))]).toEqual([path, true]);
  });
});

describe("saving", () => {
  let saving: Saving;
  beforeAll(() => {
    saving = openSaving(shop.db);
  });
  const counts = (drafts: ShoeDraft[], onConflict: OnConflict) =>
    saveShoes(saving, drafts, { origin: "api", onConflict, nowMs: Date.now() });
  const one = shoe("saved", { title: "One", category: "Saved", sizes: [{ size: "1", stock: 1 }] });

  test("counts new, changed and unchanged shoes, and obeys its options", async () => {
    const two = { ...one, title: "Two", category: "Saved Too", sizes: [{ size: "2", stock: 2 }] };
    expect(await counts([one, shoe("other")], "fail")).toEqual({ added: 2, replaced: 0, unchanged: 0 });
    expect(await counts([one], "replace")).toEqual({ added: 0, replaced: 0, unchanged: 1 });
    expect(await counts([two], "skip")).toEqual({ added: 0, replaced: 0, unchanged: 1 });
    expect(await counts([two, shoe("third")], "fail").catch((error) => error.kind)).toBe("unique");
    expect((await shop.get("/api/shoes/third")).status).toBe(404);
    expect(await counts([two, shoe("third")], "replace")).toEqual({ added: 1, replaced: 1, unchanged: 0 });
    const body = await seen("/api/shoes/saved", (body) => body.includes("Two"));
    expect(JSON.parse(body).data).toMatchObject({
      slug: "two_saved",
      category: "Saved Too",
      sizes: [{ size: "2", stock: 2 }],
      stock: 2,
    });
    const list = async (query: string) =>
      (JSON.parse(await text(`/api/shoes?${query}&x=${Math.random()}`)) as { pagination: { total: number } })
        .pagination.total;
    const totals = () =>
      Promise.all(["q=one", "size=1", "category=saved", "q=two", "category=saved+too"].map(list));
    expect(await readUntil(totals, (all) => String(all) === "0,0,0,1,1", SEEN_MS)).toEqual([0, 0, 0, 1, 1]);
  });

  test("many shoes in one save are found, sorted and counted as after single saves", async () => {
    await saveAll(
      shop.db,
      Array.from({ length: 50 }, (_, index) =>
        shoe(`many${index}`, { title: `Manifold ${index}`, category: "Many" }),
      ),
    );
    const body = await seen("/api/shoes?category=many&limit=100&sort=name", (answer) =>
      answer.includes('"total":50,'),
    );
    expect(JSON.parse(body).data.length).toBe(50);
  });
});
