// Words as the search index sees them, and the labels' folded keys.

/** Letters and digits without marks and case: the tokens of the index. */
export function wordsOf(text: string): string[] {
  return text.normalize("NFD").replace(/\p{M}+/gu, "").toLowerCase().match(/[\p{L}\p{N}\p{Co}]+/gu) ?? [];
}

/** The three-letter parts of a word, its beginning and end marked: what misspelt words still share. */
export function trigramsOf(word: string): string[] {
  const marked = [...`^${word}$`];
  const parts = new Set<string>();
  for (let at = 0; at + 3 <= marked.length; at += 1) parts.add(marked.slice(at, at + 3).join(""));
  return [...parts];
}

export type LabelKind = "category" | "brand" | "color" | "gender" | "size";

/** What two spellings of a label share. Sizes fold as the database does (ASCII), for its triggers count them. */
export const labelKey = (kind: LabelKind, name: string): string =>
  kind === "size"
    ? name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    : kind === "category"
      ? slugOf(name)
      : name.trim().normalize("NFC").toLowerCase();

/** A URL-safe form of a text: at most 80 of `a-z 0-9 -`; a text without any such letter keeps its letters' code points. */
export function slugOf(text: string): string {
  const latin = wordsOf(text).join("-").replace(/[^a-z0-9-]+/g, "").replace(/-+/g, "-").replace(/^-|-$/g, "");
  const slug = latin || [...text.trim()].map((letter) => letter.codePointAt(0)?.toString(36)).join("");
  return slug.slice(0, 80).replace(/-$/, "");
}
