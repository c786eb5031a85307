// The backlog: shoes whose list is still to be computed, because an import was broken off or the writer of a shoe failed.
import type { Database, Readable } from "../../../db/database.ts";
import {
  Best,
  COLUMNS,
  type Group,
  nearest,
  neighboursSql,
  RELATED_MAX,
  type Shoe,
  type ShoeRow,
  similarity,
  toShoe,
  WINDOWS,
  WRITE_CHUNK,
  writeLists,
} from "./related.ts";

/** With more pending shoes, one walk along the indexes is cheaper than one query per shoe. */
const WALK_PENDING_MIN = 5_000;
/** Ids whose lists one walk computes: about 40 MB. */
const WALK_IDS_MAX = 200_000;
const WALK_CHUNK = 1_000;

/** The number of pending shoes; counting ends at `max`. */
export function countPending({ read }: Readable, max: number): number {
  const [count] = read.get<[number]>("SELECT count(*) FROM (SELECT 1 FROM related_pending LIMIT ?)", max) ?? [
    0,
  ];
  return count;
}

/** The ids of the oldest pending shoes. */
export const findPending = ({ read }: Readable, limit: number): string[] =>
  read
    .all<[string]>(
      "SELECT s.shoe_id FROM related_pending AS p JOIN shoes AS s ON s.id = p.shoe ORDER BY p.shoe LIMIT ?",
      limit,
    )
    .map(([shoeId]) => shoeId);

/** Computes the lists of all pending shoes and returns their number; equal catalogues get equal lists. */
export async function computeRelated(db: Database): Promise<number> {
  const pendingCount = countPending(db, WALK_PENDING_MIN + 1);
  return pendingCount > WALK_PENDING_MIN ? walkAll(db) : computeEach(db);
}

async function computeEach(db: Database): Promise<number> {
  let done = 0;
  for (;;) {
    const rows = db.read.all<ShoeRow>(
      `SELECT ${COLUMNS} FROM related_pending AS p CROSS JOIN shoes AS s ON s.id = p.shoe ORDER BY p.shoe LIMIT ?`,
      WRITE_CHUNK,
    );
    if (rows.length === 0) return done;
    await writeLists(db, rows.map(toShoe).map(nearest(db)));
    done += rows.length;
  }
}

/** The columns of `Best` for many shoes. */
type BestColumns = [keys: Float64Array, ties: Uint32Array, members: Int32Array];

async function walkAll(db: Database): Promise<number> {
  // Allocated once: a second set would double the memory until the first is collected.
  const slots = WALK_IDS_MAX * RELATED_MAX;
  const columns: BestColumns = [new Float64Array(slots), new Uint32Array(slots), new Int32Array(slots)];
  let done = 0;
  for (;;) {
    const first = db.read.get<[number]>("SELECT shoe FROM related_pending ORDER BY shoe LIMIT 1")?.[0];
    if (first === undefined) return done;
    for (const column of columns) column.fill(0);
    done += await walkFrom(db, first, columns);
  }
}

/** Computes the lists of the pending shoes from this id on, as many as the columns hold. */
async function walkFrom(db: Database, first: number, columns: BestColumns): Promise<number> {
  const bestOf = (id: number) => new Best(...columns, (id - first) * RELATED_MAX);
  for (const { column, half } of WINDOWS) {
    for (const group of groupsOf(db, column)) {
      for (const [shoe, neighbours] of walkGroup(db, column, group, half)) {
        if (shoe.id < first || shoe.id >= first + WALK_IDS_MAX) continue;
        const best = bestOf(shoe.id);
        for (const other of neighbours) if (other.id !== shoe.id) best.offer(other, similarity(shoe, other));
      }
    }
  }
  let done = 0;
  for (let after = first - 1; ; ) {
    const ids = db.read.all<[number]>(
      "SELECT shoe FROM related_pending WHERE shoe > ? AND shoe < ? ORDER BY shoe LIMIT ?",
      after,
      first + WALK_IDS_MAX,
      WRITE_CHUNK,
    );
    if (ids.length === 0) return done;
    await writeLists(
      db,
      ids.map(([id]) => ({ id, list: bestOf(id).ids() })),
    );
    after = ids.at(-1)?.[0] ?? after;
    done += ids.length;
  }
}

function groupsOf(db: Database, column: Group): (number | null)[] {
  const kind = column === "category_id" ? "category" : "brand";
  const rows = db.read.all<[number]>("SELECT id FROM facets WHERE kind = ? AND shoes > 0 ORDER BY id", kind);
  return [null, ...rows.map(([id]) => id)];
}

/** Every shoe of a group in the order of price rank, with its neighbours on both sides (and itself). */
function* walkGroup(
  db: Database,
  column: Group,
  group: number | null,
  half: number,
): Generator<[Shoe, Shoe[]]> {
  let window: Shoe[] = [];
  let index = 0;
  let last: Shoe | undefined;
  for (;;) {
    const next = db.read
      .all<ShoeRow>(neighboursSql(column, "?2", ">", WALK_CHUNK), last?.rank ?? 0, group)
      .map(toShoe);
    window.push(...next);
    last = window.at(-1);
    const isLast = next.length < WALK_CHUNK;
    for (; index < window.length && (isLast || index + half < window.length); index += 1) {
      const shoe = window[index];
      if (shoe) yield [shoe, window.slice(Math.max(0, index - half), index + half + 1)];
    }
    if (isLast) return;
    const from = Math.max(0, index - half);
    window = window.slice(from);
    index -= from;
  }
}
