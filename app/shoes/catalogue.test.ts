// The catalogue's triggers: counters, stock, the search index and the change feed follow every write.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database, Row } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { openHandle } from "../../db/read/reader.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { removeDemoShoes } from "../import/store.ts";
import { PRICE_BANDS } from "./list/price-bands.ts";
import { computeRelated } from "./related/backlog.ts";
import { checkDraft, type ShoeDraft } from "./write/draft.ts";
import type { OnConflict, ShoeSource } from "./write/row.ts";
import { openSaving, type Saving, saveShoes } from "./write/save.ts";

const CACHE_KB = 4_000;
const STEPS = 120;
const IDS = 60;
const CHANGES_KEPT = 100_000;

const root = mkdtempSync(join(tmpdir(), "insole-catalogue-"));
let made = 0;
let db: Database;
let saving: Saving;
let handle: ReturnType<typeof openHandle>;

beforeEach(() => {
  const path = join(root, `${++made}.db`);
  migrate(path);
  db = openFile(path);
  saving = openSaving(db);
  handle = openHandle(path, CACHE_KB);
});
afterEach(async () => {
  handle.close();
  await db.close();
});
afterAll(() => rmSync(root, { recursive: true }));

const ask = (sql: string): Row[] => handle.prepare(sql).raw(true).all([]) as Row[];
const write = (sql: string, ...args: (string | number)[]) => db.write([{ sql, args }]);

/** A seeded random generator (mulberry32). */
function randomness(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function draftOf(shoeId: string, change: Partial<ShoeDraft> = {}): ShoeDraft {
  const draft: ShoeDraft = {
    shoeId,
    title: `Trail ${shoeId}`,
    description: "Grips wet rock.",
    brand: "Berg",
    category: "Hiking",
    color: "Red",
    gender: "women",
    priceCents: 8_000,
    listPriceCents: null,
    images: [],
    href: null,
    sizeSystem: "EU",
    sizes: [
      { size: "41", stock: 2 },
      { size: "42", stock: 0 },
    ],
    related: null,
    ...change,
  };
  expect(checkDraft(draft)).toEqual([]);
  return draft;
}

const save = (drafts: ShoeDraft[], origin: ShoeSource = "api", onConflict: OnConflict = "replace") =>
  saveShoes(saving, drafts, { origin, onConflict, nowMs: Date.now() });

function randomDraft(random: (below: number) => number, shoeId: string): ShoeDraft {
  const pick = <T>(...choices: [T, ...T[]]): T => choices[random(choices.length)] ?? choices[0];
  const names = ["39", "40", "41", "XL", "Über"].slice(random(3), 2 + random(4));
  return draftOf(shoeId, {
    title: pick("Trail Runner", "Café Slipper", "City Boot 3000", "Trail Boot"),
    brand: pick(null, "Berg", "BERG", "Ñandú", "Fjell"),
    category: pick(null, "Hiking", "hiking", "Street Wear"),
    color: pick(null, "Red", "Blue"),
    gender: pick(null, "women", "men"),
    priceCents: 1 + random(3_000_000),
    listPriceCents: pick(null, 1 + random(3_000_000)),
    images: pick<string[]>([], ["/local/a.png", "https://img.example/b.png"]),
    href: pick(null, "/here", "https://elsewhere.example/p"),
    sizes:
      names.length === 0
        ? [{ size: "", stock: random(3) }]
        : names.map((size) => ({ size, stock: random(3) })),
    related: pick<string[] | null>(null, [`s${IDS + 1}`, `s${IDS + 2}`]),
  });
}

const COUNTED = `SELECT kind, key, shoes, CASE kind
  WHEN 'all' THEN (SELECT count(*) FROM shoes)
  WHEN 'category' THEN (SELECT count(*) FROM shoes WHERE category_id = f.id)
  WHEN 'brand' THEN (SELECT count(*) FROM shoes WHERE brand_id = f.id)
  WHEN 'color' THEN (SELECT count(*) FROM shoes WHERE color_id = f.id)
  WHEN 'gender' THEN (SELECT count(*) FROM shoes WHERE gender_id = f.id)
  WHEN 'size' THEN 0
  WHEN 'size_run' THEN (SELECT count(*) FROM shoes WHERE size_run_id = f.id) END AS counted FROM facets AS f`;

const WRONG_RUNS = `SELECT shoe_id FROM shoes AS s WHERE coalesce((SELECT key FROM facets WHERE id = s.size_run_id), '[]')
  <> (SELECT json_group_array(lower(size)) FROM
      (SELECT size FROM sizes WHERE shoe = s.id AND size <> '' ORDER BY position))`;

const WRONG_CARDS = `SELECT * FROM card_makings AS m FULL JOIN cards AS c ON c.id = m.id
  WHERE (m.version, m.card) IS NOT (c.version, c.card)`;

/** Every word of the index with its shoe and column, and the same of a rebuilt index. */
function indexes(): { stored: Row[]; expected: Row[] } {
  handle.exec(`CREATE VIRTUAL TABLE temp.stored USING fts5vocab(main, search, instance);
    CREATE VIRTUAL TABLE temp.fresh USING fts5 (title, labels, description, tags, content = '', contentless_delete = 1,
      detail = column, tokenize = 'unicode61 remove_diacritics 2');
    INSERT INTO temp.fresh (rowid, title, labels, description, tags) SELECT * FROM search_source;
    CREATE VIRTUAL TABLE temp.expected USING fts5vocab(temp, fresh, instance);`);
  const stored = ask("SELECT DISTINCT doc, col, term FROM temp.stored ORDER BY 1, 2, 3");
  const expected = ask("SELECT DISTINCT doc, col, term FROM temp.expected ORDER BY 1, 2, 3");
  handle.exec("DROP TABLE temp.stored; DROP TABLE temp.expected; DROP TABLE temp.fresh");
  return { stored, expected };
}

function expectTruth(): void {
  expect(ask(`SELECT * FROM (${COUNTED}) WHERE shoes <> counted`)).toEqual([]);
  expect(ask(WRONG_RUNS)).toEqual([]);
  expect(ask(WRONG_CARDS)).toEqual([]);
  expect(
    ask(
      "SELECT shoe_id, stock FROM shoes AS s WHERE stock <> (SELECT sum(stock) FROM sizes WHERE shoe = s.id)",
    ),
  ).toEqual([]);
  expect(ask("PRAGMA foreign_key_check")).toEqual([]);
  expect(ask("SELECT bulk FROM dataset")).toEqual([[0]]);
  const { stored, expected } = indexes();
  expect(stored).toEqual(expected);
}

const match = (question: string) =>
  db.read
    .all<[string]>(
      "SELECT s.shoe_id FROM search JOIN shoes AS s ON s.id = search.rowid WHERE search MATCH ? ORDER BY 1",
      question,
    )
    .flat();

describe("random additions, replacements, removals and sales", () => {
  test.each([1, 2, 3])("leave counters, stock and index correct (seed %d)", async (seed) => {
    const random = randomness(seed);
    const ids = (most: number) => [
      ...new Set(Array.from({ length: 1 + random(most) }, () => `s${random(IDS)}`)),
    ];
    const drafts = (most: number) => ids(most).map((id) => randomDraft(random, id));
    const steps: (() => Promise<unknown>)[] = [
      () => save(drafts(1)),
      () => save(drafts(12), "demo"),
      () => save(drafts(12), "import"),
      () => save(drafts(6), "import", "skip"),
      () => write("UPDATE sizes SET stock = (stock + ?) % 3 WHERE shoe % 4 = ?", random(3), random(4)),
      () => write("UPDATE sizes SET stock = 0 WHERE shoe = (SELECT id FROM shoes LIMIT 1)"),
      () => write("UPDATE shoes SET likes = likes + 1 WHERE id % 3 = ?", random(3)),
      () => write("DELETE FROM shoes WHERE shoe_id = ?", `s${random(IDS)}`),
      () => write("UPDATE facets SET name = name WHERE kind = 'brand'"),
      () => computeRelated(db),
    ];
    for (let step = 0; step < STEPS; step += 1) {
      await (step % 40 === 39 ? removeDemoShoes(db) : steps[random(steps.length)]?.());
      if (step % 10 === 9) expectTruth();
    }
    expect(ask("SELECT count(*) > 5 FROM shoes")).toEqual([[1]]);
    await write("DELETE FROM shoes");
    expectTruth();
    for (const table of ["sizes", "cards", "related", "related_pending", "search"])
      expect(ask(`SELECT count(*) FROM ${table}`)).toEqual([[0]]);
    expect(ask("SELECT count(*) FROM facets WHERE shoes <> 0")).toEqual([[0]]);
  });
});

describe("the search index", () => {
  test("finds a shoe by its words and labels, after a change by the new ones only", async () => {
    await save([draftOf("a"), draftOf("b", { brand: "Ñandú", title: "Café" })]);
    expect(match("labels : berg")).toEqual(["a"]);
    expect(match("labels : nandu")).toEqual(["b"]);
    expect(match("title : cafe")).toEqual(["b"]);
    await save([draftOf("a", { brand: "Fjell", title: "Boot" })]);
    expect(match("labels : berg OR title : trail")).toEqual([]);
    expect(match("labels : fjell AND title : boot")).toEqual(["a"]);
    await write("DELETE FROM shoes WHERE shoe_id = 'a'");
    expect(match("fjell OR rock")).toEqual(["b"]);
  });

  test("follows sizes that sell out or return, and the last pair of a shoe", async () => {
    await save([draftOf("a")]);
    const [size41, size42] = ["41", "42"].map(
      (key) => ask(`SELECT id FROM facets WHERE kind = 'size' AND key = '${key}'`)[0]?.[0],
    );
    const sell = (size: string, stock: number) =>
      write("UPDATE sizes SET stock = ? WHERE size = ?", stock, size);
    const inStock = () =>
      [`i${size41}`, `i${size42}`, "instock", `t${size41}`].map((tag) => match(`tags : ${tag}`).length);
    expect(inStock()).toEqual([1, 0, 1, 1]);
    await sell("42", 1);
    expect(inStock()).toEqual([1, 1, 1, 1]);
    await sell("41", 0);
    expect(inStock()).toEqual([0, 1, 1, 1]);
    await sell("42", 0);
    expect(inStock()).toEqual([0, 0, 0, 1]);
    expectTruth();
  });

  test("price bands hold every price, and `onsale` only a price below the list price", async () => {
    const prices = [1, 499, 500, 30_000, 99_999, 100_000, 2_000_000, 100_000_000];
    await save(prices.map((priceCents) => draftOf(`p${priceCents}`, { priceCents, listPriceCents: 30_000 })));
    const bands = ask("SELECT cents, wide_cents FROM price_bands ORDER BY cents") as [number, number][];
    for (const priceCents of prices) {
      const [cents, wide] = bands.findLast(([lower]) => lower <= priceCents) ?? [];
      expect(match(`tags : p${cents} AND tags : w${wide}`)).toContain(`p${priceCents}`);
    }
    expect(bands).toEqual(PRICE_BANDS.map(({ cents, wideCents }) => [cents, wideCents]));
    expect(match("tags : onsale")).toEqual(["p1", "p499", "p500"]);
    expect(
      bands.filter(([cents, wide], index) => wide !== bands[index - (index % 10)]?.[0] || cents < wide),
    ).toEqual([]);
  });
});

describe("the change feed", () => {
  /** The changes in the feed that `act` caused, as `kind id`. */
  async function changesOf(act: () => Promise<unknown>): Promise<string[]> {
    const [[last = 0] = []] = ask("SELECT coalesce(max(seq), 0) FROM changes");
    await act();
    return ask(
      `SELECT kind || ' ' || coalesce(shoe_id, '*') FROM changes WHERE seq > ${last} ORDER BY seq`,
    ).flat() as string[];
  }
  beforeEach(async () => {
    await save([draftOf("a"), draftOf("b")]);
    await computeRelated(db);
  });

  test("one shoe added, changed, removed: its facts, and the collection", async () => {
    expect(await changesOf(() => save([draftOf("c")]))).toEqual(["facts c", "collection c"]);
    expect(await changesOf(() => computeRelated(db))).toEqual(["facts c"]);
    expect(await changesOf(() => save([draftOf("c", { priceCents: 1 })]))).toEqual([
      "facts c",
      "collection c",
    ]);
    // Its related list does not change.
    expect(await changesOf(() => computeRelated(db))).toEqual([]);
    expect(await changesOf(() => save([draftOf("c", { priceCents: 1 })]))).toEqual([]);
    const soldOut = [{ size: "41", stock: 0 }];
    expect(await changesOf(() => save([draftOf("c", { sizes: soldOut })]))).toEqual([
      "facts c",
      "collection c",
    ]);
    expect(await changesOf(() => write("DELETE FROM shoes WHERE shoe_id = 'c'"))).toEqual([
      "facts c",
      "collection c",
    ]);
  });

  test("a given list: the facts of its shoe", async () => {
    expect(await changesOf(() => save([draftOf("c", { related: ["a"] })]))).toEqual([
      "facts c",
      "collection c",
      "facts c",
    ]);
  });

  test("a new category: the collection", async () => {
    expect(await changesOf(() => save([draftOf("a", { category: "Sandals" })]))).toEqual([
      "collection *",
      "facts a",
      "collection a",
    ]);
  });

  test("likes and stock: counters, and nothing where they do not change", async () => {
    expect(await changesOf(() => write("UPDATE shoes SET likes = likes + 1 WHERE shoe_id = 'a'"))).toEqual([
      "counters a",
    ]);
    expect(await changesOf(() => write("UPDATE shoes SET likes = likes"))).toEqual([]);
    expect(await changesOf(() => write("UPDATE sizes SET stock = stock + 1 WHERE size = '41'"))).toEqual([
      "counters a",
      "counters b",
    ]);
    expect(await changesOf(() => write("UPDATE sizes SET stock = stock"))).toEqual([]);
  });

  test("many shoes at once: one row of each kind for all", async () => {
    const many = Array.from({ length: 50 }, (_, index) => draftOf(`m${index}`));
    const all = ["facts *", "collection *"];
    expect(await changesOf(() => save(many, "demo"))).toEqual(all);
    expect(await changesOf(() => save(many, "demo"))).toEqual([]);
    expect(
      await changesOf(() =>
        save(
          many.map((draft) => ({ ...draft, title: "New" })),
          "demo",
        ),
      ),
    ).toEqual(all);
    expect(await changesOf(() => computeRelated(db))).toEqual(["facts *"]);
    expect(await changesOf(() => removeDemoShoes(db))).toEqual(all);
    expect(ask("SELECT shoe_id FROM shoes ORDER BY 1")).toEqual([["a"], ["b"]]);
  });

  test("keeps the newest 100,000 rows and never reuses a seq", async () => {
    const fill = (count: number) =>
      handle.exec(`INSERT INTO changes (kind) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
        SELECT 'session' FROM n`);
    fill(CHANGES_KEPT - 1_000);
    expect(ask("SELECT min(seq) FROM changes")).toEqual([[1]]);
    fill(5_000);
    const [[first = 0, last = 0] = []] = ask("SELECT min(seq), max(seq) FROM changes") as [number, number][];
    expect(last - first + 1).toBeWithin(CHANGES_KEPT, CHANGES_KEPT + 1_000);
    expect(ask("SELECT count(*) FROM changes")).toEqual([[last - first + 1]]);
    expect(() => handle.exec("DELETE FROM changes")).toThrow("the newest change stays");
    handle.exec(`DELETE FROM changes WHERE seq < ${last}`);
    fill(1);
    expect(ask("SELECT seq FROM changes")).toEqual([[last], [last + 1]]);
  });
});

describe("the related lists", () => {
  const lists = () => ask("SELECT shoe_id, given, list FROM related ORDER BY shoe_id");
  test("are removed with their shoe, and a given list is not overwritten by a computed one", async () => {
    await save([draftOf("a"), draftOf("b", { related: ["a", "later"] })]);
    await computeRelated(db);
    expect(lists()).toEqual([
      ["a", 0, "[2]"],
      ["b", 1, '["a","later"]'],
    ]);
    await write("DELETE FROM shoes WHERE shoe_id = 'a'");
    expect(lists()).toEqual([["b", 1, '["a","later"]']]);
  });
});
