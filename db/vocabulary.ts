// The vocabulary: every word of the search index with its trigrams, which corrections of misspelt words are found by.
import type { Statement } from "./database.ts";
import { trigramsOf, wordsOf } from "./words.ts";

/** The words that are known to be in the tables. */
export type Vocabulary = {
  /** The words of these texts that may not be in the tables yet. */
  missing(texts: string[]): string[];
  /** Records words that were written. */
  note(words: string[]): void;
};

/** Bound of the known words; a forgotten one is only written again. */
const KNOWN_MAX = 50_000;
/** Longer words are not corrected. */
const WORD_LENGTH_MAX = 24;
/** Words that can be corrections; no numbers, because a catalogue may have as many of them as shoes. */
const CORRECTABLE = /^\p{L}{3,}$/u;

const WORDS = "INSERT INTO words (word) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING";
const TRIGRAMS = `INSERT INTO word_trigrams (trigram, word)
SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`;

/** Opens a vocabulary that knows no word yet. */
export function openVocabulary(): Vocabulary {
  const known = new Set<string>();
  return {
    missing(texts) {
      const words = new Set<string>();
      for (const text of texts)
        for (const word of wordsOf(text))
          if (word.length <= WORD_LENGTH_MAX && !known.has(word)) words.add(word);
      return [...words];
    },
    note(words) {
      if (known.size > KNOWN_MAX) known.clear();
      for (const word of words) known.add(word);
    },
  };
}

/** The statements that write these words; an empty list without words. */
export const wordStatements = (words: string[]): Statement[] =>
  words.length === 0
    ? []
    : [
        { sql: WORDS, args: [JSON.stringify(words)] },
        { sql: TRIGRAMS, args: [JSON.stringify(trigramRows(words))] },
      ];

const trigramRows = (words: string[]): [string, string][] =>
  words
    .filter((word) => CORRECTABLE.test(word))
    .flatMap((word) => trigramsOf(word).map((part): [string, string] => [part, word]));
