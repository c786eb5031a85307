// Words as the search index splits them, and the folded keys of labels.
import { must } from "./must.ts";

/** The combining marks that the index drops; every other mark separates words there. */
const LEFT_OUT = /[\u0300-\u0304\u0306-\u030c\u030f\u0311\u031b\u0323-\u0328\u032d\u032e\u0330\u0331]+/g;

/** Letters and digits, except characters that are letters only in later Unicode versions than the index's: they separate words. */
const WORD = /[[\p{L}\p{N}\p{Co}]--[\u19b0-\u19c0\u19c8\u19c9\u1cf2\u1cf3]]+/gv;

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const ASCII = /^[\u0000-\u007f]*$/;

/** Letters and digits without case, Latin ones without marks: the tokens of the index. */
export function wordsOf(text: string): string[] {
  // Most texts are ASCII, and this is several times as fast.
  if (ASCII.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const plain = text
    .normalize("NFC")
    // Only Latin letters lose their marks in the index: "й" is not "и", and "が" not "か".
    .replace(/[^\P{Script=Latin}a-zA-Z]/gu, (letter) => letter.normalize("NFD").replace(/\p{M}+/gu, ""))
    .replace(LEFT_OUT, "")
    .replace(/\p{Uppercase}/gu, (letter) => letter.toLowerCase())
    .replaceAll("ς", "σ");
  return plain.match(WORD) ?? [];
}

/** The trigrams of a word, with its beginning and end marked; misspelt words share most of them. */
export function trigramsOf(word: string): string[] {
  const marked = [...`^${word}$`];
  const parts = new Set<string>();
  for (let start = 0; start + 3 <= marked.length; start += 1)
    parts.add(marked.slice(start, start + 3).join(""));
  return [...parts];
}

export type LabelKind = "category" | "brand" | "color" | "gender" | "size";

// Module level: a bounded memo of a pure function, right for every database; catalogues repeat their labels.
const KEYS_MAX = 20_000;
const keys = new Map<string, string>();

/** The key that all spellings of a label share. Sizes fold as the database does (ASCII), because its triggers count them. */
export function labelKey(kind: LabelKind, name: string): string {
  const label = `${kind} ${name}`;
  const known = keys.get(label);
  if (known !== undefined) return known;
  if (keys.size >= KEYS_MAX) keys.clear();
  const key = foldLabel(kind, name);
  keys.set(label, key);
  return key;
}

function foldLabel(kind: LabelKind, name: string): string {
  if (kind === "size") return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return kind === "category" ? slugOf(name) : name.trim().normalize("NFC").toLowerCase();
}

/** A URL-safe form of a text: at most 80 of `a-z 0-9 -`; letters of other scripts become their code points. */
export function slugOf(text: string): string {
  const words = wordsOf(text).map((word) => word.replace(/[^a-z0-9]/gu, spelled));
  const slug =
    words.filter((word) => word !== "").join("-") || [...text.trim().toLowerCase()].map(codePoint).join("");
  return slug.slice(0, 80).replace(/-$/, "");
}

const codePoint = (letter: string): string => must(letter.codePointAt(0), "a code point").toString(36);
const spelled = (letter: string): string => (/\p{Script=Latin}/u.test(letter) ? "" : codePoint(letter));
