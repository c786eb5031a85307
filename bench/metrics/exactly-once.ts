// Whether every like that was acknowledged stands in the primary's file, once, and none that nobody sent.
import Libsql from "libsql";

/** The likes in a primary's file when nobody writes any more. */
export type Standing = {
  /** Pairs of shoe and user, as in the address of a like: `<shoe>/likes/<user>`. */
  pairs: ReadonlySet<string>;
  rows: number;
  /** Shoes whose counter is not the number of their rows. */
  miscounted: number;
};

/** Reads the likes out of a file; `isOurs` leaves out those of other users. */
export function readLikes(filePath: string, isOurs: (userId: string) => boolean = () => true): Standing {
  const handle = new Libsql(filePath, { timeout: 5_000 });
  const all = <Row>(sql: string) => handle.prepare(sql).raw(true).all([]) as Row[];
  try {
    const found = all<[string, string]>(
      "SELECT s.shoe_id, l.user_id FROM likes AS l JOIN shoes AS s ON s.id = l.shoe",
    ).filter(([, user]) => isOurs(user));
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

/** The pairs that oha was told of, out of its own record of answers (`Load.recordPath`). */
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
 * What is wrong with the likes that stand, in one sentence; `null` when nothing is. Up to `cutOffMax` may stand without an
 * acknowledgement, because the end of a run cut it off.
 */
export function faultOfLikes(
  { pairs, rows, miscounted }: Standing,
  acknowledged: ReadonlySet<string>,
  cutOffMax: number,
): string | null {
  const lost = [...acknowledged].filter((pair) => !pairs.has(pair)).length;
  if (lost > 0) return `${lost} of ${acknowledged.size} acknowledged likes are not there`;
  if (rows !== pairs.size) return `${rows} likes stand for ${pairs.size} pairs of shoe and user`;
  if (miscounted > 0) return `${miscounted} shoes count other likes than they have`;
  if (pairs.size > acknowledged.size + cutOffMax)
    return `${pairs.size} likes stand, and only ${acknowledged.size} were acknowledged`;
  return null;
}
