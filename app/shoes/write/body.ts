// From a request's fields to a shoe to be saved: each field read by its own rule, refusals by JSON pointer.
import type { Fields } from "../../http/body.ts";
import { refuseFields } from "../../http/fields.ts";
import type { Shop } from "../../http/shop.ts";
import type { View } from "../views.ts";
import { checkDraft, type FieldError, LIMITS, type ShoeDraft, type SizeStock, slugOfDraft } from "./draft.ts";

/** What a body says of a shoe; what it does not say is not there. `isTotal`: the stock came without sizes. */
export type Change = Partial<ShoeDraft> & { isTotal?: boolean };

const NEEDED: Record<View, string[]> = { shoe: ["title", "price"], product: ["name", "price"] };
/** A replacement of a shoe says all of these. */
const NEEDED_ALL = ["shoe_id", "title", "images", "price", "href", "related_products"];
const MADE_ID_LENGTH = 12;
const MONEY = /^(0|[1-9]\d{0,8})(\.\d{1,2})?$/;

type Refuse = (pointer: string, detail: string) => void;

/** Reads a new shoe. Throws a `Problem` that names every broken field. */
export function readNewShoe(fields: Fields, view: View, shop: Shop): ShoeDraft {
  const { errors, refuse } = openRefusals();
  requireAll(fields, NEEDED[view], refuse);
  const change = readChange(fields, view, shop, refuse);
  const { isTotal: _any, ...said } = change;
  const draft: ShoeDraft = { ...BLANK, shoeId: madeId(), ...said };
  refuseFields([...errors, ...brokenRules(draft, view, errors)]);
  return ownAddresses(draft, shop);
}

/** Reads what replaces a shoe. Throws a `Problem` that names what is missing or broken. */
export function readReplacement(fields: Fields, shoeId: string, shop: Shop): Change {
  const { errors, refuse } = openRefusals();
  requireAll(fields, NEEDED_ALL, refuse);
  const change = readChange(fields, "shoe", shop, refuse);
  if (change.shoeId !== undefined && change.shoeId !== shoeId)
    refuse("/shoe_id", "must be the id in the address");
  refuseFields(errors);
  return change;
}

/** Reads a partial change. Throws a `Problem` that names every broken field. */
export function readPartial(fields: Fields, view: View, shop: Shop): Change {
  const { errors, refuse } = openRefusals();
  const { shoeId: _stays, ...change } = readChange(fields, view, shop, refuse);
  refuseFields(errors);
  return change;
}

/** The shoe as it becomes. Throws a `Problem` that names every broken field. */
export function changed(draft: ShoeDraft, change: Change, view: View, shop: Shop): ShoeDraft {
  const { isTotal = false, ...said } = change;
  const next = { ...draft, ...said, shoeId: draft.shoeId };
  const hasSizes = draft.sizes.some(({ size }) => size !== "");
  const lost =
    isTotal && hasSizes ? [{ pointer: "/stock", detail: "must come by sizes, for the shoe has sizes" }] : [];
  refuseFields([...lost, ...brokenRules(next, view, [])]);
  return ownAddresses(next, shop);
}

/** Reads `{sizes:[{size,stock}]}`; a size left out is the unnamed one. */
export function readStock(fields: Fields): SizeStock[] {
  const { errors, refuse } = openRefusals();
  const sizes = fields.sizes === undefined ? undefined : readSizes(fields.sizes, refuse);
  if (fields.sizes === undefined) refuse("/sizes", "is missing");
  if (sizes) checkStock(sizes, refuse);
  refuseFields(errors);
  return sizes ?? [];
}

/** Reads `{size?,delta}`. */
export function readDelta(fields: Fields): { size: string; delta: number } {
  const { errors, refuse } = openRefusals();
  const { size = "", delta } = fields;
  const isCount = Number.isSafeInteger(delta) && Math.abs(Number(delta)) <= LIMITS.stockMax;
  if (!isCount) refuse("/delta", `must be a whole number from -${LIMITS.stockMax} to ${LIMITS.stockMax}`);
  const name = readSize("/size", size, refuse);
  refuseFields(errors);
  return { size: name ?? "", delta: Number(delta) };
}

/** Reads a category. */
export function readCategory(fields: Fields): { name: string; description: string } {
  const { errors, refuse } = openRefusals();
  const name = readText("/name", fields.name, refuse);
  const description =
    fields.description === undefined ? "" : readText("/description", fields.description, refuse);
  if (name !== undefined && name.trim() === "") refuse("/name", "must not be empty");
  refuseBadText("/name", name, LIMITS.labelMax, refuse);
  refuseBadText("/description", description, LIMITS.descriptionMax, refuse);
  refuseFields(errors);
  return { name: name ?? "", description: description ?? "" };
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

function openRefusals() {
  const errors: FieldError[] = [];
  return { errors, refuse: (pointer: string, detail: string) => void errors.push({ pointer, detail }) };
}

function requireAll(fields: Fields, names: string[], refuse: Refuse): void {
  for (const name of names) if (fields[name] === undefined) refuse(`/${name}`, "is missing");
}

/** The rules of a draft that nothing said yet, by the names of the view. */
function brokenRules(draft: ShoeDraft, view: View, told: FieldError[]): FieldError[] {
  const known = new Set(told.map(({ pointer }) => pointer));
  return checkDraft(draft)
    .map(({ pointer, detail }) => ({
      pointer: view === "product" && pointer === "/title" ? "/name" : pointer,
      detail,
    }))
    .filter(({ pointer }) => !known.has(pointer));
}

/** What we show by ourselves is no gift: a drawn picture and the shoe's own address stay ours when they come back. */
function ownAddresses(draft: ShoeDraft, { publicUrl }: Shop): ShoeDraft {
  const drawn = `/images/${draft.shoeId}.svg?v=`;
  const isDrawn = (link: string) => link.startsWith(drawn) || link.startsWith(publicUrl + drawn);
  const own = `/shoes/${slugOfDraft(draft)}`;
  const { href } = draft;
  return {
    ...draft,
    images: draft.images.filter((link) => !isDrawn(link)),
    href: href === own || href === publicUrl + own ? null : href,
  };
}

function readChange(fields: Fields, view: View, { currency }: Shop, refuse: Refuse): Change {
  const title = view === "shoe" ? "title" : "name";
  const given = <T>(
    name: string,
    read: (pointer: string, value: unknown, refuse: Refuse) => T | undefined,
  ) => (fields[name] === undefined ? undefined : read(`/${name}`, fields[name], refuse));
  if (fields.currency !== undefined && fields.currency !== currency)
    refuse("/currency", `must be ${currency}, the shop's one currency`);
  if (fields.stock !== undefined && fields.sizes !== undefined)
    refuse("/stock", "must not be given together with sizes");
  const stock = given("stock", readCount);
  return defined({
    shoeId: given("shoe_id", readText),
    title: given(title, readText),
    description: given("description", readText),
    brand: given("brand", readLabel),
    category: given("category", readLabel),
    color: given("color", readLabel),
    gender: given("gender", readLabel),
    sizeSystem: given("sizeSystem", readLabel),
    priceCents: given("price", readCents),
    listPriceCents: given("listPrice", (pointer, value) =>
      value === null ? null : readCents(pointer, value, refuse),
    ),
    images: readImages(given("images", readLinks), given("gallery", readLinks)),
    href: given("href", (pointer, value) => readLabel(pointer, value, refuse) || null),
    sizes:
      stock === undefined ? given("sizes", (_, value) => readAllSizes(value, refuse)) : [{ size: "", stock }],
    related: given("related_products", readRelated),
    isTotal: stock !== undefined,
  });
}

const defined = (change: { [K in keyof Change]?: Change[K] | undefined }): Change =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));

function readText(pointer: string, value: unknown, refuse: Refuse): string | undefined {
  if (typeof value === "string") return value;
  refuse(pointer, "must be a text");
  return undefined;
}

const readLabel = (pointer: string, value: unknown, refuse: Refuse): string | null | undefined =>
  value === null ? null : readText(pointer, value, refuse);

function refuseBadText(pointer: string, text: string | undefined, lengthMax: number, refuse: Refuse): void {
  if (text === undefined) return;
  if (text.length > lengthMax) refuse(pointer, `must have at most ${lengthMax} characters`);
  if (text.includes("\u0000")) refuse(pointer, "must not contain NUL");
  if (!text.isWellFormed()) refuse(pointer, "must be well-formed Unicode");
}

function readCents(pointer: string, value: unknown, refuse: Refuse): number | undefined {
  // As it is written: 0.1 + 0.2 has more decimals than it seems.
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text === "string" && MONEY.test(text)) return Math.round(Number(text) * 100);
  refuse(pointer, "must be an amount above 0 and at most 1000000, with at most two decimals");
  return undefined;
}

function readCount(pointer: string, value: unknown, refuse: Refuse): number | undefined {
  if (Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= LIMITS.stockMax)
    return Number(value);
  refuse(pointer, `must be a whole number from 0 to ${LIMITS.stockMax}`);
  return undefined;
}

function readLinks(pointer: string, value: unknown, refuse: Refuse): string[] | undefined {
  if (typeof value === "string") return value === "" ? [] : [value];
  const isList = Array.isArray(value) && value.every((link) => typeof link === "string");
  if (isList && value.length <= LIMITS.imagesMax) return [...new Set(value)];
  refuse(pointer, `must be a URL or a list of at most ${LIMITS.imagesMax} URLs`);
  return undefined;
}

/** The cover first, then the rest of the gallery. */
const readImages = (cover: string[] | undefined, gallery: string[] | undefined): string[] | undefined =>
  cover && gallery ? [...new Set([...cover, ...gallery])] : (cover ?? gallery);

function readSizes(value: unknown, refuse: Refuse): SizeStock[] | undefined {
  if (!Array.isArray(value) || value.length > LIMITS.sizesMax) {
    refuse("/sizes", `must be a list of at most ${LIMITS.sizesMax} sizes`);
    return undefined;
  }
  return value.map((each: unknown, at) => {
    const pointer = `/sizes/${at}`;
    if (typeof each !== "object" || each === null) {
      refuse(pointer, "must be an object with size and stock");
      return { size: "", stock: 0 };
    }
    const { size = "", stock } = each as Fields;
    return {
      size: readSize(`${pointer}/size`, size, refuse) ?? "",
      stock: readCount(`${pointer}/stock`, stock, refuse) ?? 0,
    };
  });
}

/** All sizes of a shoe: none is the one unnamed size, sold out. */
const readAllSizes = (value: unknown, refuse: Refuse): SizeStock[] | undefined => {
  const sizes = readSizes(value, refuse);
  return sizes?.length === 0 ? [{ size: "", stock: 0 }] : sizes;
};

function readSize(pointer: string, value: unknown, refuse: Refuse): string | undefined {
  if (typeof value === "number") return String(value);
  const size = readText(pointer, value, refuse);
  refuseBadText(pointer, size, LIMITS.sizeMax, refuse);
  return size;
}

function checkStock(sizes: SizeStock[], refuse: Refuse): void {
  if (sizes.length === 0) refuse("/sizes", "must have at least one entry");
  const seen = new Set<string>();
  sizes.forEach(({ size }, at) => {
    if (seen.has(size.toLowerCase())) refuse(`/sizes/${at}/size`, "must not be given twice");
    seen.add(size.toLowerCase());
  });
}

/** Null: computed. */
function readRelated(pointer: string, value: unknown, refuse: Refuse): string[] | null | undefined {
  if (value === null) return null;
  const isList = Array.isArray(value) && value.every((id) => typeof id === "string");
  if (isList && value.length <= LIMITS.relatedMax) return [...new Set(value)];
  refuse(pointer, `must be a list of at most ${LIMITS.relatedMax} ids`);
  return undefined;
}

const madeId = (): string =>
  [...crypto.getRandomValues(new Uint8Array(MADE_ID_LENGTH))]
    .map((byte) => (byte % 36).toString(36))
    .join("");
