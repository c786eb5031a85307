// Whether every acknowledged like is stored in the primary's file exactly once, and no other like.
import Libsql from "libsql";

/** The likes in the file of a primary that has ended. */
type StoredLikes = {
  /** Pairs of shoe and user, as in the address of a like: `<shoe>/likes/<user>`. */
  pairs: ReadonlySet<string>;
  rows: number;
  /** Shoes whose counter differs from their rows. */
  miscounted: number;
};

/** Reads the likes of a file, only of users that `isWanted` selects. */
export function readLikes(filePath: string, isWanted: (userId: string) => boolean = () => true): StoredLikes {
  const handle = new Libsql(filePath, { timeout: 5_000 });
  const all = <Row>(sql: string) => handle.prepare(sql).raw(true).all([]) as Row[];
  try {
    const found = all<[string, string]>(
      "SELECT s.shoe_id, l.user_id FROM likes AS l JOIN shoes AS s ON s.id = l.shoe",
    ).filter(([, user]) => isWanted(user));
    const [[miscounted] = [0]] = all<[number]>(
      "SELECT count(*) FROM shoes WHERE likes <> (SELECT count(*) FROM likes WHERE shoe = shoes.id)",
    );
    return {
      pairs: new Set(found.map(([shoe, user]) => `${shoe}/likes/${user}`)),
      rows: found.length,
      miscounted,
    };
  } finally {
    handle.close();
  }
}

/** The pairs that were answered with 201, from oha's record of responses (`Load.recordPath`). */
export function readAcknowledged(path: string): Set<string> {
  const handle = new Libsql(path);
  try {
    const rows = handle.prepare("SELECT DISTINCT url FROM oha WHERE status = 201").raw(true).all([]);
    return new Set((rows as [string][]).map(([url]) => url.replace(/^.*\/api\/shoes\//, "")));
  } finally {
    handle.close();
  }
}

/**
 * The fault of stored likes in one phrase; `null` when there is none. Up to `cutOffMax` may be stored without an
 * acknowledgement, because the end of a run aborted it.
 */
export function faultOfLikes(
  { pairs, rows, miscounted }: StoredLikes,
  acknowledged: ReadonlySet<string>,
  cutOffMax: number,
): string | null {
  const lost = [...acknowledged].filter((pair) => !pairs.has(pair)).length;
  if (lost > 0) return `${lost} of ${acknowledged.size} acknowledged likes are not stored`;
  if (rows !== pairs.size) return `${rows} likes are stored for ${pairs.size} pairs of shoe and user`;
  if (miscounted > 0) return `${miscounted} shoes have a counter that differs from their likes`;
  if (pairs.size > acknowledged.size + cutOffMax)
    return `${pairs.size} likes are stored, but only ${acknowledged.size} were acknowledged`;
  return null;
}
