// Statements and expectations of the contract suite, and the tests of its reads, write ids and closing.
import { expect, test } from "bun:test";
import type { Database, Readable, Statement, Value } from "../database.ts";
import { DatabaseError, type DatabaseErrorKind } from "../errors.ts";
import { until } from "../until.ts";
import { requires } from "../write/guard.ts";

/** Selects the number of words. */
export const COUNT_WORDS = "SELECT count(*) FROM words";

/**
 * A fresh, migrated database under test. `caughtUp` waits until `read` sees its own writes. Without a copy here (`hasCopy`)
 * `read` throws, and the tests use `onPrimary`. With `breakWrites(true)` its machine stores no more large writes.
 */
export type Backing = {
  db: Database;
  hasCopy: boolean;
  caughtUp(): Promise<void>;
  breakWrites(areBroken: boolean): Promise<unknown>;
  remove(): Promise<void>;
};

/** The database under test. */
export type Subject = Pick<Backing, "breakWrites"> & {
  db(): Database;
  caughtUp(): Promise<void>;
  /** Runs `work` on the local reads, or on the server where there are none. */
  query<T>(work: (readable: Readable) => T): Promise<T>;
};

/** Adds a word to the index's vocabulary: the smallest possible write. */
export const word = (text: string): Statement => ({
  sql: "INSERT INTO words (word) VALUES (?)",
  args: [text],
});

/** The values of a row by column. */
export type RowOf = Record<string, Value>;

/** Adds a row to a table. */
export function adding(table: string, row: RowOf): Statement {
  const columns = Object.keys(row);
  const marks = columns.map(() => "?");
  return {
    sql: `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${marks.join(", ")})`,
    args: Object.values(row),
  };
}

/** Adds a shoe. */
export const shoe = (shoeId: string, priceCents: Value = 100, slug = shoeId): Statement => ({
  sql: `INSERT INTO shoes (shoe_id, slug, price_cents, title, images, origin, content_hash, created_at, updated_at, description)
        VALUES (?1, ?3, ?2, 'A shoe', '[]', 'api', '', 1, 1, '') RETURNING id, shoe_id`,
  args: [shoeId, priceCents, slug],
});

/** A statement about shoe `a`; `:shoe` stands for its row id. */
export const ofShoe = (sql: string, ...args: Value[]): Statement => ({
  sql: sql.replaceAll(":shoe", "(SELECT id FROM shoes WHERE shoe_id = 'a')"),
  args,
});

/** Adds a size to shoe `a`. */
export const size = (name: string, stock: number): Statement =>
  ofShoe(
    "INSERT INTO sizes (shoe, position, size, stock) VALUES (:shoe, ?1, ?2, ?3)",
    name.length,
    name,
    stock,
  );

/** Resolves with what the promise rejects with, or with a text where it resolves. */
export const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "it was done",
    (thrown) => thrown,
  );

/** Expects a `DatabaseError` of this kind and with these columns. */
export function expectRefusal(thrown: unknown, kind: DatabaseErrorKind, columns: string[] = []): void {
  expect(thrown).toBeInstanceOf(DatabaseError);
  const { kind: actualKind, columns: actualColumns } = thrown as DatabaseError;
  expect({ kind: actualKind, columns: actualColumns }).toEqual({ kind, columns });
}

/** Tests of write ids. */
export function writeIds({ db, caughtUp, query }: Subject): void {
  test("records a write id with the effect, and refuses to do it twice", async () => {
    const write = () => db().write([requires("1 = 1"), { sql: "SELECT 5" }], "a write");
    expect((await write())[1]?.rows).toEqual([[5]]);
    expectRefusal(await failure(write()), "unique", ["writes.id"]);
    await caughtUp();
    expect(await query(({ read }) => read.all("SELECT id FROM writes"))).toEqual([["a write"]]);
  });
}

/** Larger than the free pages of a file, and than a small bound of a file's size. */
const LARGE = 1_000_000;
const LARGE_WRITES = 20;

/** Tests of a machine that cannot write. */
export function machine({ db, caughtUp, query, breakWrites }: Subject): void {
  test("refuses a write that the machine fails with `unwritable`, reads on, heals, and has nothing of it", async () => {
    await db().write([word("before")], "before");
    await caughtUp();
    await breakWrites(true);
    const large = (index: number) => [word(`small ${index}`), word(`${index} ${"x".repeat(LARGE)}`)];
    const outcomes = await Promise.all(
      Array.from({ length: LARGE_WRITES }, (_, index) => failure(db().write(large(index), `${index}`))),
    );
    for (const outcome of outcomes) expectRefusal(outcome, "unwritable");
    const { outage, failures } = db().writeQueue();
    expect(["disk-full", "io-error"]).toContain(outage?.reason ?? "none");
    expect(outage).toMatchObject({ writes: LARGE_WRITES, error: expect.stringMatching(/full|I\/O error/) });
    expect(Object.values(failures)).toEqual([LARGE_WRITES]);
    expect(await query(({ read }) => read.all("SELECT word FROM words"))).toEqual([["before"]]);

    await breakWrites(false);
    // While the breaker is open one write a second tries.
    const isDone = async () => (await failure(db().write(large(0), "after"))) === "it was done";
    await until("a write succeeds", isDone);
    expect(db().writeQueue()).toMatchObject({ outage: null, breaker: "closed" });
    await caughtUp();
    const ids = await query(({ read }) => read.all("SELECT id FROM writes ORDER BY id"));
    expect(ids).toEqual([["after"], ["before"]]);
    expect(await query(({ read }) => read.get(COUNT_WORDS))).toEqual([3]);
  });
}

/** Tests of closing. */
export function closing({ db, query }: Subject): void {
  test("waits for what is under way, refuses later calls, and may be repeated", async () => {
    const writes = Array.from({ length: 3_000 }, (_, index) => db().write([word(`${index}`)]));
    const scanned = db().scan([{ sql: "SELECT 1" }]);
    const ended: string[] = [];
    const close = (name: string) =>
      db()
        .close()
        .then(() => void ended.push(name));
    const closed = [close("first"), close("second")];
    expectRefusal(await failure(db().write([word("late")])), "closed");
    expectRefusal(await failure(db().scan([{ sql: "SELECT 1" }])), "closed");
    expect((await Promise.all(writes)).every(([result]) => result?.changes === 1)).toBe(true);
    expect(await scanned).toEqual([[[1]]]);
    await Promise.all(closed);
    expect(ended).toEqual(["first", "second"]);
    expectRefusal(await failure(db().write([word("later")])), "closed");
    expectRefusal(await failure(query(({ read }) => read.get("SELECT 1"))), "closed");
    expectRefusal(await failure(query(({ read }) => read.all("SELECT 1"))), "closed");
  });
}

/** Tests of reads. */
export function reads({ db, caughtUp, query }: Subject): void {
  test("answers with tuples in the order of the columns", async () => {
    await db().write([word("b"), word("a"), word("c")]);
    await caughtUp();
    expect(
      await query(({ read }) =>
        read.all("SELECT word, length(word) FROM words WHERE word < ? ORDER BY word", "c"),
      ),
    ).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
    expect(await query(({ read }) => read.get("SELECT word FROM words WHERE word = ?", "a"))).toEqual(["a"]);
    expect(
      await query(({ read }) => read.get("SELECT word FROM words WHERE word = ?", "nothing")),
    ).toBeUndefined();
    expect(await query(({ read }) => read.all("SELECT word FROM words WHERE word = ?", "nothing"))).toEqual(
      [],
    );
  });

  test("sees the newest state at every read, also after a read that left rows unread", async () => {
    for (let round = 1; round <= 5; round += 1) {
      await db().write([word(`word ${round}`)]);
      await caughtUp();
      expect(await query(({ read }) => read.get("SELECT word FROM words ORDER BY word"))).toEqual(["word 1"]);
      expect(await query(({ read }) => read.get(COUNT_WORDS))).toEqual([round]);
    }
  });

  test("answers more different queries than it keeps prepared", async () => {
    for (let round = 0; round < 1_200; round += 1)
      expect(await query(({ read }) => read.get(`SELECT ${round}, ?`, round))).toEqual([round, round]);
  });
}
