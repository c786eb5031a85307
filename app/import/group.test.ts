// Merging the rows of one shoe: the first row wins, sizes and colours are united.
import { describe, expect, test } from "bun:test";
import type { ShoeDraft } from "../shoes/shoes.ts";
import { createGroup } from "./group.ts";

const SHOE: ShoeDraft = {
  shoeId: "A1",
  title: "Runner",
  description: "Soft",
  brand: "Acme",
  category: null,
  color: "red",
  gender: null,
  priceCents: 100,
  listPriceCents: null,
  images: [],
  href: null,
  sizeSystem: null,
  sizes: [{ size: "7", stock: 1 }],
  related: null,
};

function group(...rows: Partial<ShoeDraft>[]) {
  const made = createGroup<Partial<ShoeDraft>>((row) =>
    row.title === ""
      ? { refusal: { field: "/title", reason: "is missing" } }
      : { draft: { ...SHOE, ...row } },
  );
  for (const row of rows) made.add(row);
  const { draft, variants, duplicates, superseded, refused } = made.result();
  return { draft, counts: { variants, duplicates, superseded, refused: refused.length } };
}

describe("counts", () => {
  test("equal rows are duplicates", () =>
    expect(group({}, {}, {})).toEqual({
      draft: SHOE,
      counts: { variants: 0, duplicates: 2, superseded: 0, refused: 0 },
    }));

  test("sizes are united, the stock of the same size is added", () => {
    const { draft, counts } = group(
      {},
      { sizes: [{ size: "8", stock: 2 }] },
      { sizes: [{ size: "7", stock: 3 }] },
      {},
    );
    expect(draft?.sizes).toEqual([
      { size: "7", stock: 4 },
      { size: "8", stock: 2 },
    ]);
    expect(counts).toEqual({ variants: 2, duplicates: 1, superseded: 0, refused: 0 });
  });

  test("colours are joined, images of a variant are appended", () => {
    const { draft, counts } = group(
      { images: ["/1"] },
      { color: "blue", images: ["/2"] },
      { color: "red", images: ["/1"] },
    );
    expect(draft).toMatchObject({ color: "red / blue", images: ["/1", "/2"] });
    expect(counts).toEqual({ variants: 1, duplicates: 1, superseded: 0, refused: 0 });
  });

  test("otherwise the first row wins, later ones fill missing fields", () => {
    const { draft, counts } = group(
      { description: "" },
      {
        title: "Other",
        priceCents: 50,
        listPriceCents: 100,
        category: "Boots",
        images: ["/1"],
        description: "Hard",
      },
    );
    expect(draft).toEqual({ ...SHOE, description: "Hard", category: "Boots", images: ["/1"] });
    expect(counts).toEqual({ variants: 0, duplicates: 1, superseded: 1, refused: 0 });
  });

  test("of rows that differ in any field the first row's values stay", () => {
    const first = {
      title: "First",
      description: "First text",
      brand: "First brand",
      category: "First category",
      color: "first",
      gender: "women",
      priceCents: 1_000,
      listPriceCents: 2_000,
      images: ["/first"],
      href: "/first",
      sizeSystem: "EU",
      sizes: [{ size: "40", stock: 1 }],
      related: ["first"],
    };
    const other = {
      title: "Other",
      description: "Other text",
      brand: "Other brand",
      category: "Other category",
      color: "other",
      gender: "men",
      priceCents: 3_000,
      listPriceCents: 4_000,
      images: ["/other"],
      href: "/other",
      sizeSystem: "US",
      sizes: [{ size: "8", stock: 2 }],
      related: ["other"],
    };
    const { draft, counts } = group(first, other);
    expect(draft).toEqual({ ...SHOE, ...first });
    expect(counts).toEqual({ variants: 0, duplicates: 1, superseded: 1, refused: 0 });
    // Of a variant too: both have the same address nowhere else.
    expect(group({ href: "/first" }, { href: "/other", sizes: [{ size: "8", stock: 2 }] }).draft?.href).toBe(
      "/first",
    );
  });

  test("a row with another price is not a variant, whatever its size", () => {
    const { draft, counts } = group({}, { priceCents: 50, sizes: [{ size: "8", stock: 2 }], color: "blue" });
    expect(draft).toEqual(SHOE);
    expect(counts).toEqual({ variants: 0, duplicates: 1, superseded: 1, refused: 0 });
  });

  test("a refused row does not affect the others", () => {
    expect(group({ title: "" }, {}, {}).counts).toEqual({
      variants: 0,
      duplicates: 1,
      superseded: 0,
      refused: 1,
    });
    expect(group({ title: "" }, { title: "" })).toMatchObject({ draft: null, counts: { refused: 2 } });
  });

  test("a row that would exceed a limit of the shoe is refused", () => {
    const colors = Array.from({ length: 30 }, (_, index) => ({ color: `colour ${index}` }));
    const { draft, counts } = group(...colors);
    expect(draft?.color?.length).toBeLessThanOrEqual(100);
    expect(counts.refused).toBeGreaterThan(0);
    expect(counts.variants + counts.refused).toBe(29);
  });
});
