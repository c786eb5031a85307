// What the contract suite writes, and how it looks at refusals.
import { expect, test } from "bun:test";
import type { Database, Readable, Statement, Value } from "./database.ts";
import { DatabaseError, type DatabaseErrorKind } from "./errors.ts";
import { only } from "./guard.ts";

/** The database of the test that runs. */
export type Under = {
  db(): Database;
  caughtUp(): Promise<void>;
  /** Puts questions to the read door, or where there is none to the server. */
  ask<T>(work: (at: Readable) => T): Promise<T>;
};

/** Adds a word to the index's vocabulary: the smallest write there is. */
export const word = (text: string): Statement => ({
  sql: "INSERT INTO words (word) VALUES (?)",
  args: [text],
});

/** Adds a shoe. */
export const shoe = (shoeId: string, priceCents: Value = 100, slug = shoeId): Statement => ({
  sql: `INSERT INTO shoes (shoe_id, slug, price_cents, title, images, origin, content_hash, created_at, updated_at, description)
        VALUES (?1, ?3, ?2, 'A shoe', '[]', 'api', '', 1, 1, '') RETURNING id, shoe_id`,
  args: [shoeId, priceCents, slug],
});

/** A statement about shoe `a`, whose row is `:shoe`. */
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

/** What was thrown, or that nothing was. */
export const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "it was done",
    (thrown) => thrown,
  );

/** Expects a `DatabaseError` of this kind that names these columns. */
export function expectRefusal(thrown: unknown, kind: DatabaseErrorKind, columns: string[] = []): void {
  expect(thrown).toBeInstanceOf(DatabaseError);
  const { kind: told, columns: named } = thrown as DatabaseError;
  expect({ kind: told, columns: named }).toEqual({ kind, columns });
}

/** What a write id does. */
export function writeIds({ db, caughtUp, ask }: Under): void {
  test("records a write id with the effect, and refuses to do it twice", async () => {
    const write = () => db().write([only("1 = 1"), { sql: "SELECT 5" }], "a write");
    expect((await write())[1]?.rows).toEqual([[5]]);
    expectRefusal(await failure(write()), "unique", ["writes.id"]);
    await caughtUp();
    expect(await ask(({ read }) => read.all("SELECT id FROM writes"))).toEqual([["a write"]]);
  });
}
