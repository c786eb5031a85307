// Price bands: the tags by which the search index narrows a list to a range of prices.
import { must } from "../../../db/must.ts";

/** A band by its lower bound in minor units, and the lower bound of the wide band that it belongs to. */
type Band = { cents: number; wideCents: number };

const WIDE_BANDS = 10;
/** Bounds above which the next, broader step begins; the last band is open. */
const STEPS = [
  { belowCents: 30_000, cents: 500 },
  { belowCents: 100_000, cents: 2_500 },
  { belowCents: 500_000, cents: 10_000 },
  { belowCents: 2_000_000, cents: 100_000 },
];

/** The rows of the table `price_bands`, which a migration fills once for all; a test compares them. */
export const PRICE_BANDS: readonly Band[] = priceBands();

function priceBands(): Band[] {
  const bounds: number[] = [];
  let bound = 0;
  for (const { belowCents, cents } of STEPS) for (; bound < belowCents; bound += cents) bounds.push(bound);
  bounds.push(bound);
  return bounds.map((cents, index) => ({
    cents,
    wideCents: must(bounds[index - (index % WIDE_BANDS)], "the wide band"),
  }));
}

/** The tags of the bands that a range touches: narrow bands at its ends, wide ones between. */
export function priceTags(minCents: number, maxCents: number | null): string[] {
  const touched = PRICE_BANDS.filter(
    ({ cents }, index) =>
      (PRICE_BANDS[index + 1]?.cents ?? Number.POSITIVE_INFINITY) > minCents &&
      (maxCents === null || cents <= maxCents),
  );
  const tags = new Set<string>();
  for (const { cents, wideCents } of touched) {
    const members = PRICE_BANDS.filter((band) => band.wideCents === wideCents);
    tags.add(members.every((band) => touched.includes(band)) ? `w${wideCents}` : `p${cents}`);
  }
  return [...tags];
}

/** The lower bound of the band that a price in minor units lies in. */
export const bandOf = (priceCents: number): number =>
  must(
    PRICE_BANDS.findLast(({ cents }) => cents <= priceCents),
    "the band of a price",
  ).cents;
