// Which SQL the door passes on, against the parser, the functions and the tables of a real sqld.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { readMigrations } from "../../../../db/schema/migrate.ts";
import { openPipeline, type Step } from "../../../../db/server/pipeline.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../../../../db/testing/server.ts";
import { CALLABLE, openStatements, reachesBeyond, verdictOf } from "./statements.ts";

const LONG_MS = 30_000;
/** No statement of ours needs them; some read files, run texts as SQL or take pointers, and a few build large values. */
const REFUSED_FUNCTIONS =
  `-> ->> atn2 charindex cot coth current_date current_time current_timestamp difference fts3_tokenizer fts5
fts5_source_id geopoly_area geopoly_bbox geopoly_blob geopoly_ccw geopoly_contains_point geopoly_debug geopoly_group_bbox
geopoly_json geopoly_overlap geopoly_regular geopoly_svg geopoly_within geopoly_xform last_rows_affected leftstr
libsql_server_database_name libsql_vector_idx load_extension lower_quartile lsmode match matchinfo median mode offsets optimize
padc padl padr proper randomblob readfile regexp regexpi replicate reverse rightstr rtreecheck rtreedepth rtreenode sha3 sha3_query
soundex sqlite3mc_codec_data sqlite3mc_config sqlite3mc_config_table sqlite3mc_version sqlite_compileoption_get
sqlite_compileoption_used sqlite_crypt sqlite_log sqlite_source_id sqlite_version square stdev strfilter subtype upper_quartile uuid
uuid_blob uuid_str variance vector vector16 vector1bit vector32 vector64 vector8 vector_distance_cos vector_distance_l2
vector_extract vectorb16 writefile zeroblob`.split(/\s+/);
const READABLE_MODULES =
  `carray dbstat fsdir fts3tokenize fts4aux generate_series json_each json_tree sqlite_dbpage sqlite_stmt
vector_top_k`.split(/\s+/);
const folder = mkdtempSync(join(tmpdir(), "insole-statements-"));
let server: TestServer;
beforeAll(async () => {
  server = await openTestServer(migratedTemplate(folder));
});
afterAll(async () => {
  await server.remove();
  rmSync(folder, { recursive: true });
});

const refusalOf = (sql: string, isQuery = false) => verdictOf(sql, isQuery).refusal;

/** Runs each statement for itself; `null` where it has no error. */
async function errorsOf(sqls: string[]): Promise<(string | null)[]> {
  const steps = sqls.map((sql): Step => ({ condition: null, stmt: { sql, args: [], want_rows: true } }));
  const { step_errors: errors } = await openPipeline(server, { ms: LONG_MS, keptMax: 0 }).run(steps);
  return errors.map((error) => error?.message ?? null);
}

async function namesOf(sql: string): Promise<string[]> {
  const step: Step = { condition: null, stmt: { sql, args: [], want_rows: true } };
  const { step_results: results } = await openPipeline(server, { ms: LONG_MS, keptMax: 0 }).run([step]);
  return (results[0]?.rows ?? []).map(([cell]) => (cell?.type === "text" ? cell.value : ""));
}

describe("passes", () => {
  test.each([
    "SELECT 1",
    "select 1",
    "  \t\r\n\fSELECT/* a */1-- b",
    "SELECT 'it''s; COMMIT', \"a\"\"b\", `c``d`, [e; f], x'0aFF', 0x1f, 1.5e-3, .5, 5., ?, ?12",
    "SELECT 'OR ROLLBACK' AS \"rollback\"",
    "INSERT INTO words (word) VALUES (?) ON CONFLICT (word) DO UPDATE SET word = 'x' WHERE (1) RETURNING (word)",
    'INSERT INTO main."words" (word) SELECT value ->> 0 FROM json_each(?) WHERE true',
    "REPLACE INTO words (word) VALUES (lower(?))",
    "WITH a (b, c) AS (SELECT 1, 2), d AS NOT MATERIALIZED (SELECT 3) DELETE FROM words WHERE id IN (SELECT b FROM a)",
    "UPDATE words SET (word) = (SELECT replace('a', 'b', 'c')) WHERE (id, word) IN (VALUES (1, 2))",
    "SELECT count(*) FILTER (WHERE 1) OVER (PARTITION BY (1) ORDER BY (2)) FROM words GROUP BY (1) HAVING (1)",
    "SELECT CASE WHEN (1) THEN (2) ELSE (3) END BETWEEN (4) AND (5) FROM words AS a JOIN words AS b USING (id)",
  ])("%j", (sql) => expect(refusalOf(sql)).toBeNull());
});

describe("refuses", () => {
  test.each([
    ["unreadable", "SELECT 1 /* a"],
    ["unreadable", "SELECT 'a"],
    ["unreadable", 'SELECT "a'],
    ["unreadable", "SELECT [a"],
    ["unreadable", "SELECT 1\0"],
    ["unreadable", "SELECT 'a\0b'"],
    ["unreadable", "SELECT\u000b1"],
    ["unreadable", "SELECT 1a"],
    ["unreadable", "SELECT x'a'"],
    ["unreadable", "SELECT :a, @b"],
    ["unreadable", "SELECT $a::b(c)"],
    ["kind", ""],
    ["kind", "-- a"],
    ["kind", "\uFEFFSELECT 1"],
    ["kind", "\u00a0SELECT 1"],
    ["kind", '"SELECT" 1'],
    ["kind", "COMMIT"],
    ["kind", "/* SELECT */ COMMIT"],
    ["kind", "-- SELECT\nEND"],
    ["kind", "ROLLBACK"],
    ["kind", "BEGIN"],
    ["kind", "SAVEPOINT member"],
    ["kind", "RELEASE member"],
    ["kind", "EXPLAIN SELECT 1"],
    ["kind", "PRAGMA foreign_keys = OFF"],
    ["kind", "ATTACH 'x' AS y"],
    ["kind", "VACUUM INTO 'x'"],
    ["kind", "CREATE TEMP TABLE a (b)"],
    ["kind", "VALUES (1)"],
    ["several", "SELECT 1; COMMIT"],
    ["several", "SELECT 1;"],
    ["rollback", "INSERT OR ROLLBACK INTO words VALUES (1)"],
    ["rollback", "INSERT OR/**/rollBACK INTO words VALUES (1)"],
    ["rollback", "UPDATE OR ROLLBACK words SET id = 1"],
    ["rollback", "SELECT RAISE(ROLLBACK, 'x')"],
    ["call", "SELECT RAISE(ABORT, 'x')"],
    ["name", "SELECT readfile('x')"],
    ["name", "SELECT READFILE('x')"],
    ["name", "SELECT readfile/**/ ('x')"],
    ["name", "SELECT \"readfile\"('x')"],
    ["name", "SELECT [readFile]('x')"],
    ["name", "SELECT `readfile`('x')"],
    ["name", "SELECT * FROM 'fsdir' WHERE path = '/'"],
    ["name", "SELECT * FROM main.[FsDir]"],
    ["name", "SELECT writefile('a', 'b')"],
    ["name", "SELECT edit('a')"],
    ["name", "SELECT load_extension('a')"],
    ["name", "SELECT sha3_query('SELECT readfile(1)')"],
    ["name", "SELECT fts3_tokenizer('a', ?)"],
    ["name", "SELECT * FROM sqlite_schema"],
    ["name", "SELECT sqlite3mc_config('a')"],
    ["name", "UPDATE sqlite_dbpage SET data = ?"],
    ["name", "SELECT * FROM pragma_table_info('words')"],
    ["name", "SELECT * FROM libsql_wasm_func_table"],
    ["name", "WITH readfile (a) AS (SELECT 1) SELECT 1"],
    ["call", "SELECT zeroblob(300000000)"],
    ["call", "SELECT unknown(1)"],
    ["call", 'SELECT "unknown"(1)'],
    ["call", "SELECT 1 FROM 'unknown'(1)"],
    ["call", "SELECT 1, unknown(1) AS a, (SELECT 2)"],
    ["call", "INSERT INTO words (word) VALUES (unknown(1))"],
  ] as const)("as %s: %j", (refusal, sql) => expect(refusalOf(sql)).toBe(refusal));

  test("as queries what writes", () => {
    for (const sql of ["INSERT INTO words VALUES (1)", "DELETE FROM words", "UPDATE words SET id = 1"])
      expect(refusalOf(sql, true)).toBe("kind");
    // What begins with WITH may write: the token of queries does not let it.
    expect(refusalOf("WITH a AS (SELECT 1) DELETE FROM words", true)).toBeNull();
  });
});

test("the judge throws the refusal, counts it by its reason, and judges a text the same again", () => {
  const { judge, metrics } = openStatements();
  for (let round = 0; round < 2; round += 1) {
    expect(() => judge([{ sql: "SELECT 1" }, { sql: "COMMIT" }], false)).toThrow("a statement begins with");
    expect(() => judge([{ sql: "DELETE FROM words" }], true)).toThrow("a statement begins with SELECT, WITH");
    judge([{ sql: "DELETE FROM words" }], false);
  }
  expect(metrics().map(({ value, labels }) => [value, labels])).toEqual([[4, { reason: "kind" }]]);
});

test("every function of sqld may be called or is known to be refused", async () => {
  const functions = new Set(await namesOf("SELECT name FROM pragma_function_list"));
  const refused = [...functions].filter((name) => !CALLABLE.has(name)).sort();
  expect(refused).toEqual(REFUSED_FUNCTIONS);
  for (const name of refused) expect([name, refusalOf(`SELECT "${name}" (1)`)]).not.toEqual([name, null]);
});

test("every table-valued function of sqld may be read or is known to be refused", async () => {
  const modules = await namesOf("SELECT name FROM pragma_module_list WHERE name NOT LIKE 'pragma%'");
  const isReadable = await errorsOf(modules.map((name) => `SELECT 1 FROM "${name}" LIMIT 0`));
  const readable = modules.filter(
    (_, at) => isReadable[at] === null || !/no such table/.test(isReadable[at] ?? ""),
  );
  expect(readable.sort()).toEqual(READABLE_MODULES);
  for (const name of readable)
    expect([name, refusalOf(`SELECT 1 FROM "${name}"`)]).toEqual([
      name,
      name.startsWith("json") ? null : "name",
    ]);
});

test("the migrations reach nothing beyond the database, and what does is found in any SQL", () => {
  expect(readMigrations().filter(({ sql }) => reachesBeyond(sql))).toEqual([]);
  expect(reachesBeyond("BEGIN; CREATE TABLE a (b DEFAULT (ReadFile('x'))); COMMIT")).toBe(true);
  expect(reachesBeyond("SELECT 'a")).toBe(true);
});

/** Pieces of SQL, most of them dangerous, that are put together in any order. */
const PIECES = [
  `SELECT INSERT UPDATE DELETE REPLACE WITH COMMIT END BEGIN ROLLBACK SAVEPOINT RELEASE PRAGMA ATTACH OR INTO FROM words
word VALUES SET WHERE AS member readfile fsdir sqlite_schema foreign_keys EXPLAIN TEMP main`.split(/\s+/),
  `( ) , ; . * = 1 ? ' " \` [ ] -- /* */ '' 'a' "a" x'00' x' 0x 1e $ : @ # \\`.split(" "),
  ["\n", " ", "\0", "\uFEFF", "\u00a0", "\u000b", "\f"],
].flat();
const sqlText = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 3, unit: "binary" })), { maxLength: 20 })
  .map((pieces) => pieces.join(" "))
  .chain((text) => fc.constantFrom(text, `SELECT ${text}`, `INSERT INTO words (word) VALUES ${text}`));

test("what passes is one statement to sqld, which ends no transaction; or sqld refuses it, too", async () => {
  const begun = ["BEGIN", "INSERT INTO words (word) VALUES ('before')"];
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(sqlText, { minLength: 200, maxLength: 200 }), async (texts) => {
      const members = texts.filter((sql) => refusalOf(sql) === null);
      passed += members.length;
      for (const sql of members) {
        const errors = await transactionOf([...begun, sql]);
        expect({ sql, ...errors }).toEqual({ sql, isOpen: true });
      }
    }),
    { numRuns: 20 },
  );
  expect(passed).toBeGreaterThan(50);
});

/** Runs the statements on one stream; whether the transaction stands after them, and is undone. */
async function transactionOf(sqls: string[]): Promise<{ isOpen: boolean }> {
  const steps = sqls.map((sql): Step => ({ condition: null, stmt: { sql, args: [], want_rows: true } }));
  const standing: Step = {
    condition: { type: "not", cond: { type: "is_autocommit" } },
    stmt: { sql: "ROLLBACK", args: [], want_rows: false },
  };
  const pipeline = openPipeline(server, { ms: LONG_MS, keptMax: 0 });
  const { step_results: results } = await pipeline.run([...steps, standing]).catch((thrown) => {
    // sqld refuses the whole batch where it cannot read one statement.
    expect(String(thrown.message)).toMatch(/SQL string|could not be parsed/);
    return { step_results: [null, {}] };
  });
  return { isOpen: Boolean(results.at(-1)) };
}
