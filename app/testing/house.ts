// Reads the repository for the house rules: its files, and of each the imports, functions and comments.
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import ts from "typescript";

/** A file of the repository, its path from the root with forward slashes. */
export type RepoFile = { path: string; text: string };

/** The comment at the top without its marks; empty when there is none. */
export function firstComment(text: string): string {
  const body = text.replace(/^#!.*\n/, "");
  const block = /^\/\*\*([\s\S]*?)\*\//.exec(body)?.[1] ?? /^(?:\/\/ .*(?:\n|$))+/.exec(body)?.[0] ?? "";
  return block.replace(/^\s*(\*|\/\/)\s?/gm, "").trim();
}

/** Every module that the file names: imports of any kind, re-exports, types, workers and URLs beside it. */
export function imports(source: RepoFile): string[] {
  const names: string[] = [];
  visit(source, (node) => {
    const literal =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
          ? node.argument.literal
          : ts.isCallExpression(node) &&
              /^(import|require|import\.meta\.resolve)$/.test(node.expression.getText())
            ? node.arguments[0]
            : ts.isNewExpression(node) && /^(URL|Worker)$/.test(node.expression.getText())
              ? node.arguments?.[0]
              : undefined;
    if (literal !== undefined && ts.isStringLiteralLike(literal)) names.push(literal.text);
  });
  return names;
}

/** The first line of every function, counted from 1, and how many lines it has. */
export function functionLines(source: RepoFile): { line: number; count: number }[] {
  const functions: { line: number; count: number }[] = [];
  visit(source, (node, tree) => {
    if (!ts.isFunctionLike(node)) return;
    const first = tree.getLineAndCharacterOfPosition(node.getStart()).line;
    functions.push({ line: first + 1, count: tree.getLineAndCharacterOfPosition(node.end).line - first + 1 });
  });
  return functions;
}

/** The first line of every piece of code that `isBreach` points at. */
export function found(source: RepoFile, isBreach: (node: ts.Node) => boolean): string[] {
  const breaches: string[] = [];
  visit(source, (node) => {
    if (isBreach(node)) breaches.push(node.getText().split("\n")[0] ?? "");
  });
  return breaches;
}

/** Every call that declares a test, `test.each(rows)(...)` and the like included: its first line and its text. */
export function callsOfTests(source: RepoFile): { line: number; text: string }[] {
  const calls: { line: number; text: string }[] = [];
  visit(source, (node, tree) => {
    if (!ts.isCallExpression(node) || !/^test\b/.test(node.expression.getText())) return;
    // `test.each(rows)` and `test.skipIf(condition)` only prepare the call.
    if (!node.arguments.some((each) => ts.isArrowFunction(each) || ts.isFunctionExpression(each))) return;
    calls.push({ line: tree.getLineAndCharacterOfPosition(node.getStart()).line + 1, text: node.getText() });
  });
  return calls;
}

/** The lines of a Markdown text that are longer than `max`; rows of tables may be. */
export const longLines = (text: string, max: number): string[] =>
  text
    .split("\n")
    .flatMap((line, index) =>
      line.length > max && !line.startsWith("|") ? [`line ${index + 1} has ${line.length} characters`] : [],
    );

/** The name behind the dot or in the brackets. */
export function memberOf(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression))
    return node.argumentExpression.text;
  return undefined;
}

function visit({ path, text }: RepoFile, look: (node: ts.Node, tree: ts.SourceFile) => void): void {
  if (!path.endsWith(".ts")) return;
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const walk = (node: ts.Node): void => {
    look(node, tree);
    ts.forEachChild(node, walk);
  };
  walk(tree);
}

/** Every file but what .gitignore leaves out. */
export function readRepo(root: string): RepoFile[] {
  const rules = readFileSync(join(root, ".gitignore"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ isBack: line.startsWith("!"), pattern: line.replace(/^!/, "").replace(/\/$/, "") }))
    .map(({ isBack, pattern }) => ({ isBack, isPath: pattern.includes("/"), glob: new Bun.Glob(pattern) }));
  // As git reads them: the last rule that fits counts, and one with a slash inside is about the whole path.
  const isIgnored = (path: string, name: string): boolean =>
    name === ".git" ||
    rules.findLast(({ isPath, glob }) => glob.match(isPath ? path : name))?.isBack === false;
  const read = (folder: string): RepoFile[] =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => !isIgnored(posix.join(folder, entry.name), entry.name))
      .flatMap((entry) => {
        const path = posix.join(folder, entry.name);
        if (entry.isDirectory()) return read(path);
        return entry.isFile() ? [{ path, text: readFileSync(join(root, path), "utf8") }] : [];
      });
  return read("");
}
