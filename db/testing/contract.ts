// The contract suite: what every database must do, run on a file, on a server and a replica, and on both behind a door.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Statement } from "../database.ts";
import { DatabaseError, type DatabaseErrorKind } from "../errors.ts";
import { must } from "../must.ts";
import { requires } from "../write/guard.ts";
import { checks } from "./contract-checks.ts";
import {
  type Backing,
  COUNT_WORDS,
  closing,
  expectRefusal,
  failure,
  machine,
  ofShoe,
  reads,
  type Subject,
  shoe,
  size,
  word,
  writeIds,
} from "./contract-parts.ts";
import { orders } from "./contract-triggers.ts";

type Open = () => Promise<Backing>;

/** More writes than any queue holds. */
const FLOOD = 30_000;

/** Declares the suite for one backing. */
export function databaseContract(name: string, open: Open): void {
  let backing: Backing;
  const subject: Subject = {
    db: () => backing.db,
    caughtUp: () => backing.caughtUp(),
    query: async (work) => (backing.hasCopy ? work(backing.db) : backing.db.onPrimary(work)),
    breakWrites: (areBroken) => backing.breakWrites(areBroken),
  };
  const begin = async () => {
    backing = await open();
  };
  const end = async () => {
    await backing.db.close();
    await backing.remove();
  };
  describe(`the database on ${name}`, () => {
    // A server takes half a second to start: tests that leave at most words behind share one.
    describe.each(Object.entries({ reads, rules, values, scan }))("%s", (_name, declare) => {
      beforeAll(begin);
      beforeEach(async () => {
        await backing.db.write([{ sql: "DELETE FROM words" }]);
        await backing.caughtUp();
      });
      afterAll(end);
      declare(subject);
    });
    const separate = { writes, "write ids": writeIds, machine, checks, orders, closing };
    describe.each(Object.entries(separate))("%s", (_name, declare) => {
      beforeEach(begin);
      afterEach(end);
      declare(subject);
    });
  });
}

function writes({ db, caughtUp, query }: Subject): void {
  test("commits the statements of a write together and returns what each did", async () => {
    const results = await db().write([
      shoe("a"),
      shoe("b"),
      { sql: "UPDATE shoes SET likes = likes + 1" },
      { sql: "DELETE FROM shoes WHERE shoe_id = ? RETURNING shoe_id, likes", args: ["b"] },
      word("no rows come back from the word 'RETURNING'"),
      { sql: "INSERT INTO words (word) VALUES ('returning')" },
    ]);
    expect(results.map(({ changes }) => changes)).toEqual([1, 1, 2, 1, 1, 1]);
    expect(results[1]?.rows.map((row) => row[1])).toEqual(["b"]);
    expect(results[2]?.rows).toEqual([]);
    expect(results[3]?.rows).toEqual([["b", 1]]);
    await caughtUp();
    expect(await query(({ read }) => read.all("SELECT shoe_id, likes FROM shoes"))).toEqual([["a", 1]]);
  });

  test("undoes a write with a failing statement", async () => {
    expectRefusal(await failure(db().write([word("a"), shoe("a", 0), word("b")])), "check", ["price_cents"]);
    await caughtUp();
    expect(await query(({ read }) => read.get(COUNT_WORDS))).toEqual([0]);
  });

  test("undoes a failing member alone: the others of its group are committed", async () => {
    const writes = Array.from({ length: 200 }, (_, index) =>
      failure(db().write(index % 2 ? [word(`bad ${index}`), word(`bad ${index}`)] : [word(`good ${index}`)])),
    );
    const outcomes = await Promise.all(writes);
    outcomes.forEach((outcome, index) => {
      if (index % 2) expectRefusal(outcome, "unique", ["words.word"]);
      else expect(outcome).toBe("it was done");
    });
    expect(db().writeQueue().commits).toBeLessThan(100);
    await caughtUp();
    expect(
      await query(({ read }) => read.get("SELECT count(*), sum(word LIKE 'good %') FROM words")),
    ).toEqual([100, 100]);
  });

  test("acknowledges no member of an undone transaction", async () => {
    const undoing = { sql: "INSERT OR ROLLBACK INTO words (word) VALUES ('first')" };
    const outcomes = await Promise.all(
      [[word("first")], [word("second")], [undoing], [word("third")]].map((write) =>
        failure(db().write(write)),
      ),
    );
    await caughtUp();
    const stored = (
      await query(({ read }) => read.all<[string]>("SELECT word FROM words ORDER BY word"))
    ).flat();
    const acknowledged = ["first", "second", "undoing", "third"].filter(
      (_, index) => outcomes[index] === "it was done",
    );
    expect(stored).toEqual(acknowledged);
    expect(outcomes[2]).toBeInstanceOf(DatabaseError);
    await db().write([word("after it")]);
  });

  test("refuses what its queue cannot hold with `overloaded`, and did not do it", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: FLOOD }, (_, index) => failure(db().write([word(`${index}`)]))),
    );
    const refused = outcomes.filter((outcome) => outcome !== "it was done");
    expect(refused.length).toBeWithin(1, FLOOD);
    for (const outcome of new Set(refused.map((thrown) => (thrown as DatabaseError).kind)))
      expect(outcome).toBe("overloaded");
    expect(db().writeQueue().queued).toBe(0);
    await caughtUp();
    expect(await query(({ read }) => read.get(COUNT_WORDS))).toEqual([FLOOD - refused.length]);
  });
}

function rules({ db, caughtUp, query }: Subject): void {
  const refused: [string, Statement, DatabaseErrorKind, string[]][] = [
    ["a second shoe of one id", shoe("a", 100, "other"), "unique", ["shoes.shoe_id"]],
    ["a second shoe of one slug", shoe("b", 100, "a"), "unique", ["shoes.slug"]],
    [
      "a label twice",
      { sql: "INSERT INTO facets (kind, key, name) VALUES ('all', '', '')" },
      "unique",
      ["facets.kind", "facets.key"],
    ],
    ["a size twice", size("42", 1), "unique", ["sizes.shoe", "sizes.size"]],
    ["negative stock", ofShoe("UPDATE sizes SET stock = stock - 3 WHERE shoe = :shoe"), "check", ["stock"]],
    ["too much stock", size("1000", 1_000_001), "check", ["stock"]],
    ["a price of 0", shoe("free", 0), "check", ["price_cents"]],
    ["a price with a fraction", shoe("half", 0.5), "check", ["shoes.price_cents"]],
    ["a price that is not a number", shoe("text", "cheap"), "check", ["shoes.price_cents"]],
    ["no title", { sql: "UPDATE shoes SET title = NULL" }, "check", ["shoes.title"]],
    ["an empty title", { sql: "UPDATE shoes SET title = ''" }, "check", ["title"]],
    ["negative likes", { sql: "UPDATE shoes SET likes = -1" }, "check", ["likes"]],
    [
      "a label of an unknown kind",
      { sql: "INSERT INTO facets (kind, key, name) VALUES ('x', '', '')" },
      "check",
      ["kind"],
    ],
    ["sizes of an unknown shoe", { sql: "INSERT INTO sizes VALUES (99, 0, '42', 1)" }, "reference", []],
    ["an unknown brand", { sql: "UPDATE shoes SET brand_id = 99" }, "reference", []],
    [
      "a given list that contains the shoe itself",
      ofShoe(`INSERT INTO related VALUES (:shoe, 'a', 1, '["b","a"]')`),
      "check",
      ["given"],
    ],
    [
      "a computed list that contains the shoe itself",
      ofShoe("INSERT INTO related VALUES (:shoe, 'a', 0, json_array(7, :shoe))"),
      "check",
      ["given"],
    ],
    ["a second dataset", { sql: "INSERT INTO dataset VALUES (2, '', '', 0, 0)" }, "check", ["one"]],
    [
      "a condition that does not hold",
      requires("EXISTS (SELECT 1 FROM words WHERE word = ?)", "b"),
      "check",
      ["one"],
    ],
    ["a faulty statement", { sql: "INSERT INTO no_such_table VALUES (1)" }, "unknown", []],
  ];
  beforeAll(() => db().write([shoe("a"), size("42", 2)]));
  test.each(refused)("refuse %s", async (_name, statement, kind, columns) => {
    expectRefusal(await failure(db().write([word("beside it"), statement])), kind, columns);
    await caughtUp();
    expect(
      await query(({ read }) => read.get("SELECT (SELECT count(*) FROM words), (SELECT stock FROM sizes)")),
    ).toEqual([0, 2]);
  });
}

function values({ db, caughtUp, query }: Subject): void {
  const MOST = Number.MAX_SAFE_INTEGER;

  test("whole numbers are bound as integers and come back as numbers", async () => {
    const sql = "INSERT INTO changes (kind, at) VALUES ('session', ?) RETURNING at, typeof(at)";
    const results = await db().write([0, -1, MOST, -MOST, 5n].map((value) => ({ sql, args: [value] })));
    expect(results.map(({ rows }) => rows[0])).toEqual(
      [0, -1, MOST, -MOST, 5].map((value) => [value, "integer"]),
    );
    for (const value of [0, -1, MOST])
      expect(await query(({ read }) => read.get("SELECT ?1, typeof(?1)", value))).toEqual([value, "integer"]);
    for (const value of [1.5, 1e300, -2.25e-10])
      expect(await query(({ read }) => read.get("SELECT ?1, typeof(?1)", value))).toEqual([value, "real"]);
  });

  test("texts of any script and length, bytes and NULL come back unchanged", async () => {
    const texts = ["", "'; DROP TABLE shoes; --", "👟 ñandú 한글 ﷽", "\u{10ffff}\u{7f}", "é".repeat(200_000)];
    await db().write(texts.map(word));
    await caughtUp();
    for (const text of texts)
      expect(await query(({ read }) => read.get("SELECT word FROM words WHERE word = ?", text))).toEqual([
        text,
      ]);
    const bytes = new Uint8Array([0, 255, 0, 128]);
    const row = await query(({ read }) => read.get<[Uint8Array]>("SELECT ?", bytes));
    expect([...must(row, "the row")[0]]).toEqual([...bytes]);
    expect(await query(({ read }) => read.get("SELECT ?", null))).toEqual([null]);
  });

  // The driver cuts a returned text at NUL; as JSON, which is how the shop reads, it comes back whole.
  test("a NUL inside a text is kept", async () => {
    await db().write([word("a\u0000b")]);
    await caughtUp();
    const sql = "SELECT json_quote(word) FROM words WHERE word = ?";
    const row = await query(({ read }) => read.get<[string]>(sql, "a\u0000b"));
    expect(JSON.parse(must(row, "the row")[0])).toBe("a\u0000b");
  });
}

function scan({ db, caughtUp }: Subject): void {
  /** A query that counts so far, which takes time. */
  const counting = (count: number): Statement => ({
    sql: "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT max(i) FROM n",
    args: [count],
  });
  const [COUNT_MIN, COUNT_MAX] = [100_000, 20_000_000];

  test("returns the rows of each query", async () => {
    await db().write([word("a"), word("b")]);
    await caughtUp();
    const queries = [
      { sql: "SELECT word FROM words WHERE word > ?", args: ["a"] },
      { sql: COUNT_WORDS },
      { sql: "SELECT 1 WHERE 0" },
    ];
    expect(await db().scan(queries)).toEqual([[["b"]], [[2]], []]);
  });

  test("reads one snapshot while writes go on", async () => {
    await db().write([word("before")]);
    await caughtUp();
    let written = 0;
    /** Writes until the scan ends. Returns how many words the scan saw first and last, and how many were written meanwhile. */
    const scanWhileWriting = async (count: number) => {
      const before = written;
      let isScanning = true;
      const write = async () => {
        for (; isScanning; written += 1) await db().write([word(`during ${written}`)]);
      };
      const scanned = db()
        .scan([{ sql: COUNT_WORDS }, counting(count), { sql: COUNT_WORDS }])
        .finally(() => {
          isScanning = false;
        });
      const [[first, , last]] = await Promise.all([scanned, write()]);
      return { first, last, during: written - before };
    };
    let scan: Awaited<ReturnType<typeof scanWhileWriting>> | undefined;
    // As long as some writes take, which depends on the machine.
    for (let count = COUNT_MIN; (scan?.during ?? 0) < 5 && count < COUNT_MAX; count *= 2)
      scan = await scanWhileWriting(count);
    expect(scan?.during).toBeGreaterThanOrEqual(5);
    expect(scan?.last).toEqual(must(scan?.first, "the first answer"));
    await caughtUp();
    expect(await db().scan([{ sql: COUNT_WORDS }])).toEqual([[[written + 1]]]);
  });

  test("refuses a faulty query, and answers the next one", async () => {
    expectRefusal(await failure(db().scan([{ sql: "SELECT * FROM nothing" }])), "unknown");
    expect(await db().scan([{ sql: "SELECT 1" }])).toEqual([[[1]]]);
  });

  test("refuses what its queue cannot hold with `overloaded`, and answers the rest", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 2_000 }, (_, index) => failure(db().scan([{ sql: "SELECT ?", args: [index] }]))),
    );
    const refused = outcomes.filter((outcome) => outcome !== "it was done");
    expect(refused.length).toBeWithin(1, 2_000);
    for (const thrown of refused) expectRefusal(thrown, "overloaded");
  });
}
