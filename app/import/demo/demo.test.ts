// The demo catalogue: the same shoes for the same seed, valid, varied, and fast to make.
import { expect, test } from "bun:test";
import { checkDraft, type ShoeDraft } from "../../shoes/shoes.ts";
import { DEMO_SEED, demoShoes } from "./demo.ts";

const thousand = [...demoShoes(1_000)];
// Pins the catalogue of a new shop; to be changed only together with the vocabulary or the rules.
const THOUSAND_SHA256 = "c9f599bd8bd225f308e2eb1eff820d1301860f80dec41504603ccae501a097a2";

const sha256 = (shoes: ShoeDraft[]) =>
  new Bun.CryptoHasher("sha256").update(JSON.stringify(shoes)).digest("hex");
const shareOf = (rule: (shoe: ShoeDraft) => boolean) => thousand.filter(rule).length / thousand.length;

function counts(key: (shoe: ShoeDraft) => string | null): Map<string | null, number> {
  const found = new Map<string | null, number>();
  for (const shoe of thousand) found.set(key(shoe), (found.get(key(shoe)) ?? 0) + 1);
  return found;
}

test("the first 1,000 shoes are always the same", () => {
  expect(sha256(thousand)).toBe(THOUSAND_SHA256);
  expect(sha256([...demoShoes(1_000, DEMO_SEED)])).toBe(THOUSAND_SHA256);
});

test("another seed makes other shoes", () => {
  const others = [...demoShoes(1_000, DEMO_SEED + 1)];
  const same = others.filter((shoe, index) => shoe.title === thousand[index]?.title).length;
  expect(same).toBeLessThan(10);
});

test("a shoe does not depend on the count", () => {
  expect([...demoShoes(10)]).toEqual(thousand.slice(0, 10));
  expect([...demoShoes(0)]).toEqual([]);
  expect(demoShoes(Number.MAX_SAFE_INTEGER).next().value).toEqual(thousand[0]);
});

test("the first 5,000 are valid drafts", () => {
  const broken = [...demoShoes(5_000)].flatMap((shoe) => checkDraft(shoe).map((error) => ({ shoe, error })));
  expect(broken).toEqual([]);
});

test("ids count up; ids and titles stay unique after every name was used", () => {
  const ids = new Set<string>();
  const titles = new Set<string>();
  for (const { shoeId, title } of demoShoes(60_000)) {
    ids.add(shoeId);
    titles.add(title);
  }
  expect(ids.size).toBe(60_000);
  expect(titles.size).toBe(60_000);
  expect(thousand[0]?.shoeId).toBe("demo-000001");
  expect(thousand[999]?.shoeId).toBe("demo-001000");
});

test("brands, categories, colours and genders are distributed", () => {
  const spread = [
    { of: counts((shoe) => shoe.brand), kinds: 24, leastMin: 10 },
    { of: counts((shoe) => shoe.category), kinds: 11, leastMin: 30 },
    { of: counts((shoe) => shoe.color), kinds: 14, leastMin: 15 },
    { of: counts((shoe) => shoe.gender), kinds: 4, leastMin: 60 },
  ];
  for (const { of, kinds, leastMin } of spread) {
    expect(of.size).toBe(kinds);
    expect(Math.min(...of.values())).toBeGreaterThanOrEqual(leastMin);
  }
});

test("genders fit their categories", () => {
  for (const { category, gender } of thousand) {
    expect(category === "Kids").toBe(gender === "kids");
    if (category === "Heels") expect(gender).toBe("women");
  }
});

test("prices end in x9.99 or x5.00, and about a quarter is on sale below the list price", () => {
  const isTag = (cents: number) => cents % 1000 === 999 || cents % 1000 === 500;
  for (const { priceCents, listPriceCents } of thousand) {
    expect(isTag(priceCents)).toBe(true);
    if (listPriceCents === null) continue;
    expect(isTag(listPriceCents)).toBe(true);
    expect(listPriceCents).toBeGreaterThan(priceCents);
  }
  const onSale = shareOf((shoe) => shoe.listPriceCents !== null);
  expect(onSale).toBeGreaterThan(0.2);
  expect(onSale).toBeLessThan(0.3);
});

test("every shoe has 6 to 12 sizes; some sizes and some shoes are sold out", () => {
  for (const { sizes } of thousand) {
    expect(sizes.length).toBeGreaterThanOrEqual(6);
    expect(sizes.length).toBeLessThanOrEqual(12);
  }
  const soldOut = shareOf((shoe) => shoe.sizes.every((size) => size.stock === 0));
  expect(soldOut).toBeGreaterThan(0.01);
  expect(soldOut).toBeLessThan(0.08);
  expect(shareOf((shoe) => shoe.sizes.some((size) => size.stock === 0))).toBeGreaterThan(0.5);
});

test("descriptions have 2 to 4 sentences, no placeholders, and rarely repeat", () => {
  for (const { description } of thousand) {
    const sentences = description
      .replaceAll("No. ", "No ")
      .split(/[.!?](?: |$)/)
      .filter(Boolean).length;
    expect(sentences).toBeGreaterThanOrEqual(2);
    expect(sentences).toBeLessThanOrEqual(4);
    expect(description).not.toMatch(/[{}]|undefined|null/);
  }
  expect(new Set(thousand.map((shoe) => shoe.description)).size).toBeGreaterThan(990);
});
