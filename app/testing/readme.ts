// Reads the fenced blocks of a Markdown file: the commands of shell blocks, and what they answer.
import { must } from "../../db/must.ts";

/** A fenced block, the heading above it, and whether it follows the block before with nothing between. */
export type Block = { heading: string; language: string; text: string; isAnswer: boolean };

/** A line of a shell block, or several that belong together, and what its comment says. */
export type Command = { text: string; comment: string };

/** The blocks of a Markdown text, in order. */
export function blocksOf(markdown: string): Block[] {
  const fence = /^#+ (.+)$|^```(\w*)\n([\s\S]*?)^```$/gm;
  const blocks: Block[] = [];
  let heading = "";
  let end = -1;
  for (const found of markdown.matchAll(fence)) {
    const [whole, title, language = "", text = ""] = found;
    if (title !== undefined) heading = title;
    else {
      const isAnswer = language !== "sh" && end >= 0 && /^\s*$/.test(markdown.slice(end, found.index));
      blocks.push({ heading, language, text, isAnswer });
      end = language === "sh" ? found.index + whole.length : -1;
    }
  }
  return blocks;
}

/** The commands of a shell block; a line that ends with a backslash goes on in the next. */
export const commandsOf = ({ text }: Block): Command[] =>
  text
    .replaceAll("\\\n", "\\\u0000")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, command, comment = ""] = must(/^(.*?)(?:\s+# (.*))?$/.exec(line), "a command");
      return { text: must(command, "a command").replaceAll("\u0000", "\n"), comment };
    });

/** The names of the scripts that a Markdown text says to run. */
export const scriptsOf = (markdown: string): string[] => [
  ...new Set(
    [...markdown.matchAll(/\bbun@[\d.]+ (?:run )?(?!run )([a-z][\w:]*)/g)].map(([, name]) => name ?? ""),
  ),
];

/** The files of the repository that a shell block's commands begin with. */
export const programsOf = (markdown: string): string[] => [
  ...new Set(
    blocksOf(markdown)
      .filter(({ language }) => language === "sh")
      .flatMap(commandsOf)
      .flatMap(({ text }) => /^[a-z][\w-]*(?:\/[\w.-]+)+/.exec(text)?.[0] ?? []),
  ),
];
