// What a shoe must be before it is saved, for the importer, the demo and the API, and how the API's bodies are read to it.
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

/** The fields of a shoe that a body has. `isTotal`: the stock came without sizes. */
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

const MADE_ID_LENGTH = 12;

const label = (description: string) =>
  nullable(text({ min: 1, max: LIMITS.labelMax, form: NON_BLANK, description }));
const price = (description: string) => money({ max: LIMITS.priceCentsMax, description });
const stock = (description?: string) => whole({ min: 0, max: LIMITS.stockMax, description });

/** The name of a size; left out: the one unnamed size. */
export const sizeName = withDefault(
  text({
    max: LIMITS.sizeMax,
    form: PROSE,
    takesNumbers: true,
    description: "left out: the one unnamed size",
  }),
  "",
);

/** Sizes with their stock, `min` at least. */
export const sizeStocks = (min: number): Field<SizeStock[]> =>
  list(object({ size: sizeName, stock: stock() }), {
    min,
    max: LIMITS.sizesMax,
    of: "sizes",
    together: checkSizes,
    description: "each size once",
  });

// In the order in which an import names the first field that is wrong.
const SHOE = {
  shoe_id: into("shoeId", id("left out: one is made")),
  title: text({ min: 1, max: LIMITS.titleMax, form: NON_BLANK }),
  description: text({ max: LIMITS.descriptionMax, form: PROSE, description: "text, never markup" }),
  brand: label("the maker"),
  category: label("made when it is not there yet"),
  color: label("one or several"),
  gender: label("for whom it is made"),
  sizeSystem: label("US, EU, UK..."),
  price: into("priceCents", price("in major units, at most two decimals")),
  listPrice: into("listPriceCents", nullable(price("the price before the sale"))),
  images: links({
    max: LIMITS.imagesMax,
    description: "the cover first; a single one may stand without the list; none: a drawn picture",
  }),
  href: nullable(link("an http(s) URL, or a path on this site; null or empty: the shoe's own page"), ""),
  sizes: sizeStocks(0),
  related_products: into(
    "related",
    nullable(
      list(id(), {
        max: LIMITS.relatedMax,
        of: "ids",
        isSet: true,
        description: "ids in order, also of shoes that do not exist yet; null: computed",
      }),
    ),
  ),
};
const DRAFT: Field<ShoeDraft> = object(SHOE);

const GIVEN = allOptional({
  ...SHOE,
  gallery: links({ max: LIMITS.imagesMax, description: "images that follow those of images" }),
  stock: stock("of a shoe without sizes; not together with sizes"),
  currency: text({
    form: { pattern: /^[A-Z]{3}$/, rule: "must be the shop's currency" },
    description: "the shop's own, no other",
  }),
});
type Given = ReadOf<typeof GIVEN>;

const { title: _title, ...GIVEN_OF_PRODUCT } = GIVEN;
const PRODUCT = { name: into("title", SHOE.title), ...GIVEN_OF_PRODUCT, price: SHOE.price };

/** The bodies of the catalogue's writes. */
export const NewShoe = body({ ...GIVEN, title: SHOE.title, price: SHOE.price });
export const ShoeReplacement = body({
  ...GIVEN,
  shoe_id: into("shoeId", id("the id in the address")),
  title: SHOE.title,
  images: SHOE.images,
  price: SHOE.price,
  href: SHOE.href,
  related_products: SHOE.related_products,
});
export const NewProduct = body(PRODUCT);
export const ProductChange = body(
  allOptional({ ...PRODUCT, shoe_id: into("shoeId", text({ description: "not changed" })) }),
);
const NEW: Record<View, Body<Given & Pick<ShoeDraft, "title" | "priceCents">>> = {
  shoe: NewShoe,
  product: NewProduct,
};

/** True for a text that may be the id of a shoe. */
export const isShoeId = (text: string): boolean => isId(text);

/** Checks every rule; without errors the draft may be saved. */
export function checkDraft(draft: ShoeDraft): FieldError[] {
  const errors: FieldError[] = [];
  DRAFT.check(draft, "", errors);
  if (draft.sizes.length === 0) errors.push({ pointer: "/sizes", detail: "must have at least one size" });
  checkItself(draft, errors);
  return errors;
}

/** Reads a new shoe. Throws a `Problem` that names every broken field. */
export function readNewShoe(fields: Fields, view: View, shop: Shop): ShoeDraft {
  const given = NEW[view].read(fields, (read, errors) => {
    checkTogether(read, shop, errors);
    checkItself(read, errors);
  });
  const { isTotal: _any, ...facts } = toChange(given);
  return ownAddresses({ ...BLANK, shoeId: madeId(), ...facts }, shop);
}

/** Reads the replacement of a shoe. Throws a `Problem` that names every missing or broken field. */
export function readReplacement(fields: Fields, shoeId: string, shop: Shop): Change {
  const given = ShoeReplacement.read(fields, (read, errors) => {
    checkTogether(read, shop, errors);
    if (read.shoeId !== undefined && read.shoeId !== shoeId)
      errors.push({ pointer: "/shoe_id", detail: "must be the id in the address" });
  });
  return toChange(given);
}

/** Reads a partial change of a product. Throws a `Problem` that names every broken field. */
export function readPartial(fields: Fields, shop: Shop): Change {
  const { shoeId: _stays, ...given } = ProductChange.read(fields, (read, errors) =>
    checkTogether(read, shop, errors),
  );
  return toChange(given);
}

/** The shoe with the change applied. Throws a `Problem` that names every field that does not fit the shoe. */
export function changed(draft: ShoeDraft, change: Change, shop: Shop): ShoeDraft {
  const { isTotal = false, ...facts } = change;
  const next = { ...draft, ...facts, shoeId: draft.shoeId };
  const errors: FieldError[] = [];
  if (isTotal && draft.sizes.some((each) => each.size !== ""))
    errors.push({ pointer: "/stock", detail: "must come by sizes, for the shoe has sizes" });
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

/** An empty list of sizes is the one unnamed size, sold out. */
function toChange({ stock: total, sizes: named, currency: _same, ...given }: Given): Change {
  const { gallery: _rest, ...facts } = given;
  const images = imagesOf(given);
  const sizes = total === undefined ? named : [{ size: "", stock: total }];
  return {
    ...facts,
    ...(images && { images }),
    ...(sizes && { sizes: sizes.length > 0 ? sizes : BLANK.sizes }),
    isTotal: total !== undefined,
  };
}

/** The cover comes first, then the rest of the gallery. */
const imagesOf = ({ images, gallery }: Given): string[] | undefined =>
  images && gallery ? [...new Set([...images, ...gallery])] : (images ?? gallery);

function checkTogether(given: Given, { currency }: Shop, errors: FieldError[]): void {
  if (given.currency !== undefined && given.currency !== currency)
    errors.push({ pointer: "/currency", detail: `must be ${currency}, the shop's one currency` });
  if (given.stock !== undefined && given.sizes !== undefined)
    errors.push({ pointer: "/stock", detail: "must not be given together with sizes" });
  if ((imagesOf(given)?.length ?? 0) > LIMITS.imagesMax)
    errors.push({ pointer: "/images", detail: `must be at most ${LIMITS.imagesMax} with those of gallery` });
}

function checkItself({ related, shoeId }: Partial<ShoeDraft>, errors: FieldError[]): void {
  related?.forEach((each, index) => {
    if (each === shoeId)
      errors.push({ pointer: `/related_products/${index}`, detail: "must not be the shoe itself" });
  });
}

/** Each size has a name of its own; only a single one may have none. */
function checkSizes(given: SizeStock[], pointer: string, errors: FieldError[]): void {
  const seen = new Set<string>();
  given.forEach((each, index) => {
    const name = each.size.toLowerCase();
    const detail = seen.has(name)
      ? "must not be given twice"
      : name === "" && given.length > 1
        ? "must not be empty beside other sizes"
        : null;
    if (detail !== null) errors.push({ pointer: `${pointer}/${index}/size`, detail });
    seen.add(name);
  });
}

/** The picture that the shop draws and the address that it gives are not stored when a client sends them back. */
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

/** The address of a shoe beside its id: its title and, so that it is its own, its id. */
export const slugOfDraft = ({ title, shoeId }: Pick<ShoeDraft, "title" | "shoeId">): string =>
  `${slugOf(title)}_${shoeId}`;

const madeId = (): string =>
  [...crypto.getRandomValues(new Uint8Array(MADE_ID_LENGTH))]
    .map((byte) => (byte % 36).toString(36))
    .join("");
