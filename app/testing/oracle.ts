// A second implementation of lists and facets, in plain code over drafts, to compare with; and random shoes and questions.
import type { ShoeDraft } from "../shoes/write/draft.ts";
import { shoe } from "./shop.ts";

/** A saved draft: `position` is its position in the order of saving. */
export type SavedDraft = ShoeDraft & { position: number; likes: number };

/** The parameters of a list request. */
export type Question = Partial<{
  category: string[];
  brand: string[];
  size: string[];
  color: string[];
  gender: string[];
  minPrice: number;
  maxPrice: number;
  onSale: boolean;
  inStock: boolean;
  q: string;
  sort: "newest" | "relevance" | "price_asc" | "price_desc" | "name" | "popular";
}>;

const LABEL_KINDS = ["category", "brand", "size", "color", "gender"] as const;
type LabelKind = (typeof LABEL_KINDS)[number];

const LABELS: Record<LabelKind, string[]> = {
  category: ["Running", "High Tops", "Sandals & Slides", "Ботинки", "Clogs"],
  brand: ["Nørd", "Quick", "O'Brien", "quick step", "Zwölf"],
  size: ["8", "8.5", "9", "9.5", "10", "XL", "xs", "EU 42 2/3"],
  color: ["Red", "Ice Blue", "Black/White", "Grün"],
  gender: ["women", "men", "kids"],
};
const WORDS = "Runner Trail runner swift Swiftly Café cloud Cloudy grip Nighthawk zebra 90 2 x court".split(
  " ",
);
const PRICES = [
  1, 499, 500, 5_000, 5_001, 7_999, 12_999, 30_000, 31_250, 99_999, 120_000, 2_500_000, 100_000_000,
];

/** A seeded generator of numbers from 0 to 1. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const pick = <T>(roll: () => number, list: readonly T[]): T => list[Math.floor(roll() * list.length)] as T;
const some = <T>(roll: () => number, list: readonly T[], max: number): T[] => [
  ...new Set(Array.from({ length: 1 + Math.floor(roll() * max) }, () => pick(roll, list))),
];

/** Shoes with random combinations of labels, prices, sale prices, sizes and stock. */
export function randomShoes(count: number, seed: number): ShoeDraft[] {
  const roll = dice(seed);
  const label = (kind: LabelKind) => (roll() < 0.15 ? null : pick(roll, LABELS[kind]));
  const words = (max: number) => some(roll, WORDS, max).join(" ");
  return Array.from({ length: count }, (_, index) => {
    const priceCents = roll() < 0.5 ? pick(roll, PRICES) : 1 + Math.floor(roll() * 20_000);
    const stock = () => (roll() < 0.4 ? 0 : Math.floor(roll() * 5));
    const sizes = roll() < 0.2 ? [""] : some(roll, LABELS.size, 5);
    return shoe(`d${index}`, {
      title: words(3),
      description: roll() < 0.5 ? "" : words(4),
      category: label("category"),
      brand: label("brand"),
      color: label("color"),
      gender: label("gender"),
      priceCents,
      listPriceCents: roll() < 0.6 ? null : pick(roll, [priceCents, 1, 9_000, 100_000_000]),
      sizes: sizes.map((size) => ({ size, stock: stock() })),
    });
  });
}

/** A random question with filters, a search and a sort. */
export function randomQuestion(roll: () => number): Question {
  const question: Question = {};
  const jumble = (text: string) => (roll() < 0.5 ? text.toUpperCase() : text);
  for (const kind of LABEL_KINDS) {
    if (roll() < 0.75) continue;
    question[kind] = some(roll, roll() < 0.9 ? LABELS[kind] : [...LABELS[kind], "nothing such"], 2).map(
      jumble,
    );
  }
  if (roll() < 0.25) question.minPrice = pick(roll, PRICES) / 100;
  if (roll() < 0.25) question.maxPrice = Math.max(question.minPrice ?? 0, pick(roll, PRICES) / 100);
  if (roll() < 0.2) question.onSale = true;
  if (roll() < 0.3) question.inStock = true;
  if (roll() < 0.35) question.q = some(roll, [...WORDS, "run", "cl", "sw", "nø", "high", "gru"], 2).join(" ");
  const sorts = ["newest", "price_asc", "price_desc", "name", "popular"] as const;
  if (roll() < 0.6) question.sort = pick(roll, sorts);
  return question;
}

/** The question as a query string. */
export function toParams(question: Question, extra: Record<string, string> = {}): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(question))
    for (const one of Array.isArray(value) ? value : [value]) params.append(name, String(one));
  for (const [name, value] of Object.entries(extra)) params.append(name, value);
  return params;
}

const plain = (text: string) =>
  text
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase();
const tokens = (text: string): string[] => plain(text).match(/[\p{L}\p{N}]+/gu) ?? [];
const labelsOf = (draft: SavedDraft, kind: LabelKind): string[] =>
  kind === "size"
    ? draft.sizes.map(({ size }) => size).filter((size) => size !== "")
    : [draft[kind] ?? []].flat();

function hasWords(draft: SavedDraft, q: string, scope: "title" | "labels" | "all"): boolean {
  const { title, brand, category, color, description } = draft;
  const text = [
    title,
    scope === "title" ? null : [brand, category, color].join(" "),
    scope === "all" ? description : null,
  ];
  const shoeTokens = tokens(text.join(" "));
  return tokens(q).every((word, index, all) =>
    shoeTokens.some((token) =>
      index === all.length - 1 && word.length > 1 ? token.startsWith(word) : token === word,
    ),
  );
}

function matchesQuestion(draft: SavedDraft, question: Question, without?: LabelKind | "price"): boolean {
  const { minPrice, maxPrice, onSale, inStock, q } = question;
  for (const kind of LABEL_KINDS) {
    const labelNames = question[kind];
    if (!labelNames || kind === without) continue;
    const wantedNames = labelNames.map((name) => name.toLowerCase());
    const stocked =
      kind === "size" && inStock
        ? draft.sizes.filter(({ stock }) => stock > 0).map(({ size }) => size)
        : null;
    if (
      !(stocked ?? labelsOf(draft, kind)).some(
        (name) => name !== "" && wantedNames.includes(name.toLowerCase()),
      )
    )
      return false;
  }
  if (without !== "price" && minPrice !== undefined && draft.priceCents < Math.round(minPrice * 100))
    return false;
  if (without !== "price" && maxPrice !== undefined && draft.priceCents > Math.round(maxPrice * 100))
    return false;
  if (onSale && (draft.listPriceCents ?? 0) <= draft.priceCents) return false;
  if (inStock && draft.sizes.every(({ stock }) => stock === 0)) return false;
  return q === undefined || hasWords(draft, q, "all");
}

const compare = <T>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0);
const folded = (text: string) => Buffer.from(text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()));

/** The ids in the order of the list. */
export function expectedIds(shoes: SavedDraft[], question: Question): string[] {
  const { q } = question;
  const rank = (draft: SavedDraft) =>
    q === undefined ? 0 : Number(hasWords(draft, q, "title")) + Number(hasWords(draft, q, "labels"));
  const newest = (a: SavedDraft, b: SavedDraft) => b.position - a.position;
  // Equal prices are ordered by the upper 26 bits of the id's checksum.
  const tie = ({ shoeId }: SavedDraft) => Bun.hash.crc32(shoeId) >>> 6;
  const orders: Record<NonNullable<Question["sort"]>, (a: SavedDraft, b: SavedDraft) => number> = {
    newest,
    relevance: (a, b) => rank(b) - rank(a) || newest(a, b),
    price_asc: (a, b) => a.priceCents - b.priceCents || tie(a) - tie(b),
    price_desc: (a, b) => b.priceCents - a.priceCents || tie(b) - tie(a),
    name: (a, b) => Buffer.compare(folded(a.title), folded(b.title)) || a.position - b.position,
    popular: (a, b) => b.likes - a.likes || newest(a, b),
  };
  const sort = question.sort ?? (q === undefined ? "newest" : "relevance");
  return shoes
    .filter((draft) => matchesQuestion(draft, question))
    .sort(orders[sort])
    .map(({ shoeId }) => shoeId);
}

/** The facets: for each value the number of shoes that would match if it were the only one chosen. */
export function expectedFacets(shoes: SavedDraft[], question: Question) {
  const values = (kind: LabelKind) => {
    const counts = LABELS[kind].map((value) => ({
      value,
      count: shoes.filter((draft) => matchesQuestion(draft, { ...question, [kind]: [value] })).length,
    }));
    return counts
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count || compare(a.value, b.value));
  };
  const prices = shoes
    .filter((draft) => matchesQuestion(draft, question, "price"))
    .map(({ priceCents }) => priceCents / 100);
  const price = {
    min: prices.length > 0 ? Math.min(...prices) : null,
    max: prices.length > 0 ? Math.max(...prices) : null,
  };
  return { ...Object.fromEntries(LABEL_KINDS.map((kind) => [kind, values(kind)])), price };
}
