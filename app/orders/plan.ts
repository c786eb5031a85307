// The plan of an order: its lines with today's titles, prices and stock, its delivery and its totals. Takes nothing.
import type { Database, Readable } from "../../db/database.ts";
import { must } from "../../db/must.ts";
import { type FieldError, refuseFields } from "../http/fields.ts";
import { Problem } from "../http/problems.ts";
import { AMOUNT_CENTS_MAX, type Item, LINES_MAX, PAIRS_MAX } from "./fields.ts";
import { methodsFor, type ShippingMethod, shippingCents, type Terms } from "./terms.ts";
import { type Totals, totalsOf } from "./totals.ts";

/** A line of a plan. `at` is its first item in the body, `shoe` the row that holds its stock, `shoeStock` that of all its sizes. */
export type PlannedLine = {
  at: number;
  shoe: number;
  productId: string;
  title: string;
  size: string;
  quantity: number;
  priceCents: number;
  stock: number;
  shoeStock: number;
};

export type Plan = {
  lines: PlannedLine[];
  method: ShippingMethod;
  methods: ShippingMethod[];
  totals: Totals;
};

/** The items of an order and its country; without a country prices contain no tax. */
export type Wish = { items: readonly Item[]; country: string | null; shippingMethod: string | null };

/** The pointer of the country in the body. */
type Pointers = { country: string };

type Found = [
  productId: string,
  shoe: number | null,
  title: string,
  priceCents: number,
  sizes: [string, number][],
];

const SHOES = `SELECT j.value, s.id, s.title, s.price_cents,
  (SELECT json_group_array(json_array(size, stock)) FROM (SELECT size, stock FROM sizes WHERE shoe = s.id ORDER BY position))
FROM json_each(?) AS j LEFT JOIN shoes AS s ON s.shoe_id = j.value`;

/** Plans an order on a snapshot. Throws the `Problem` 400 for products, sizes and methods that do not exist, and for too many. */
export function planOrder(snapshot: Readable, wish: Wish, terms: Terms, pointers: Pointers): Plan {
  const errors: FieldError[] = [];
  const lines = linesOf(snapshot, wish.items, errors);
  const { method, methods } = deliveryOf(wish, terms, pointers, errors);
  refuseFields(errors);
  const chosen = must(method, "a shipping method");
  const rate = wish.country === null ? 0 : (terms.taxRates[wish.country] ?? 0);
  const totals = totalsOf(lines, (itemsCents) => shippingCents(chosen, itemsCents), rate);
  if (totals.totalCents > AMOUNT_CENTS_MAX)
    refuseFields([{ pointer: "/items", detail: `must cost at most ${AMOUNT_CENTS_MAX / 100} in all` }]);
  return { lines, method: chosen, methods, totals };
}

type LocalPlan = {
  /** The local copy is known to be outdated. */
  isLocalOutdated?: boolean;
  /** What the caller would refuse. */
  isRefused?: (plan: Plan) => boolean;
};

/** As `planOrder`, on the local copy first; what would be refused by it is looked at once more on the primary. */
export async function planFresh(
  db: Database,
  wish: Wish,
  terms: Terms,
  given: Pointers & LocalPlan,
): Promise<Plan> {
  const { country, isLocalOutdated = false, isRefused = (plan) => shortOf(plan).length > 0 } = given;
  const onPrimary = () => db.onPrimary((snapshot) => planOrder(snapshot, wish, terms, { country }));
  if (!db.isRemote || isLocalOutdated) return onPrimary();
  try {
    const plan = planOrder(db, wish, terms, { country });
    return isRefused(plan) ? await onPrimary() : plan;
  } catch (thrown) {
    if (thrown instanceof Problem) return onPrimary();
    throw thrown;
  }
}

/** The lines of which fewer pairs are in stock than the plan takes. */
export const shortOf = ({ lines }: Plan): PlannedLine[] =>
  lines.filter(({ stock, quantity }) => stock < quantity);

/** The `Problem` 409 that lists the lines that are short and what is left of each. */
export function outOfStock(short: readonly PlannedLine[]): Problem {
  const errors = short.map(({ at, stock }) => ({
    pointer: `/items/${at}/quantity`,
    detail: `${stock} left`,
  }));
  const named = short.map(
    ({ productId, size, stock }) => `${productId}${size === "" ? "" : ` size ${size}`}: ${stock} left`,
  );
  return new Problem("out-of-stock", named.join("; "), errors);
}

function linesOf(snapshot: Readable, items: readonly Item[], errors: FieldError[]): PlannedLine[] {
  const ids = [...new Set(items.map(({ productId }) => productId))];
  const rows = snapshot.read.all<[string, number | null, string, number, string]>(SHOES, JSON.stringify(ids));
  const shoes = new Map(
    rows.map(([id, shoe, title, cents, sizes]): [string, Found] => [
      id,
      [id, shoe, title, cents, JSON.parse(sizes)],
    ]),
  );
  const lines = new Map<string, PlannedLine>();
  items.forEach((item, at) => {
    const line = lineOf(item, at, shoes.get(item.productId), errors);
    if (line === null) return;
    const key = `${line.shoe} ${line.size}`;
    const same = lines.get(key);
    if (same) same.quantity += line.quantity;
    else lines.set(key, line);
  });
  if (lines.size > LINES_MAX)
    errors.push({ pointer: "/items", detail: `must have at most ${LINES_MAX} different lines` });
  for (const { at, quantity } of lines.values())
    if (quantity > PAIRS_MAX)
      errors.push({ pointer: `/items/${at}/quantity`, detail: `must be at most ${PAIRS_MAX} in all` });
  return [...lines.values()];
}

function lineOf(item: Item, at: number, found: Found | undefined, errors: FieldError[]): PlannedLine | null {
  const [productId, shoe, title, priceCents, sizes] = found ?? [item.productId, null, "", 0, []];
  if (shoe === null) {
    errors.push({ pointer: `/items/${at}/productId`, detail: "is not the id of a shoe in the shop" });
    return null;
  }
  const wanted = (item.size ?? "").toLowerCase();
  const match = sizes.find(([size]) => size.toLowerCase() === wanted);
  if (!match) {
    errors.push({ pointer: `/items/${at}/size`, detail: sizeRule(wanted, sizes) });
    return null;
  }
  const [size, stock] = match;
  const shoeStock = sizes.reduce((pairs, [, each]) => pairs + each, 0);
  return { at, shoe, productId, title, size, quantity: item.quantity, priceCents, stock, shoeStock };
}

function sizeRule(wanted: string, sizes: [string, number][]): string {
  const names = sizes.map(([size]) => size).filter((size) => size !== "");
  if (names.length === 0) return "must be left out: the shoe has no sizes";
  return `${wanted === "" ? "is required" : "is not a size of the shoe"}: one of ${names.join(", ")}`;
}

function deliveryOf(
  { country, shippingMethod }: Wish,
  terms: Terms,
  pointers: Pointers,
  errors: FieldError[],
): { method: ShippingMethod | undefined; methods: ShippingMethod[] } {
  const methods = methodsFor(terms, country);
  const names = methods.map(({ method }) => method).join(", ");
  const method =
    shippingMethod === null ? methods[0] : methods.find((each) => each.method === shippingMethod);
  if (methods.length === 0)
    errors.push({
      pointer: pointers.country,
      detail: country === null ? "is required: no method delivers everywhere" : "is not delivered to",
    });
  else if (!method) errors.push({ pointer: "/shippingMethod", detail: `must be one of ${names}` });
  return { method, methods };
}
