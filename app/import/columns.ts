// Maps the columns of a file to the fields of a shoe, by common names or by a given mapping.

/** A field of a shoe that an import can fill. */
type Field = (typeof FIELDS)[number];

/** The mapping of `--map`: field to column names; an empty list disables the field. */
export type Mapping = Partial<Record<Field, readonly string[]>>;

/** The columns of a file (or of one shape of JSON object) by field, in order of preference. */
export type Columns = Record<Field, readonly string[]> & {
  /** Columns whose values identify a row that has neither id nor URL, in a fixed order. */
  identity: readonly string[];
  /** The file has columns for brand and model, so the title is both. */
  titleIsModel: boolean;
  /** The title may be the brand alone, while the URL has the rest of the name. */
  titleMayBeBrand: boolean;
};

const FIELDS = [
  "id", "title", "description", "brand", "category", "breadcrumbs", "color", "gender", "price", "salePrice",
  "listPrice", "currency", "images", "href", "sizeSystem", "size", "stock", "related",
] as const; // biome-ignore format: a table

/** Column names in lower case, letters and digits only, in order of preference. */
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

/** A function that maps column names to fields; it caches the result per set of names. */
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

/** The columns among these names. */
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
      throw new Error(`has an unknown field ${field}; the fields are ${FIELDS.join(", ")}`);
    const columns: unknown[] = value === null ? [] : Array.isArray(value) ? value : [value];
    if (!columns.every((column) => typeof column === "string"))
      throw new Error(`${field} must be a column name or a list of column names`);
    mapping[known] = columns;
  }
  return mapping;
}

/** The column called `name`: an exact match, else one that ignores case, spaces, `_` and `-`. */
export function findColumn(names: readonly string[], name: string): string | undefined {
  return names.find((each) => each === name) ?? names.find((each) => plainName(each) === plainName(name));
}

const isIndexColumn = (name: string): boolean => /^(?:|index|#|unnamed: \d+)$/i.test(name);

const plainName = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
