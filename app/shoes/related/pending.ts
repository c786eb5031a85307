// Shoes whose related list is still to be computed: an import was broken off, or the writer of a shoe failed.
import type { Readable } from "../../../db/database.ts";

/** How many there are; counting ends at `max`. */
export function countPending({ read }: Readable, max: number): number {
  const [count] = read.get<[number]>("SELECT count(*) FROM (SELECT 1 FROM related_pending LIMIT ?)", max) ?? [
    0,
  ];
  return count;
}

/** The ids of the oldest ones. */
export const findPending = ({ read }: Readable, limit: number): string[] =>
  read
    .all<[string]>(
      "SELECT s.shoe_id FROM related_pending AS p JOIN shoes AS s ON s.id = p.shoe ORDER BY p.shoe LIMIT ?",
      limit,
    )
    .map(([shoeId]) => shoeId);
