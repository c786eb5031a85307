// Full-text search: the match expression of the words, and corrections of misspelt words.
import type { Readable } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import { trigramsOf } from "../../../db/words.ts";

/** Words that a prefix expands to at most; a real vocabulary has a few hundred for two letters. */
const EXPANSIONS_MAX = 1_000;
const PREFIX_LENGTH_MIN = 2;
/** Candidates per trigram of a misspelt word. */
const NEIGHBOURS_MAX = 1_000;
const SIMILARITY_MIN = 0.3;

/** The columns that must contain the words; matches in fewer columns rank higher. */
export type SearchColumns = "{title}" | "{title labels}" | "{title labels description}";
export const ALL_COLUMNS: SearchColumns = "{title labels description}";

const quoted = (word: string) => `"${word}"`;

/** The match expression of at least one word, the last one also as a prefix. */
export function matchWords(db: Readable, words: string[]): (columns: SearchColumns) => string {
  const last = must(words.at(-1), "the last word");
  const terms = [...words.slice(0, -1).map(quoted), `(${expandPrefix(db, last).map(quoted).join(" OR ")})`];
  return (columns) => `${columns} : (${terms.join(" AND ")})`;
}

function expandPrefix(db: Readable, prefix: string): string[] {
  if (prefix.length < PREFIX_LENGTH_MIN) return [prefix];
  const longer = db.read.all<[string]>(
    "SELECT word FROM words WHERE word > ? AND word < ? LIMIT ?",
    prefix,
    `${prefix}\u{10ffff}`,
    EXPANSIONS_MAX,
  );
  return [prefix, ...longer.map(([word]) => word)];
}

/** The words with unknown ones replaced by the most similar known word; `null` if none was replaced. */
export async function correctWords(db: Readable, words: string[]): Promise<string[] | null> {
  const corrected = await Promise.all(
    words.map(async (word, index) => {
      const isLast = index === words.length - 1;
      const known = isLast ? expandPrefix(db, word).length > 1 || isWord(db, word) : isWord(db, word);
      return known ? word : ((await nearestWord(db, word)) ?? word);
    }),
  );
  return corrected.some((word, index) => word !== words[index]) ? corrected : null;
}

const isWord = (db: Readable, word: string): boolean =>
  db.read.get("SELECT 1 FROM words WHERE word = ?", word) !== undefined;

// The similarity is the Dice coefficient of the trigrams; ties are ordered alphabetically.
async function nearestWord(db: Readable, word: string): Promise<string | null> {
  const parts = trigramsOf(word);
  const sql = "SELECT word FROM word_trigrams WHERE trigram = ? LIMIT ?";
  const results = await db.scan(parts.map((part) => ({ sql, args: [part, NEIGHBOURS_MAX] })));
  const shared = new Map<string, number>();
  for (const [neighbour] of results.flat())
    shared.set(String(neighbour), (shared.get(String(neighbour)) ?? 0) + 1);
  const lengthOf = (neighbour: string) => parts.length + trigramsOf(neighbour).length;
  const near = [...shared]
    .map(([neighbour, count]) => ({ neighbour, similarity: (2 * count) / lengthOf(neighbour) }))
    .filter(({ similarity }) => similarity >= SIMILARITY_MIN)
    .sort((a, b) => b.similarity - a.similarity || (a.neighbour < b.neighbour ? -1 : 1));
  return near[0]?.neighbour ?? null;
}
