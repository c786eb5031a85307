// Drafts of shoes: the rules that every saved shoe obeys, and the request bodies that are read as drafts.
import { slugOf } from "../../../db/words.ts";
import type { Fields } from "../../http/body.ts";
import { id, isId, link, links, money, NON_BLANK, PROSE, text, whole } from "../../http/field-kinds.ts";
import {
  allOptional,
  type Body,
  body,
  type Field,
  type FieldError,
  into,
  list,
  nullable,
  object,
  type ReadOf,
  refuseFields,
  withDefault,
} from "../../http/fields.ts";
import type { Shop } from "../../http/shop.ts";
import type { View } from "../views.ts";

/** One size of a shoe and the pairs in stock; a shoe without sizes has the single size `""`. */
export type SizeStock = { size: string; stock: number };

/** A shoe to save. Money is in minor units of the shop's currency; `null` means that a value is unknown. */
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
  /** http(s) URLs or site paths, the cover first; empty: answers show the drawn picture. */
  images: string[];
  /** `null`: `/shoes/<slug>`. */
  href: string | null;
  sizeSystem: string | null;
  sizes: SizeStock[];
  /** Ids in order, also of shoes that do not exist yet; `null`: the shop computes the list. */
  related: string[] | null;
};

/** The fields of a shoe that a body contains. `isTotal`: the body had a total `stock` instead of sizes. */
export type Change = Partial<ShoeDraft> & { isTotal?: boolean };

/** The bounds of every field; lengths in UTF-16 units, money in minor units. */
export const LIMITS = {
  titleMax: 300,
  descriptionMax: 20_000,
  labelMax: 100,
  imagesMax: 50,
  sizesMax: 200,
  sizeMax: 20,
  stockMax: 1_000_000,
  relatedMax: 100,
  priceCentsMax: 100_000_000,
} as const;

const NEW_ID_LENGTH = 12;

const label = (description: string) =>
  nullable(text({ min: 1, max: LIMITS.labelMax, form: NON_BLANK, description }));
const price = (description: string) => money({ max: LIMITS.priceCentsMax, description });
const stock = (description?: string) => whole({ min: 0, max: LIMITS.stockMax, description });

/** The name of a size; by default that of the one unnamed size. */
export const sizeName = withDefault(
  text({
    max: LIMITS.sizeMax,
    form: PROSE,
    takesNumbers: true,
    description: "without it: the one unnamed size",
  }),
  "",
);

/** A list of at least `min` sizes with their stock. */
export const sizeStocks = (min: number): Field<SizeStock[]> =>
  list(object({ size: sizeName, stock: stock() }), {
    min,
    max: LIMITS.sizesMax,
    of: "sizes",
    together: checkSizes,
    description: "each size once",
  });

// In the order in which an import names the first wrong field.
const SHOE = {
  shoe_id: into("shoeId", id("without it: the shop generates one")),
  title: text({ min: 1, max: LIMITS.titleMax, form: NON_BLANK }),
  description: text({ max: LIMITS.descriptionMax, form: PROSE, description: "text, never markup" }),
  brand: label("the maker"),
  category: label("added when it does not exist yet"),
  color: label("one or several"),
  gender: label("of the wearer"),
  sizeSystem: label("US, EU, UK..."),
  price: into("priceCents", price("in major units, at most two decimals")),
  listPrice: into("listPriceCents", nullable(price("the price before the sale"))),
  images: links({
    max: LIMITS.imagesMax,
    description:
      "the cover first; one URL may be a string instead of a list; without images: a drawn picture",
  }),
  href: nullable(
    link("an http(s) URL without a user name, or a path on this site; null or empty: the shoe's own page"),
    "",
  ),
  sizes: sizeStocks(0),
  related_products: into(
    "related",
    nullable(
      list(id(), {
        max: LIMITS.relatedMax,
        of: "ids",
        isSet: true,
        description: "ids in order, also of shoes that do not exist yet; null: the shop computes the list",
      }),
    ),
  ),
};
const DRAFT: Field<ShoeDraft> = object(SHOE);

const OPTIONAL = allOptional({
  ...SHOE,
  gallery: links({ max: LIMITS.imagesMax, description: "further images, after those of images" }),
  stock: stock("of a shoe without sizes; not allowed together with sizes"),
  currency: text({
    form: { pattern: /^[A-Z]{3}$/, rule: "must be the shop's currency" },
    description: "the shop's own",
  }),
});
type Sent = ReadOf<typeof OPTIONAL>;

const { title: _title, ...OPTIONAL_OF_PRODUCT } = OPTIONAL;
const PRODUCT = { name: into("title", SHOE.title), ...OPTIONAL_OF_PRODUCT, price: SHOE.price };

/** The bodies of the catalogue's writes. */
export const NewShoe = body({ ...OPTIONAL, title: SHOE.title, price: SHOE.price });
export const ShoeReplacement = body({
  ...OPTIONAL,
  shoe_id: into("shoeId", id("the id in the address")),
  title: SHOE.title,
  images: SHOE.images,
  price: SHOE.price,
  href: SHOE.href,
  related_products: SHOE.related_products,
});
export const NewProduct = body(PRODUCT);
export const ProductChange = body(
  allOptional({ ...PRODUCT, shoe_id: into("shoeId", text({ description: "ignored" })) }),
);
const NEW: Record<View, Body<Sent & Pick<ShoeDraft, "title" | "priceCents">>> = {
  shoe: NewShoe,
  product: NewProduct,
};

/** True for a text that may be the id of a shoe. */
export const isShoeId = (text: string): boolean => isId(text);

/** The errors of a draft; a draft without errors may be saved. */
export function checkDraft(draft: ShoeDraft): FieldError[] {
  const errors: FieldError[] = [];
  DRAFT.check(draft, "", errors);
  if (draft.sizes.length === 0) errors.push({ pointer: "/sizes", detail: "must have at least one size" });
  checkItself(draft, errors);
  return errors;
}

/** Reads a new shoe. Throws a `Problem` that names every missing or invalid field. */
export function readNewShoe(fields: Fields, view: View, shop: Shop): ShoeDraft {
  const sent = NEW[view].read(fields, (read, errors) => {
    checkTogether(read, shop, errors);
    checkItself(read, errors);
  });
  const { isTotal: _any, ...facts } = toChange(sent);
  return ownAddresses({ ...BLANK, shoeId: newId(), ...facts }, shop);
}

/** Reads the replacement of a shoe. Throws a `Problem` that names every missing or invalid field. */
export function readReplacement(fields: Fields, shoeId: string, shop: Shop): Change {
  const sent = ShoeReplacement.read(fields, (read, errors) => {
    checkTogether(read, shop, errors);
    if (read.shoeId !== undefined && read.shoeId !== shoeId)
      errors.push({ pointer: "/shoe_id", detail: "must be the id in the address" });
  });
  return toChange(sent);
}

/** Reads a partial change of a product. Throws a `Problem` that names every invalid field. */
export function readPartial(fields: Fields, shop: Shop): Change {
  const { shoeId: _stays, ...sent } = ProductChange.read(fields, (read, errors) =>
    checkTogether(read, shop, errors),
  );
  return toChange(sent);
}

/** The draft with the change applied. Throws a `Problem` that names every field that conflicts with the shoe. */
export function changed(draft: ShoeDraft, change: Change, shop: Shop): ShoeDraft {
  const { isTotal = false, ...facts } = change;
  const next = { ...draft, ...facts, shoeId: draft.shoeId };
  const errors: FieldError[] = [];
  if (isTotal && draft.sizes.some((each) => each.size !== ""))
    errors.push({ pointer: "/stock", detail: "must be set by size, because the shoe has sizes" });
  checkItself(next, errors);
  refuseFields(errors);
  return ownAddresses(next, shop);
}

const BLANK: Omit<ShoeDraft, "shoeId"> = {
  title: "",
  description: "",
  brand: null,
  category: null,
  color: null,
  gender: null,
  priceCents: 1,
  listPriceCents: null,
  images: [],
  href: null,
  sizeSystem: null,
  sizes: [{ size: "", stock: 0 }],
  related: null,
};

/** The change in a body; an empty list of sizes means the one unnamed size without stock. */
function toChange({ stock: total, sizes: named, currency: _same, ...sent }: Sent): Change {
  const { gallery: _rest, ...facts } = sent;
  const images = imagesOf(sent);
  const sizes = total === undefined ? named : [{ size: "", stock: total }];
  return {
    ...facts,
    ...(images && { images }),
    ...(sizes && { sizes: sizes.length > 0 ? sizes : BLANK.sizes }),
    isTotal: total !== undefined,
  };
}

/** All images of a body: the cover first, then the gallery. */
const imagesOf = ({ images, gallery }: Sent): string[] | undefined =>
  images && gallery ? [...new Set([...images, ...gallery])] : (images ?? gallery);

function checkTogether(sent: Sent, { currency }: Shop, errors: FieldError[]): void {
  if (sent.currency !== undefined && sent.currency !== currency)
    errors.push({ pointer: "/currency", detail: `must be ${currency}, the shop's one currency` });
  if (sent.stock !== undefined && sent.sizes !== undefined)
    errors.push({ pointer: "/stock", detail: "must not be given together with sizes" });
  if ((imagesOf(sent)?.length ?? 0) > LIMITS.imagesMax)
    errors.push({ pointer: "/images", detail: `must be at most ${LIMITS.imagesMax} together with gallery` });
}

function checkItself({ related, shoeId }: Partial<ShoeDraft>, errors: FieldError[]): void {
  related?.forEach((each, index) => {
    if (each === shoeId)
      errors.push({ pointer: `/related_products/${index}`, detail: "must not be the shoe itself" });
  });
}

/** Size names are unique; only a single size may have an empty name. */
function checkSizes(sizes: SizeStock[], pointer: string, errors: FieldError[]): void {
  const seen = new Set<string>();
  sizes.forEach((each, index) => {
    const name = each.size.toLowerCase();
    const detail = seen.has(name)
      ? "must not be given twice"
      : name === "" && sizes.length > 1
        ? "must not be empty beside other sizes"
        : null;
    if (detail !== null) errors.push({ pointer: `${pointer}/${index}/size`, detail });
    seen.add(name);
  });
}

/** Removes the drawn picture's URL and the shop's own `href`, which clients send back with a whole shoe. */
function ownAddresses(draft: ShoeDraft, { publicUrl }: Shop): ShoeDraft {
  const drawn = `/images/${draft.shoeId}.svg?v=`;
  const isDrawn = (address: string) => address.startsWith(drawn) || address.startsWith(publicUrl + drawn);
  const own = `/shoes/${slugOfDraft(draft)}`;
  const { href } = draft;
  return {
    ...draft,
    images: draft.images.filter((address) => !isDrawn(address)),
    href: href === own || href === publicUrl + own ? null : href,
  };
}

/** The slug of a shoe: its title and, to be unique, its id. */
export const slugOfDraft = ({ title, shoeId }: Pick<ShoeDraft, "title" | "shoeId">): string =>
  `${slugOf(title)}_${shoeId}`;

const newId = (): string =>
  [...crypto.getRandomValues(new Uint8Array(NEW_ID_LENGTH))].map((byte) => (byte % 36).toString(36)).join("");
