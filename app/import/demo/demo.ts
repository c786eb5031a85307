// Invents shoes: a stream of drafts, the same for the same seed, in constant memory.
import { must } from "../../../db/must.ts";
import type { ShoeDraft, SizeStock } from "../../shoes/shoes.ts";
import {
  type Category,
  CLOSERS,
  COLOR_LINES,
  COLORS,
  EDITIONS,
  type Gender,
  LINES,
  MAKERS,
  MATERIALS,
  STYLES,
} from "./words.ts";

/** The seed of the demo catalogue of a new shop. */
export const DEMO_SEED = 1852;

const ID_DIGITS = 6;
const SALE_SHARE = 0.25;
const SOLD_OUT_SHARE = 0.04;
const SIZE_GONE_SHARE = 0.16;
const STOCK_MAX = 24;
const SIZES_MIN = 6;
const SIZES_MAX = 12;
const DISCOUNTS = [0.1, 0.15, 0.2, 0.25, 0.3, 0.3, 0.4, 0.5];
// Most names start with the plain edition, some with a later one, so that a small shop has several editions.
const FIRST_EDITIONS = [0, 0, 0, 0, 1, 1, 2, 3, 5, 6];

/** A number in [0, 1). */
type RandomNumber = () => number;
type Model = { maker: string; style: string; category: Category };

const MODELS: readonly Model[] = MAKERS.flatMap(([maker, styles]) =>
  styles.flatMap((makerStyle) => STYLES[makerStyle].map(([style, category]) => ({ maker, style, category }))),
);
const COLOR_CHANCES = COLORS.flatMap(([color, weight, colorways]) =>
  Array.from({ length: weight }, () => ({ color, colorways })),
);
const SIZE_RUNS: Record<Gender, readonly string[]> = {
  men: halfSizes(6, 14),
  women: halfSizes(5, 12),
  unisex: halfSizes(4, 13),
  kids: "8C 9C 10C 11C 12C 13C 1Y 2Y 3Y 4Y 5Y 6Y".split(" "),
};

/** Streams `count` shoes, `demo-000001` onwards; shoe number n does not depend on the count. */
export function* demoShoes(count: number, seed = DEMO_SEED): Generator<ShoeDraft> {
  const order = shuffled(MODELS.length * LINES.length, randomFrom(seed));
  for (let number = 1; number <= count; number++) {
    const combination = must(order[(number - 1) % order.length], "the combination");
    const round = Math.floor((number - 1) / order.length);
    yield invent(number, combination, round, seed);
  }
}

function invent(number: number, combination: number, round: number, seed: number): ShoeDraft {
  const random = randomFrom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b));
  const { maker, style, category } = entryAt(MODELS, combination % MODELS.length);
  const line = entryAt(LINES, Math.floor(combination / MODELS.length));
  const name = `${line} ${style}${edition(category, combination, round)}`;
  const { color, colorways } = pick(COLOR_CHANCES, random);
  const gender = pick(category.genders, random);
  return {
    shoeId: `demo-${String(number).padStart(ID_DIGITS, "0")}`,
    title: `${maker} ${name}`,
    description: describe(name, category, color, pick(colorways, random), random),
    brand: maker,
    category: category.name,
    color,
    gender,
    ...prices(category, random),
    images: [],
    href: null,
    sizeSystem: "US",
    sizes: sizes(gender, random),
    related: null,
  };
}

/** Distinguishes shoes of one name: each combination uses every edition once, then starts a new series. */
function edition(category: Category, combination: number, round: number): string {
  const editions = EDITIONS[category.build];
  const first = entryAt(FIRST_EDITIONS, Math.floor(randomFrom(combination)() * FIRST_EDITIONS.length));
  const series = Math.floor(round / editions.length);
  return entryAt(editions, (first + round) % editions.length) + (series === 0 ? "" : ` Series ${series + 1}`);
}

function describe(
  name: string,
  category: Category,
  color: string,
  colorway: string,
  random: RandomNumber,
): string {
  const sentences = [pick(category.openers, random).replace("{title}", `The ${name}`)];
  const material = pick(MATERIALS[category.build], random);
  const colorLine = pick(COLOR_LINES, random)
    .replace("{colorway}", colorway)
    .replace("{color}", color.toLowerCase());
  const closer = pick(CLOSERS[category.build], random);
  if (random() < 0.75) sentences.push(material);
  sentences.push(colorLine);
  if (random() < 0.65) sentences.push(closer);
  return sentences.join(" ");
}

/** A price ending in x9.99 or x5.00; on sale a second, lower one. */
function prices(
  category: Category,
  random: RandomNumber,
): { priceCents: number; listPriceCents: number | null } {
  const full = category.priceMin + (category.priceMax - category.priceMin) * squared(random);
  const fullCents = priceTagCents(full + 10, random);
  const onSale = random() < SALE_SHARE;
  const saleCents = priceTagCents((fullCents / 100) * (1 - pick(DISCOUNTS, random)), random);
  return onSale
    ? { priceCents: saleCents, listPriceCents: fullCents }
    : { priceCents: fullCents, listPriceCents: null };
}

/** The highest such price that is not above an amount of 15 or more. */
function priceTagCents(amount: number, random: RandomNumber): number {
  return random() < 0.7 ? Math.floor(amount / 10) * 1000 - 1 : Math.floor((amount - 5) / 10) * 1000 + 500;
}

function sizes(gender: Gender, random: RandomNumber): SizeStock[] {
  const run = SIZE_RUNS[gender];
  const length = SIZES_MIN + Math.floor(random() * (SIZES_MAX - SIZES_MIN + 1));
  const start = Math.floor(random() * (run.length - length + 1));
  const soldOut = random() < SOLD_OUT_SHARE;
  return run.slice(start, start + length).map((size) => {
    const gone = soldOut || random() < SIZE_GONE_SHARE;
    return { size, stock: gone ? 0 : 1 + Math.floor(squared(random) * STOCK_MAX) };
  });
}

function halfSizes(from: number, to: number): string[] {
  return Array.from({ length: (to - from) * 2 + 1 }, (_, step) => String(from + step / 2));
}

/** The whole numbers below `length` in random order (Fisher-Yates). */
function shuffled(length: number, random: RandomNumber): Uint32Array {
  const order = Uint32Array.from({ length }, (_, index) => index);
  for (let last = length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const swapped = must(order[last], "the last combination");
    order[last] = must(order[other], "the other combination");
    order[other] = swapped;
  }
  return order;
}

/** Mulberry32: small, fast, and random enough for demo data. */
function randomFrom(seed: number): RandomNumber {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A number in [0, 1) that is more often small: most prices and most stocks are low. */
function squared(random: RandomNumber): number {
  const number = random();
  return number * number;
}

function entryAt<T>(list: readonly T[], index: number): T {
  const entry = list[index];
  if (entry === undefined) throw new RangeError(`no entry ${index} in a list of ${list.length}`);
  return entry;
}

const pick = <T>(list: readonly T[], random: RandomNumber): T =>
  entryAt(list, Math.floor(random() * list.length));
