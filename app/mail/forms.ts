// The two forms of a mail's content: plain text and HTML.
import type { Block, Look } from "./blocks.ts";
import { pageOf } from "./markup.ts";
import { plainTextOf } from "./plain.ts";

/** A mail's two forms. */
export type Forms = { text: string; html: string };

/** Writes both forms of a content. */
export const formsOf = (title: string, blocks: readonly Block[], look: Look): Forms => ({
  text: plainTextOf(blocks, look),
  html: pageOf(title, blocks, look),
});
