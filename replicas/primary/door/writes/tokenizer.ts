// The tokens of an SQL text, read as SQLite and the parser of sqld both read it; what they might read differently is no token.

/**
 * `word` is a bare name or keyword, `name` a quoted name, both in lower case; `text` is the content of a string; `other` is a
 * number, a blob, a parameter or an operator.
 */
export type Token = { kind: "word" | "name" | "text" | "other"; text: string };

// Unclosed comments, quotes and brackets match nothing. A number, a blob or a parameter does not run into a name.
const SKIPPED = /(?:[ \t\n\r\f]+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/y;
/** In the order in which they are tried: `x'ab'` is one token. */
const PATTERNS: [RegExp, Token["kind"]][] = [
  [/[xX]'(?:[0-9A-Fa-f]{2})*'/y, "other"],
  [/(?:0[xX][0-9A-Fa-f]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\w$.\u0080-\u{10ffff}])/uy, "other"],
  [/(?![xX]')[A-Za-z_\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*/uy, "word"],
  [/'[^']*(?:''[^']*)*'/y, "text"],
  [/"[^"]*(?:""[^"]*)*"/y, "name"],
  [/`[^`]*(?:``[^`]*)*`/y, "name"],
  [/\[[^\]]*\]/y, "name"],
  [/\?\d*(?![\w$\u0080-\u{10ffff}])/uy, "other"],
  [/->>?|\|\||<<|>>|<>|<=|>=|==|!=|\/(?!\*)|[-()+*%=<>,&~.|;]/y, "other"],
];

/** Reads the text; `null` where it has anything that is no token. */
export function tokensOf(sql: string): Token[] | null {
  if (sql.includes("\0")) return null;
  const tokens: Token[] = [];
  for (let at = endOf(SKIPPED, sql, 0) ?? 0; at < sql.length; at = endOf(SKIPPED, sql, at) ?? at) {
    const read = readToken(sql, at);
    if (read === null) return null;
    tokens.push(read.token);
    at = read.end;
  }
  return tokens;
}

function readToken(sql: string, at: number): { token: Token; end: number } | null {
  for (const [pattern, kind] of PATTERNS) {
    const end = endOf(pattern, sql, at);
    if (end === null) continue;
    const text = sql.slice(at, end);
    if (kind === "word") return { token: { kind, text: lower(text) }, end };
    return { token: { kind, text: kind === "other" ? text : contentOf(text, kind) }, end };
  }
  return null;
}

/** Where the pattern ends that begins at this place; `null` where it does not match there. */
function endOf(pattern: RegExp, sql: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : null;
}

function contentOf(quoted: string, kind: Token["kind"]): string {
  const quote = quoted.slice(-1);
  const content = quoted.slice(1, -1).replaceAll(quote + quote, quote);
  return kind === "name" ? lower(content) : content;
}

/** As SQLite compares names: other letters than those of ASCII keep their case. */
export const lower = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
