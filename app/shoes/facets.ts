// How many shoes each label would leave: counters where nothing filters, else counted over a bounded set of matches.
import type { Database, Row, Statement } from "../../db/database.ts";
import { type Condition, hits, isHopeless, type LabelIds, matchFilters, priceCondition } from "./filters.ts";
import { LABEL_KINDS, type ListQuery } from "./query.ts";
import { EVERYWHERE, matchWords } from "./search.ts";

/** Matches that are looked at; more make the counts approximate. */
const SAMPLE_MAX = 10_000;
const VALUES_MAX = 200;

type FacetValue = { value: string; count: number };

/** Prices in major units; `null` where nothing matches. */
export type Facets = Record<(typeof LABEL_KINDS)[number], FacetValue[]> & {
  price: { min: number | null; max: number | null };
  approximate?: true;
};

const COLUMNS = ", s.category_id AS category, s.brand_id AS brand, s.color_id AS color, s.gender_id AS gender, s.price_cents AS cents";
const NAMED = `GROUP BY f.id ORDER BY 2 DESC, f.name LIMIT ${VALUES_MAX}`;

/** Counts every facet without its own filter. */
export async function countFacets(
  db: Database,
  query: ListQuery,
  labels: LabelIds,
  words: string[] | null,
): Promise<Facets> {
  const nothing = words?.length === 0;
  const search = words && !nothing ? matchWords(db, words)(EVERYWHERE) : null;
  const sets = [...LABEL_KINDS, "price" as const].map((facet) => {
    const others = Object.fromEntries(Object.entries(labels).filter(([kind]) => kind !== facet));
    const filters = matchFilters(db, query, labels, facet);
    const match = [search, filters].filter((part) => part !== null).join(" AND ");
    const price = facet === "price" ? NO_CONDITION : priceCondition(query);
    return { facet, match, price, empty: nothing || isHopeless(others) };
  });
  const counted = sets.filter(({ empty }) => !empty);
  const questions = counted.map(({ facet, match, price }) => questionFor(facet, match, price, query.inStock));
  const sizes = counted.filter(({ match }) => match !== "").map(({ match, price }) => sampleSize(match, price));
  const answers = await db.scan([...questions, ...sizes]);

  const facets: Facets = { category: [], brand: [], size: [], color: [], gender: [], price: { min: null, max: null } };
  counted.forEach(({ facet }, at) => {
    const rows = answers[at] ?? [];
    if (facet === "price") facets.price = priceOf(rows[0]);
    else facets[facet] = rows.map(([value, count]) => ({ value: String(value), count: Number(count) }));
  });
  const isCut = answers.slice(questions.length).some((rows) => Number(rows[0]?.[0]) > SAMPLE_MAX);
  return isCut ? { ...facets, approximate: true } : facets;
}

const NO_CONDITION: Condition = { sql: "", args: [] };

const priceOf = (row: Row | undefined) => {
  const [min, max] = row ?? [];
  return { min: typeof min === "number" ? min / 100 : null, max: typeof max === "number" ? max / 100 : null };
};

function sampleSize(match: string, price: Condition): Statement {
  const sample = hits(match, price, SAMPLE_MAX + 1);
  return { sql: `SELECT count(*) FROM (${sample.sql})`, args: sample.args ?? [] };
}

type Facet = (typeof LABEL_KINDS)[number] | "price";

function questionFor(facet: Facet, match: string, price: Condition, inStock: boolean): Statement {
  if (match === "") return unfiltered(facet);
  const sample = hits(match, price, SAMPLE_MAX, 0, COLUMNS);
  const args = sample.args ?? [];
  if (facet === "price") return { sql: `SELECT min(cents), max(cents) FROM (${sample.sql})`, args };
  if (facet === "size") {
    const sql = `SELECT f.name, count(*) FROM (${sample.sql}) AS m CROSS JOIN sizes AS z ON z.shoe = m.id AND z.size <> ''${inStock ? " AND z.stock > 0" : ""}
CROSS JOIN facets AS f ON f.kind = 'size' AND f.key = lower(z.size) ${NAMED}`;
    return { sql, args };
  }
  const counts = `SELECT ${facet} AS id, count(*) AS shoes FROM (${sample.sql}) WHERE ${facet} IS NOT NULL GROUP BY 1`;
  return { sql: `SELECT f.name, c.shoes FROM (${counts}) AS c CROSS JOIN facets AS f ON f.id = c.id ${NAMED}`, args };
}

function unfiltered(facet: string): Statement {
  if (facet === "price")
    return {
      sql: "SELECT (SELECT min(price_cents) FROM shoes), (SELECT max(price_cents) FROM shoes)",
    };
  return {
    sql: `SELECT name, shoes FROM facets WHERE kind = ? AND shoes > 0 AND key <> '' ORDER BY shoes DESC, name LIMIT ${VALUES_MAX}`,
    args: [facet],
  };
}
