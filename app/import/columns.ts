// Knows which column of a file holds which field of a shoe, by the common names or by a mapping.

/** A field of a shoe as an import knows it. */
export type Field = (typeof FIELDS)[number];

/** What `--map` gives: field to column names; an empty list: no column, whatever is recognised. */
export type Mapping = Partial<Record<Field, readonly string[]>>;

/** The columns of a file (or of one shape of JSON object) by field, the one to prefer first. */
export type Columns = Record<Field, readonly string[]> & {
  /** Columns whose values make the identity of a row that has neither id nor URL, in a fixed order. */
  identity: readonly string[];
  /** The file names brand and model, so the title is both. */
  titleIsModel: boolean;
  /** The title may be the brand alone, the rest of the name being in the URL. */
  titleMayBeBrand: boolean;
};

const FIELDS = [
  "id", "title", "description", "brand", "category", "breadcrumbs", "color", "gender", "price", "salePrice",
  "listPrice", "currency", "images", "href", "sizeSystem", "size", "stock", "related",
] as const; // biome-ignore format: a table

/** Names in lower case without spaces, `_`, `-` and other marks; the earlier one is preferred. */
const NAMES: Record<Field, readonly string[]> = {
  id: ["productid", "id", "sku", "shoeid", "handle", "stylecode"],
  title: ["productname", "name", "title", "model"],
  description: ["description", "body", "bodyhtml"],
  brand: ["brand", "vendor", "manufacturer"],
  category: ["category", "type", "producttype"],
  breadcrumbs: ["breadcrumbs"],
  color: ["color", "colour"],
  gender: ["gender", "department"],
  price: ["price", "variantprice"],
  salePrice: ["pricedrop", "saleprice", "sellingprice"],
  listPrice: [
    "listingprice",
    "listprice",
    "originalprice",
    "rrp",
    "msrp",
    "compareatprice",
    "variantcompareatprice",
  ],
  currency: ["currency", "currencycode"],
  images: ["image", "imageurl", "imagesrc", "images", "imageurls", "gallery"],
  href: ["url", "link", "href", "producturl"],
  sizeSystem: ["sizesystem"],
  size: ["size", "sizes"],
  stock: ["stock", "qty", "quantity", "inventory", "availability"],
  related: ["related", "relatedproducts"],
};
const SHAPES_MAX = 1000;

/** Finds the columns of a shape by its column names; remembers the shapes it has seen. */
export function createRecognition(mapping: Mapping): (names: readonly string[]) => Columns {
  const shapes = new Map<string, Columns>();
  return (names) => {
    const key = names.join("\u0001");
    const known = shapes.get(key);
    if (known !== undefined) return known;
    if (shapes.size >= SHAPES_MAX) shapes.clear();
    const columns = recogniseColumns(names, mapping);
    shapes.set(key, columns);
    return columns;
  };
}

/** The columns for these names. */
export function recogniseColumns(names: readonly string[], mapping: Mapping): Columns {
  const taken = new Set(
    Object.values(mapping)
      .flat()
      .map((name) => findColumn(names, name)),
  );
  const byPlainName = new Map<string, string>();
  for (const name of names) {
    const plain = plainName(name);
    if (!taken.has(name) && !byPlainName.has(plain)) byPlainName.set(plain, name);
  }
  const found = Object.fromEntries(
    FIELDS.map((field) => {
      const mapped = mapping[field]?.flatMap((name) => findColumn(names, name) ?? []);
      return [field, mapped ?? NAMES[field].flatMap((name) => byPlainName.get(name) ?? [])];
    }),
  ) as unknown as Record<Field, readonly string[]>;
  const model = byPlainName.get("model");
  const name = byPlainName.get("name");
  const titleIsModel = found.brand.length === 0 && !mapping.brand && !mapping.title && !!model && !!name;
  if (titleIsModel) Object.assign(found, { brand: [name], title: [model] });
  const varying = new Set([...found.size, ...found.stock, ...found.color]);
  return {
    ...found,
    titleIsModel,
    titleMayBeBrand: found.href.length > 0 && found.brand.length + found.id.length === 0,
    identity: names.filter((each) => !varying.has(each) && !isIndexColumn(each)).sort(),
  };
}

/** Reads the text of a mapping file: {"title": "Produktname", "images": ["pic1", "pic2"], "brand": null}. */
export function readMapping(text: string): Mapping {
  const given: unknown = JSON.parse(text);
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new Error("must be an object of fields and column names");
  const mapping: Mapping = {};
  for (const [field, value] of Object.entries(given)) {
    const known = FIELDS.find((each) => each === field);
    if (known === undefined)
      throw new Error(`has an unknown field ${field}; fields are ${FIELDS.join(", ")}`);
    const columns: unknown[] = value === null ? [] : Array.isArray(value) ? value : [value];
    if (!columns.every((column) => typeof column === "string"))
      throw new Error(`must give a column name or a list of them for ${field}`);
    mapping[known] = columns;
  }
  return mapping;
}

/** The name of the column meant by `name`: exactly, else without regard to case, spaces, `_` and `-`. */
export function findColumn(names: readonly string[], name: string): string | undefined {
  return names.find((each) => each === name) ?? names.find((each) => plainName(each) === plainName(name));
}

const isIndexColumn = (name: string): boolean => /^(?:|index|#|unnamed: \d+)$/i.test(name);

const plainName = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
