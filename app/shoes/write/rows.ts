// From drafts to the rows of a save: a shoe's columns in order, its labels, and the hash that says whether it changed.
import { type LabelKind, labelKey, slugOf } from "../../../db/words.ts";
import type { ShoeDraft } from "./draft.ts";

/** Leaves 26 bits of the id's hash. */
const TIE_SHIFT = 6;

/** The address of a shoe beside its id: its title and, so that it is its own, its id. */
export const slugOfDraft = ({ title, shoeId }: Pick<ShoeDraft, "title" | "shoeId">): string =>
  `${slugOf(title)}_${shoeId}`;

export function toRow(draft: ShoeDraft) {
  const label = (kind: LabelKind, name: string | null) => (name === null ? null : labelKey(kind, name));
  return [
    draft.shoeId,
    slugOfDraft(draft),
    Bun.hash.crc32(draft.shoeId) >>> TIE_SHIFT,
    draft.priceCents,
    draft.listPriceCents,
    draft.sizes.reduce((sum, { stock }) => sum + stock, 0),
    label("category", draft.category),
    label("brand", draft.brand),
    label("color", draft.color),
    label("gender", draft.gender),
    sizeRun(draft),
    draft.title,
    draft.images,
    draft.href,
    draft.sizeSystem,
    hashOf(draft),
    draft.description,
  ];
}

/** The key of a shoe's size run; `null` without sizes. */
function sizeRun({ sizes }: ShoeDraft): string | null {
  const keys = sizes.flatMap(({ size }) => (size === "" ? [] : [labelKey("size", size)]));
  return keys.length === 0 ? null : JSON.stringify(keys);
}

/** Equal drafts have equal hashes: what a save compares with what stands there. */
export const hashOf = (draft: ShoeDraft): string => Bun.hash.xxHash64(JSON.stringify(draft)).toString(36);

/** The draft with its sizes in order; most come so. */
export function withSortedSizes(draft: ShoeDraft): ShoeDraft {
  const { sizes } = draft;
  const isSorted = sizes.every((size, at) => at === 0 || bySize(sizes[at - 1] ?? size, size) <= 0);
  return isSorted ? draft : { ...draft, sizes: sizes.toSorted(bySize) };
}

/** Numbers by value and before words. */
function bySize(a: { size: string }, b: { size: string }): number {
  const [x, y] = [Number.parseFloat(a.size), Number.parseFloat(b.size)];
  if (Number.isNaN(x) || Number.isNaN(y))
    return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || compare(a.size, b.size);
  return x - y || compare(a.size, b.size);
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

export function labelsOf(drafts: ShoeDraft[]): [string, string, string][] {
  const labels = new Map<string, [string, string, string]>();
  const add = (kind: LabelKind, name: string | null) => {
    if (name === null || name === "") return;
    const key = labelKey(kind, name);
    if (!labels.has(`${kind} ${key}`)) labels.set(`${kind} ${key}`, [kind, key, name]);
  };
  for (const draft of drafts) {
    add("category", draft.category);
    add("brand", draft.brand);
    add("color", draft.color);
    add("gender", draft.gender);
    for (const { size } of draft.sizes) add("size", size);
    const run = sizeRun(draft);
    if (run !== null) labels.set(run, ["size_run", run, run]);
  }
  return [...labels.values()];
}
