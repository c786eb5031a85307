// The related list of a shoe that was given none: neighbours in price within category and brand, ranked by similarity.
import type { Database, Readable } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import { bulk } from "../../../db/sql.ts";
import { wordsOf } from "../../../db/words.ts";
import { newWriteId } from "../../../db/write/id.ts";
import { toProblem } from "../../http/problem-of.ts";

export const RELATED_MAX = 12;
/** Neighbours that are compared on either side of a shoe's price. */
export const WINDOWS = [
  { column: "category_id", half: 16 },
  { column: "brand_id", half: 8 },
] as const;
export const WRITE_CHUNK = 1_000;
/** Up to this many written lists are one change each in the feed; more are one change for all shoes. */
const SINGLE_CHANGES_MAX = 200;
/** A price rank is the price followed by so many values of the id's hash, which order equal prices. */
const TIES = 2 ** 26;

export type Group = (typeof WINDOWS)[number]["column"];
export type Shoe = {
  id: number;
  rank: number;
  cents: number;
  words: string[];
  category: number | null;
  brand: number | null;
  color: number | null;
  gender: number | null;
};
/** A shoe's row followed by its version and id. */
type VersionRow = [...ShoeRow, version: number, shoeId: string];
export type ShoeRow = [number, number, string, number | null, number | null, number | null, number | null];

export const COLUMNS = "s.id, s.price_rank, s.title, s.category_id, s.brand_id, s.color_id, s.gender_id";

export const toShoe = ([id, rank, title, category, brand, color, gender]: ShoeRow): Shoe => ({
  id,
  rank,
  cents: Math.floor(rank / TIES),
  words: [...new Set(wordsOf(title))],
  category,
  brand,
  color,
  gender,
});

export const nearest = (db: Readable) => (shoe: Shoe) => {
  const best = new Best();
  const rows = db.read.all<ShoeRow>(NEIGHBOURS, shoe.rank, shoe.category, shoe.brand, shoe.id);
  for (const other of rows.map(toShoe)) best.offer(other, similarity(shoe, other));
  return { id: shoe.id, list: best.ids() };
};

/**
 * The list of a shoe at another price, by the copy of the data that is read here; `null` where that does not show the
 * shoe in this version.
 */
export function listAtPrice(
  db: Readable,
  shoeId: string,
  version: number,
  priceCents: number,
): number[] | null {
  const row = db.read.get<ShoeRow>(
    `SELECT ${COLUMNS} FROM shoes AS s WHERE s.shoe_id = ? AND s.version = ?`,
    shoeId,
    version,
  );
  if (!row) return null;
  const shoe = toShoe(row);
  const rank = priceCents * TIES + (shoe.rank % TIES);
  return nearest(db)({ ...shoe, rank, cents: priceCents }).list;
}

const PENDING_OF = `SELECT ${COLUMNS}, s.version, s.shoe_id FROM json_each(?) AS j
CROSS JOIN shoes AS s ON s.shoe_id = j.value CROSS JOIN related_pending AS p ON p.shoe = s.id`;

/** The lists of those of these shoes that are pending in this database. */
const pendingLists = (db: Readable, shoeIds: string[]): (List & { shoeId: string })[] =>
  db.read.all<VersionRow>(PENDING_OF, JSON.stringify(shoeIds)).map(([...row]) => {
    const [shoeId, version] = [String(row.pop()), Number(row.pop())];
    return { ...nearest(db)(toShoe(row as unknown as ShoeRow)), version, shoeId };
  });

/** Computes the list of one shoe, if it is pending. */
export async function computeRelatedOf(db: Database, shoeId: string): Promise<void> {
  const lists = await db.onPrimary((snapshot) => pendingLists(snapshot, [shoeId]));
  if (lists.length > 0) await writeLists(db, lists, 1, newWriteId());
}

/** Computes the lists of those of these shoes that the replica shows as pending and up to date; returns their ids. */
export async function computeRelatedHere(db: Database, shoeIds: string[]): Promise<string[]> {
  const lists = pendingLists(db, shoeIds);
  if (lists.length === 0) return [];
  const written = new Set(await writeLists(db, lists, SINGLE_CHANGES_MAX, newWriteId()));
  return lists.filter(({ id }) => written.has(id)).map(({ shoeId }) => shoeId);
}

/** SQL for the next shoes of a group below or above the price rank ?1. */
export const neighboursSql = (
  column: Group,
  group: string,
  beyond: "<" | ">",
  count: number,
  condition = "",
): string =>
  `SELECT ${COLUMNS} FROM shoes AS s WHERE s.${column} IS ${group} AND s.price_rank ${beyond} ?1 ${condition}
ORDER BY s.price_rank ${beyond === "<" ? "DESC" : "ASC"} LIMIT ${count}`;

// One statement, because each may be a round trip to the primary. Binds the shoe's rank, category, brand and id: at its
// stored price the shoe may be a neighbour of itself at another one.
const NEIGHBOURS = WINDOWS.flatMap(({ column, half }) => {
  const group = column === "category_id" ? "?2" : "?3";
  return (["<", ">"] as const).map((beyond) => neighboursSql(column, group, beyond, half, "AND s.id <> ?4"));
})
  .map((part) => `SELECT * FROM (${part})`)
  .join(" UNION ALL ");

/** Ranks shared attributes first, then the nearer price, then the lower; below 2^46, which a double holds exactly. */
export function similarity(shoe: Shoe, other: Shoe): number {
  let score = 0;
  for (const word of other.words) if (shoe.words.includes(word)) score += 3;
  if (other.category === shoe.category) score += 3;
  if (other.brand !== null && other.brand === shoe.brand) score += 2;
  if (other.gender === shoe.gender) score += 2;
  if (other.color !== null && other.color === shoe.color) score += 1;
  const distance = 2 * Math.abs(shoe.cents - other.cents) + Number(other.cents > shoe.cents);
  return Math.min(score, 255) * 2 ** 28 - distance;
}

/** The twelve most similar shoes so far, in order; ties are ordered by hash of the id. May use columns shared by many shoes. */
export class Best {
  constructor(
    private readonly keys: Float64Array = new Float64Array(RELATED_MAX),
    private readonly ties: Uint32Array = new Uint32Array(RELATED_MAX),
    private readonly members: Int32Array = new Int32Array(RELATED_MAX),
    private readonly offset = 0,
  ) {}

  offer({ id, rank }: Pick<Shoe, "id" | "rank">, key: number): void {
    const { keys, ties, members, offset } = this;
    const end = offset + RELATED_MAX;
    const tie = rank % TIES;
    for (let slot = offset; slot < end && members[slot] !== 0; slot += 1) if (members[slot] === id) return;
    let slot = end - 1;
    if (!this.isWorse(slot, tie, key)) return;
    for (; slot > offset && this.isWorse(slot - 1, tie, key); slot -= 1) {
      keys[slot] = keys[slot - 1] ?? 0;
      ties[slot] = ties[slot - 1] ?? 0;
      members[slot] = members[slot - 1] ?? 0;
    }
    keys[slot] = key;
    ties[slot] = tie;
    members[slot] = id;
  }

  ids(): number[] {
    return [...this.members.subarray(this.offset, this.offset + RELATED_MAX)].filter((id) => id !== 0);
  }

  private isWorse(slot: number, tie: number, key: number): boolean {
    const heldKey = this.keys[slot] ?? 0;
    return this.members[slot] === 0 || heldKey < key || (heldKey === key && (this.ties[slot] ?? 0) > tie);
  }
}

const INSERT_LISTS = `INSERT INTO related (shoe, shoe_id, given, list)
SELECT s.id, s.shoe_id, 0, j.value -> 'list' FROM json_each(?) AS j
CROSS JOIN related_pending AS p ON p.shoe = j.value ->> 'id'
CROSS JOIN shoes AS s ON s.id = p.shoe AND s.version = coalesce(j.value ->> 'version', s.version)
WHERE true ON CONFLICT (shoe) DO UPDATE SET given = 0, list = excluded.list WHERE given = 1 OR list <> excluded.list`;
const REMOVE_PENDING = `DELETE FROM related_pending WHERE shoe IN (
  SELECT s.id FROM json_each(?) AS j CROSS JOIN shoes AS s ON s.id = j.value ->> 'id'
  WHERE s.version = coalesce(j.value ->> 'version', s.version)
) RETURNING shoe`;

/** A list; with the version of its shoe where that may have changed since it was read. */
type List = { id: number; list: number[]; version?: number };

/** Writes the lists of shoes that are still pending, and returns the row ids of those. */
export async function writeLists(
  db: Database,
  lists: List[],
  singleChangesMax = 1,
  writeId?: string,
): Promise<number[]> {
  const json = JSON.stringify(lists);
  const statements = [
    { sql: INSERT_LISTS, args: [json] },
    { sql: REMOVE_PENDING, args: [json] },
  ];
  const feed = { sql: "INSERT INTO changes (shoe_id, kind) VALUES (NULL, 'facts')" };
  const isBulk = lists.length > singleChangesMax;
  const results = await db.write(isBulk ? bulk([...statements, feed]) : statements, writeId);
  return must(results[isBulk ? 2 : 1], "the result of the update").rows.map(([shoe]) => Number(shoe));
}

/** Computes related lists of saved shoes; a list that cannot be computed now is left to the upkeep of the database. */
export type RelatedQueue = {
  /** Computes the list of a saved shoe where a commit is cheap, else queues the shoe. An unavailable database is no error. */
  add(shoeId: string): Promise<void>;
  /** Takes no more shoes, and waits for the commit that is under way. */
  close(): Promise<void>;
};

/** A queued shoe has its list after about this time. */
const SOON_MS = 250;
/** The replica shows a save within a fraction of a second; a shoe that it does not show in so many rounds is given up. */
const ROUNDS_MAX = 40;

/** Opens an empty queue. */
export function openRelatedQueue(db: Database): RelatedQueue {
  const roundsLeft = new Map<string, number>();
  let timer: Timer | undefined;
  let underWay = Promise.resolve();
  let isClosed = false;

  const schedule = () => {
    timer = setTimeout(() => {
      underWay = round();
    }, SOON_MS);
    // Does not keep the process alive: what waits is in the database.
    timer.unref();
  };

  const round = async () => {
    try {
      for (const shoeId of await computeRelatedHere(db, [...roundsLeft.keys()])) roundsLeft.delete(shoeId);
    } catch (thrown) {
      unlessLater(thrown);
    }
    for (const [shoeId, rounds] of roundsLeft)
      if (rounds > 1) roundsLeft.set(shoeId, rounds - 1);
      else roundsLeft.delete(shoeId);
    timer = undefined;
    if (roundsLeft.size > 0 && !isClosed) schedule();
  };

  return {
    async add(shoeId) {
      if (!db.isRemote) return computeRelatedOf(db, shoeId).catch(unlessLater);
      if (isClosed) return;
      roundsLeft.set(shoeId, ROUNDS_MAX);
      if (timer === undefined) schedule();
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await underWay;
    },
  };
}

/** The shoe is saved, so its client must not hear that it is not. */
function unlessLater(thrown: unknown): void {
  const { type } = toProblem(thrown);
  if (type !== "unavailable" && type !== "outcome-unknown") throw thrown;
}
