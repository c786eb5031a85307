// What a shoe must be before it is saved: one shape for the importer, the demo and the API, and its rules.
import { slugOf } from "../../../db/words.ts";

/** One size of a shoe and how many pairs are left; a shoe without sizes has the single size `""`. */
export type SizeStock = { size: string; stock: number };

/** A shoe to be saved. Money is in minor units of the shop's currency; `null` means "not given". */
export type ShoeDraft = {
  shoeId: string;
  title: string;
  description: string;
  brand: string | null;
  category: string | null;
  color: string | null;
  gender: string | null;
  priceCents: number;
  listPriceCents: number | null;
  /** http(s) URLs or site paths, the cover first; empty: the drawn picture is shown. */
  images: string[];
  /** `null`: `/shoes/<slug>`. */
  href: string | null;
  sizeSystem: string | null;
  sizes: SizeStock[];
  /** Ids in order, also of shoes that do not exist yet; `null`: computed. */
  related: string[] | null;
};

/** One broken rule: the field as a JSON pointer and what is wrong with it. */
export type FieldError = { pointer: string; detail: string };

/** The bounds of every field; lengths in UTF-16 units, money in minor units. */
export const LIMITS = {
  titleMax: 300,
  descriptionMax: 20_000,
  labelMax: 100,
  urlMax: 2_048,
  imagesMax: 50,
  sizesMax: 200,
  sizeMax: 20,
  stockMax: 1_000_000,
  relatedMax: 100,
  priceCentsMax: 100_000_000,
} as const;

const SHOE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const LABELS = ["brand", "category", "color", "gender", "sizeSystem"] as const;

/** The address of a shoe beside its id: its title and, so that it is its own, its id. */
export const slugOfDraft = ({ title, shoeId }: Pick<ShoeDraft, "title" | "shoeId">): string =>
  `${slugOf(title)}_${shoeId}`;

export const isShoeId = (id: string): boolean => SHOE_ID.test(id);

/** True for an http(s) URL or a path on this site (`/x`, never `//host`), free of spaces and control characters. */
export function isLink(text: string): boolean {
  if (text.length === 0 || text.length > LIMITS.urlMax) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u0020\u007f\\]/.test(text)) return false;
  if (text.startsWith("/")) return !text.startsWith("//");
  return /^https?:\/\/[^/?#]/i.test(text) && URL.canParse(text);
}

/** Checks every rule and returns what is broken; an empty list means the draft may be saved. */
export function checkDraft(draft: ShoeDraft): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (pointer: string, detail: string) => errors.push({ pointer, detail });

  if (!isShoeId(draft.shoeId))
    refuse("/shoe_id", "must be 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit");
  if (draft.title.trim().length === 0) refuse("/title", "must not be empty");
  checkText("/title", draft.title, LIMITS.titleMax, refuse);
  checkText("/description", draft.description, LIMITS.descriptionMax, refuse);
  for (const label of LABELS) {
    const text = draft[label];
    if (text === null) continue;
    if (text.trim().length === 0) refuse(`/${label}`, "must not be empty");
    checkText(`/${label}`, text, LIMITS.labelMax, refuse);
  }
  checkPrice("/price", draft.priceCents, refuse);
  if (draft.listPriceCents !== null) checkPrice("/listPrice", draft.listPriceCents, refuse);
  checkLinks(draft, refuse);
  checkSizes(draft.sizes, refuse);
  checkRelated(draft, refuse);
  return errors;
}

type Refuse = (pointer: string, detail: string) => void;

function checkText(pointer: string, text: string, lengthMax: number, refuse: Refuse): void {
  if (text.length > lengthMax) refuse(pointer, `must have at most ${lengthMax} characters`);
  if (text.includes("\u0000")) refuse(pointer, "must not contain NUL");
  if (!text.isWellFormed()) refuse(pointer, "must be well-formed Unicode");
}

function checkPrice(pointer: string, cents: number, refuse: Refuse): void {
  if (!Number.isSafeInteger(cents) || cents <= 0 || cents > LIMITS.priceCentsMax)
    refuse(pointer, "must be above 0 and at most 1000000");
}

function checkLinks(draft: ShoeDraft, refuse: Refuse): void {
  if (draft.images.length > LIMITS.imagesMax)
    refuse("/images", `must have at most ${LIMITS.imagesMax} entries`);
  draft.images.forEach((link, at) => {
    if (!isLink(link)) refuse(`/images/${at}`, "must be an http(s) URL or a path on this site");
  });
  if (draft.href !== null && !isLink(draft.href))
    refuse("/href", "must be an http(s) URL or a path on this site");
}

function checkSizes(sizes: SizeStock[], refuse: Refuse): void {
  if (sizes.length === 0) refuse("/sizes", "must have at least one entry");
  if (sizes.length > LIMITS.sizesMax) refuse("/sizes", `must have at most ${LIMITS.sizesMax} entries`);
  const seen = new Set<string>();
  sizes.forEach(({ size, stock }, at) => {
    checkText(`/sizes/${at}/size`, size, LIMITS.sizeMax, refuse);
    if (size === "" && sizes.length > 1) refuse(`/sizes/${at}/size`, "must not be empty beside other sizes");
    if (seen.has(size.toLowerCase())) refuse(`/sizes/${at}/size`, "must not be given twice");
    seen.add(size.toLowerCase());
    if (!Number.isSafeInteger(stock) || stock < 0 || stock > LIMITS.stockMax)
      refuse(`/sizes/${at}/stock`, `must be a whole number from 0 to ${LIMITS.stockMax}`);
  });
}

function checkRelated({ related, shoeId }: ShoeDraft, refuse: Refuse): void {
  if (related === null) return;
  if (related.length > LIMITS.relatedMax)
    refuse("/related_products", `must have at most ${LIMITS.relatedMax} entries`);
  related.forEach((id, at) => {
    if (!isShoeId(id)) refuse(`/related_products/${at}`, "must be the id of a shoe");
    else if (id === shoeId) refuse(`/related_products/${at}`, "must not be the shoe itself");
  });
}
