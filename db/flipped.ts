// A text that differs from another one in a single character, whatever the text is.

/**
 * The text with another character at `at`, by default the first. A fixed replacement may already be there, and the last
 * character of base64url may hold only bits that no decoder reads.
 */
export const flipped = (text: string, at = 0): string =>
  `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
