// Words and slugs: `wordsOf` must split every text exactly as the search index does.
import { expect, test } from "bun:test";
import Libsql from "libsql";
import { labelKey, slugOf, trigramsOf, wordsOf } from "./words.ts";

// biome-ignore format: one line reads as one table
const TEXTS = [
  "Nørd Läufer Größe 42", "ÀÉÎÕÜ àéîõü çñ", "Zwölf-Schuh's 9.5", "Кроссовки Найк Ёлка ЙОД", "Ελληνικά ΣΑΝΔΑΛΙΑ", "ΟΔΟΣ οδός",
  "ガンダム ばら パン", "운동화 나이키", "跑步鞋 2024", "İstanbul ışık Şişli", "Straße STRASSE", "a\u0308bc e\u0301e", "x²y ½ Ⅷ", "don't stop—now",
  "עברית נעליים", "أحذية رياضية", "รองเท้า", "जूते", "Tiếng Việt đẹp", "ﬁne ﬂow", "snake_case e-mail@x.y", "ŁÓDŹ łódź", "ŠŽ čć đ",
];

test.each(TEXTS)("%s has the index's own words", (text) => {
  const db = new Libsql(":memory:");
  db.exec("CREATE VIRTUAL TABLE s USING fts5 (t, tokenize = 'unicode61 remove_diacritics 2')");
  db.exec("CREATE VIRTUAL TABLE v USING fts5vocab (s, 'row')");
  db.prepare("INSERT INTO s (t) VALUES (?)").run([text]);
  const terms = db.prepare("SELECT term FROM v").raw(true).all([]) as string[][];
  expect([...new Set(wordsOf(text))].sort()).toEqual(terms.map(([term]) => term ?? "").sort());
  db.close();
});

test("no letter makes one word here and several in the index, where a query of one word would be a phrase", () => {
  const db = new Libsql(":memory:");
  db.exec("CREATE VIRTUAL TABLE s USING fts5 (t, tokenize = 'unicode61 remove_diacritics 2')");
  db.exec("CREATE VIRTUAL TABLE v USING fts5vocab (s, 'instance')");
  const insert = db.prepare("INSERT INTO s (rowid, t) VALUES (?, ?)");
  db.exec("BEGIN");
  for (let code = 1; code < 0x20000; code += 1)
    for (const word of wordsOf(`0${String.fromCodePoint(code)}0`)) if (word !== "0") insert.run([code, word]);
  db.exec("COMMIT");
  const parted = db
    .prepare("SELECT doc FROM v GROUP BY doc HAVING count(*) > 1")
    .raw(true)
    .all([]) as number[][];
  expect(parted.map(([code]) => code?.toString(16))).toEqual([]);
  db.close();
});

test("words stay the same when they are split again", () => {
  for (const text of TEXTS) expect(wordsOf(wordsOf(text).join(" "))).toEqual(wordsOf(text));
});

test("trigrams mark a word's beginning and end", () => {
  expect(trigramsOf("shoe")).toEqual(["^sh", "sho", "hoe", "oe$"]);
  expect(trigramsOf("aaaa")).toEqual(["^aa", "aaa", "aa$"]);
});

test("labels fold to one key whatever their case, different ones to different keys", () => {
  const kinds = ["category", "brand", "color", "gender"] as const;
  for (const kind of kinds)
    for (const name of ["High Tops", "Ботинки", "Größe", "O'Brien", "運動靴", "Сумки 2"])
      for (const spelling of [name.toUpperCase().replace("SSE", "ßE"), name.toLowerCase(), ` ${name} `])
        expect([kind, spelling, labelKey(kind, spelling)]).toEqual([kind, spelling, labelKey(kind, name)]);
  const names = ["Ботинки 2024", "Сумки 2024", "2024", "Bags", "Bag s", "!!!", "???", "運動靴", "運動"];
  expect(new Set(names.map((name) => labelKey("category", name))).size).toBe(names.length);
  for (const name of names)
    expect(labelKey("category", labelKey("category", name))).toBe(labelKey("category", name));
});

test("slugs are at most 80 of a-z, 0-9 and single hyphens inside", () => {
  for (const text of [...TEXTS, "-", "?!", "x".repeat(300), `${"y".repeat(79)} z`, "  a  b  "])
    expect(slugOf(text)).toMatch(/^(?=.{1,80}$)[a-z0-9]+(-[a-z0-9]+)*$/);
  expect(slugOf("Späte Läufer, II")).toBe("spate-laufer-ii");
});
