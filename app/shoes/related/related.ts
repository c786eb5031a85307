// Computes related shoes where no list was given: neighbours in price within category and brand, ranked by similarity.
import type { Database, Readable } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import { bulk } from "../../../db/sql.ts";
import { wordsOf } from "../../../db/words.ts";

const RELATED_MAX = 12;
/** Neighbours that are compared on either side of a shoe's price. */
const WINDOWS = [
  { column: "category_id", half: 16 },
  { column: "brand_id", half: 8 },
] as const;
const WRITE_CHUNK = 1_000;
/** Up to this many written lists are one change each in the feed; more are one change for all shoes. */
const SINGLE_CHANGES_MAX = 200;
const WALK_CHUNK = 1_000;
/** With more pending shoes, one walk along the indexes is cheaper than one query per shoe. */
const WALK_PENDING_MIN = 5_000;
/** Ids whose lists one walk computes: about 40 MB. */
const WALK_IDS_MAX = 200_000;
/** A price rank is the price followed by so many values of the id's hash, which order equal prices. */
const TIES = 2 ** 26;

type Group = (typeof WINDOWS)[number]["column"];
type Shoe = {
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
type ShoeRow = [number, number, string, number | null, number | null, number | null, number | null];

const COLUMNS = "s.id, s.price_rank, s.title, s.category_id, s.brand_id, s.color_id, s.gender_id";

const toShoe = ([id, rank, title, category, brand, color, gender]: ShoeRow): Shoe => ({
  id,
  rank,
  cents: Math.floor(rank / TIES),
  words: [...new Set(wordsOf(title))],
  category,
  brand,
  color,
  gender,
});

/** Computes the lists of all pending shoes and returns their number; equal catalogues get equal lists. */
export async function computeRelated(db: Database): Promise<number> {
  const [pendingCount] = db.read.get<[number]>(
    "SELECT count(*) FROM (SELECT 1 FROM related_pending LIMIT ?)",
    WALK_PENDING_MIN + 1,
  ) ?? [0];
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

const nearest = (db: Readable) => (shoe: Shoe) => {
  const best = new Best();
  const rows = db.read.all<ShoeRow>(NEIGHBOURS, shoe.rank, shoe.category, shoe.brand);
  for (const other of rows.map(toShoe)) best.offer(other, similarity(shoe, other));
  return { id: shoe.id, list: best.ids() };
};

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
  if (lists.length > 0) await writeLists(db, lists, 1, crypto.randomUUID());
}

/** Computes the lists of those of these shoes that the replica shows as pending and up to date; returns their ids. */
export async function computeRelatedHere(db: Database, shoeIds: string[]): Promise<string[]> {
  const lists = pendingLists(db, shoeIds);
  if (lists.length === 0) return [];
  const written = new Set(await writeLists(db, lists, SINGLE_CHANGES_MAX, crypto.randomUUID()));
  return lists.filter(({ id }) => written.has(id)).map(({ shoeId }) => shoeId);
}

/** SQL for the next shoes of a group below or above the price rank ?1. */
const neighboursSql = (column: Group, group: string, beyond: "<" | ">", count: number): string =>
  `SELECT ${COLUMNS} FROM shoes AS s WHERE s.${column} IS ${group} AND s.price_rank ${beyond} ?1
ORDER BY s.price_rank ${beyond === "<" ? "DESC" : "ASC"} LIMIT ${count}`;

// One statement, because each may be a round trip to the primary. Binds the shoe's rank, category and brand.
const NEIGHBOURS = WINDOWS.flatMap(({ column, half }) => {
  const group = column === "category_id" ? "?2" : "?3";
  return [neighboursSql(column, group, "<", half), neighboursSql(column, group, ">", half)];
})
  .map((part) => `SELECT * FROM (${part})`)
  .join(" UNION ALL ");

/** Ranks shared attributes first, then the nearer price, then the lower; below 2^46, which a double holds exactly. */
function similarity(shoe: Shoe, other: Shoe): number {
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
class Best {
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
async function writeLists(
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
