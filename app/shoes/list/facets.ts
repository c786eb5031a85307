// Facets: for each label the number of matching shoes, from counters where nothing filters, else over a bounded sample.
import type { Readable, Statement, Value } from "../../../db/database.ts";
import {
  type LabelIds,
  matchesNothing,
  matchFilters,
  matchingRows,
  priceCondition,
  type SqlCondition,
} from "./filters.ts";
import { LABEL_KINDS, type ListQuery } from "./query.ts";
import { ALL_COLUMNS, matchWords } from "./search.ts";

/** Matches that are counted; with more matches the counts are approximate. */
const SAMPLE_MAX = 10_000;
const VALUES_MAX = 200;

type FacetValue = { value: string; count: number };

/** Prices in major units; `null` where nothing matches. */
export type Facets = Record<(typeof LABEL_KINDS)[number], FacetValue[]> & {
  price: { min: number | null; max: number | null };
  approximate?: true;
};

type LabelFacet = (typeof LABEL_KINDS)[number];
type Facet = LabelFacet | "price";
/** Facets that are counted over the same set of matches. */
type Sample = { match: string; price: SqlCondition; facets: Facet[] };

const FACETS: readonly Facet[] = [...LABEL_KINDS, "price"];
const NO_CONDITION: SqlCondition = { sql: "", args: [] };
const COLUMN: Record<Facet, string> = {
  category: ", s.category_id AS category",
  brand: ", s.brand_id AS brand",
  color: ", s.color_id AS color",
  gender: ", s.gender_id AS gender",
  size: ", s.size_run_id AS size_run",
  price: ", s.price_rank AS price",
};

/** Counts every facet, leaving out its own filter. */
export async function countFacets(
  db: Readable,
  query: ListQuery,
  labels: LabelIds,
  words: string[] | null,
): Promise<Facets> {
  const facets: Facets = {
    category: [],
    brand: [],
    size: [],
    color: [],
    gender: [],
    price: { min: null, max: null },
  };
  if (words?.length === 0) return facets;
  const samples = samplesFor(db, query, labels, words);
  const results = await db.scan(
    samples.flatMap((sample) =>
      sample.match === "" ? readCounters(sample) : [countSample(sample, query.inStock)],
    ),
  );
  let isSampled = false;
  for (const [facet, value, count] of results.flat()) {
    if (facet === "sample") isSampled ||= Number(count) > SAMPLE_MAX;
    else if (facet === "price") facets.price = { min: toMajorUnits(value), max: toMajorUnits(count) };
    else facets[facet as LabelFacet].push({ value: String(value), count: Number(count) });
  }
  return isSampled ? { ...facets, approximate: true } : facets;
}

const toMajorUnits = (cents: Value | undefined): number | null =>
  typeof cents === "number" ? cents / 100 : null;

/** The sets of matches; facets without a filter of their own share one. */
function samplesFor(db: Readable, query: ListQuery, labels: LabelIds, words: string[] | null): Sample[] {
  const search = words ? matchWords(db, words)(ALL_COLUMNS) : null;
  const samples = new Map<string, Sample>();
  for (const facet of FACETS) {
    const others = Object.fromEntries(Object.entries(labels).filter(([kind]) => kind !== facet));
    if (matchesNothing(others)) continue;
    const filters = matchFilters(query, labels, facet);
    const match = [search, filters].filter((part) => part !== null).join(" AND ");
    const price = facet === "price" ? NO_CONDITION : priceCondition(query);
    const key = `${match} ${price.sql}`;
    const sample = samples.get(key) ?? { match, price, facets: [] };
    sample.facets.push(facet);
    samples.set(key, sample);
  }
  return [...samples.values()];
}

/** One statement that finds the sample once and counts each facet over it; its rows are facet, value and count. */
function countSample({ match, price, facets }: Sample, inStock: boolean): Statement {
  const columns = facets.map((facet) => COLUMN[facet]).join("");
  const sample = matchingRows(match, price, SAMPLE_MAX + 1, 0, columns);
  const parts = [
    "SELECT 'sample', NULL, count(*) FROM sample",
    ...facets.map((facet) => (facet === "size" && inStock ? STOCKED_SIZES : countOf(facet))),
  ];
  return {
    sql: `WITH sample AS MATERIALIZED (${sample.sql})\n${parts.join("\nUNION ALL\n")}`,
    args: sample.args ?? [],
  };
}

function countOf(facet: Facet): string {
  if (facet === "price") return "SELECT 'price', min(price) >> 26, max(price) >> 26 FROM sample";
  const counts =
    facet === "size"
      ? sizesOfRuns(
          "SELECT size_run AS id, count(*) AS shoes FROM sample WHERE size_run IS NOT NULL GROUP BY 1",
        )
      : `SELECT ${facet} AS id, count(*) AS shoes FROM sample WHERE ${facet} IS NOT NULL GROUP BY 1`;
  return withNames(facet, counts);
}

const sizesOfRuns = (runs: string): string => `SELECT f.id AS id, sum(c.shoes) AS shoes FROM (${runs}) AS c
CROSS JOIN facets AS r ON r.id = c.id CROSS JOIN json_each(r.key) AS k
CROSS JOIN facets AS f ON f.kind = 'size' AND f.key = k.value GROUP BY 1`;

const withNames = (facet: Facet, counts: string): string =>
  `SELECT * FROM (SELECT '${facet}', f.name, c.shoes FROM (${counts}) AS c CROSS JOIN facets AS f ON f.id = c.id
ORDER BY c.shoes DESC, f.name LIMIT ${VALUES_MAX})`;

// With inStock, a size counts the shoes that have this very size in stock.
const STOCKED_SIZES = withNames(
  "size",
  `SELECT f.id AS id, sum(c.shoes) AS shoes FROM (
     SELECT z.size AS size, count(*) AS shoes FROM sample AS m
     CROSS JOIN sizes AS z ON z.shoe = m.id AND z.size <> '' AND z.stock > 0 GROUP BY 1
   ) AS c CROSS JOIN facets AS f ON f.kind = 'size' AND f.key = lower(c.size) GROUP BY 1`,
);

/** Without filters, the counts come from counters of labels and size runs, and from the ends of the price index. */
const readCounters = ({ facets }: Sample): Statement[] => facets.map((facet) => ({ sql: UNFILTERED[facet] }));

const counterSql = (facet: LabelFacet): string =>
  withNames(facet, `SELECT id, shoes FROM facets WHERE kind = '${facet}' AND shoes > 0`);

const UNFILTERED: Record<Facet, string> = {
  category: counterSql("category"),
  brand: counterSql("brand"),
  color: counterSql("color"),
  gender: counterSql("gender"),
  size: withNames("size", sizesOfRuns("SELECT id, shoes FROM facets WHERE kind = 'size_run' AND shoes > 0")),
  price:
    "SELECT 'price', (SELECT min(price_rank) >> 26 FROM shoes), (SELECT max(price_rank) >> 26 FROM shoes)",
};
