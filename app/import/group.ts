// Merges the rows of one shoe into one draft: the first row wins, sizes and colours are united.
import { checkDraft, LIMITS, type ShoeDraft } from "../shoes/shoes.ts";
import type { ConvertedRow, Refusal } from "./row.ts";
import { uniteSizes } from "./sizes.ts";

/** The result for the rows of one shoe; `draft` is null where every row was refused. */
type GroupResult<Row> = {
  draft: ShoeDraft | null;
  /** Rows that added a size, stock or colour to the shoe. */
  variants: number;
  /** Rows that repeat an earlier one, or differ from the first without being a variant. */
  duplicates: number;
  /** Duplicates that differ from the first row. */
  superseded: number;
  refused: { row: Row; refusal: Refusal }[];
};

/** Distinct rows of one shoe that are held for comparison; repetitions of later ones are not recognised. */
const FINGERPRINTS_MAX = 10_000;
const COLOR_SEPARATOR = " / ";

/** Merges the rows of one shoe in their order; `convert` gets the draft of the first valid row as a base for later ones. */
export function createGroup<Row>(convert: (row: Row, base: ShoeDraft | null) => ConvertedRow): {
  add: (row: Row) => void;
  result: () => GroupResult<Row>;
} {
  const grouped: GroupResult<Row> = { draft: null, variants: 0, duplicates: 0, superseded: 0, refused: [] };
  const seen = new Set<string>();
  let first: ShoeDraft | null = null;

  function add(row: Row): void {
    const converted = convert(row, first);
    if ("refusal" in converted) {
      grouped.refused.push({ row, refusal: converted.refusal });
      return;
    }
    const next = converted.draft;
    const fingerprint = JSON.stringify(next);
    if (first === null || grouped.draft === null) {
      first = next;
      grouped.draft = { ...next };
      seen.add(fingerprint);
      return;
    }
    if (seen.has(fingerprint)) {
      grouped.duplicates += 1;
      return;
    }
    if (seen.size < FINGERPRINTS_MAX) seen.add(fingerprint);
    if (isVariant(first, next)) {
      const united = withVariant(grouped.draft, next);
      const [wrong] = checkDraft(united);
      if (wrong !== undefined) {
        grouped.refused.push({
          row,
          refusal: { field: wrong.pointer, reason: `merged with the shoe's other rows, ${wrong.detail}` },
        });
        return;
      }
      grouped.variants += 1;
      grouped.draft = united;
    } else {
      grouped.duplicates += 1;
      grouped.superseded += 1;
    }
    grouped.draft = filledFrom(grouped.draft, next);
  }

  return { add, result: () => grouped };
}

/** Whether two rows of one shoe agree wherever both have a value, and differ in size, stock or colour. */
function isVariant(first: ShoeDraft, next: ShoeDraft): boolean {
  const agrees =
    first.title === next.title &&
    first.priceCents === next.priceCents &&
    first.listPriceCents === next.listPriceCents &&
    isSameOrLacking(first.description || null, next.description || null) &&
    isSameOrLacking(first.brand, next.brand) &&
    isSameOrLacking(first.category, next.category) &&
    isSameOrLacking(first.gender, next.gender) &&
    isSameOrLacking(first.sizeSystem, next.sizeSystem) &&
    isSameOrLacking(first.related?.join() ?? null, next.related?.join() ?? null);
  const isOther =
    !isSameOrLacking(first.color, next.color) || JSON.stringify(first.sizes) !== JSON.stringify(next.sizes);
  return agrees && isOther;
}

function isSameOrLacking(first: string | null, next: string | null): boolean {
  return first === next || first === null || next === null;
}

/** The shoe with the variant's sizes and colours added, and its images appended. */
function withVariant(shoe: ShoeDraft, next: ShoeDraft): ShoeDraft {
  const colors = [
    ...(shoe.color?.split(COLOR_SEPARATOR) ?? []),
    ...(next.color === null ? [] : [next.color]),
  ];
  return {
    ...shoe,
    color: [...new Set(colors)].join(COLOR_SEPARATOR) || null,
    images: [...new Set([...shoe.images, ...next.images])].slice(0, LIMITS.imagesMax),
    sizes: uniteSizes([...shoe.sizes, ...next.sizes]),
  };
}

/** The shoe with missing fields filled from a later row; price and list price belong together and stay. */
function filledFrom(shoe: ShoeDraft, next: ShoeDraft): ShoeDraft {
  return {
    ...shoe,
    description: shoe.description || next.description,
    brand: shoe.brand ?? next.brand,
    category: shoe.category ?? next.category,
    color: shoe.color ?? next.color,
    gender: shoe.gender ?? next.gender,
    images: shoe.images.length > 0 ? shoe.images : next.images,
    href: shoe.href ?? next.href,
    sizeSystem: shoe.sizeSystem ?? next.sizeSystem,
    related: shoe.related ?? next.related,
  };
}
