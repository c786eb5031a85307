// Which SQL the door passes on: one statement that reads or writes rows, and calls nothing that reaches beyond the database.
import { LRUCache } from "lru-cache";
import { DatabaseError } from "../../../../db/errors.ts";
import type { Metric } from "../metric.ts";
import { lower, type Token, tokensOf } from "./tokenizer.ts";

/** Why a statement is refused. */
export type Refusal = "unreadable" | "kind" | "several" | "rollback" | "name" | "call";

export type Verdict = { refusal: null } | { refusal: Refusal; message: string };

/** Judges the statements of a member, or queries. Throws `failed` for the first that does not pass. */
export type Judge = (statements: readonly { sql: string }[], isQuery: boolean) => void;

export type Statements = { judge: Judge; metrics(): Metric[] };

const KINDS = new Set(["select", "insert", "update", "delete", "replace", "with"]);
const QUERY_KINDS = new Set(["select", "with"]);

/**
 * The functions that a statement may call: they compute from their arguments and the database's rows, and nothing else. All other
 * calls are refused, so a function that a newer sqld brings is, too.
 */
export const CALLABLE: ReadonlySet<string> = new Set(
  `abs acos acosh asin asinh atan atan2 atanh avg bm25 ceil ceiling changes char coalesce concat concat_ws cos cosh count
cume_dist date datetime degrees dense_rank exp first_value floor format glob group_concat hex highlight ifnull iif instr json
json_array json_array_length json_each json_error_position json_extract json_group_array json_group_object json_insert json_object
json_patch json_quote json_remove json_replace json_set json_tree json_type json_valid jsonb jsonb_array jsonb_extract
jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set julianday lag
last_insert_rowid last_value lead length like likelihood likely ln log log10 lower ltrim max min mod nth_value ntile nullif
octet_length percent_rank pi pow power printf quote radians random rank replace round row_number rtrim sign sin sinh snippet sqrt
strftime string_agg substr substring sum tan tanh time timediff total total_changes trim trunc typeof unhex unicode unixepoch
unlikely upper`.split(/\s+/),
);

/** Keywords that stand before a bracket without calling anything. */
const KEYWORDS = new Set(
  `all and as between by case cast conflict distinct else end escape except exists filter from having in intersect is
isnull join limit materialized not notnull null offset on or order over partition returning select set then union
using values when where`.split(/\s+/),
);

/** Functions that reach beyond the database, or run SQL that they get as a text. */
const BEYOND =
  /^(?:readfile|writefile|fsdir|edit|load_extension|sha3_query|fts3_tokenizer|fts3tokenize|sqlite3mc_\w*)$/;
/**
 * Names and texts that a statement may not have besides, however they are quoted: a table-valued function may be named by a text,
 * and be read without a call. Values that are bound are not looked at.
 */
const FORBIDDEN = /^(?:sqlite.*|libsql_.*|pragma_.*|carray|dbstat|fts4aux|generate_series|vector_top_k)$/s;

const TEXTS_MAX = 2_000;
const TEXT_CHARS_MAX = 2_000_000;

/** Opens the judge of statements. Nodes send the same few texts again and again: their verdicts are kept. */
export function openStatements(): Statements {
  const refusals = new Map<Refusal, number>();
  const [ofMembers, ofQueries] = [openVerdicts(false), openVerdicts(true)];
  return {
    judge(statements, isQuery) {
      for (const { sql } of statements) {
        const verdict = (isQuery ? ofQueries : ofMembers)(sql);
        if (verdict.refusal === null) continue;
        refusals.set(verdict.refusal, (refusals.get(verdict.refusal) ?? 0) + 1);
        throw new DatabaseError("failed", verdict.message);
      }
    },
    metrics: () =>
      [...refusals].map(([reason, value]) => ({
        name: "refused_statements_total",
        help: "Members and queries whose SQL did not pass.",
        type: "counter",
        value,
        labels: { reason },
      })),
  };
}

function openVerdicts(isQuery: boolean): (sql: string) => Verdict {
  const verdicts = new LRUCache<string, Verdict>({
    max: TEXTS_MAX,
    maxSize: TEXT_CHARS_MAX,
    sizeCalculation: (_, sql) => sql.length + 1,
  });
  return (sql) => {
    const known = verdicts.get(sql);
    if (known) return known;
    const verdict = verdictOf(sql, isQuery);
    verdicts.set(sql, verdict);
    return verdict;
  };
}

const PASSED: Verdict = { refusal: null };
const refused = (refusal: Refusal, message: string): Verdict => ({ refusal, message });

/** Reads the statement and judges it. */
export function verdictOf(sql: string, isQuery: boolean): Verdict {
  const tokens = tokensOf(sql);
  if (tokens === null) return refused("unreadable", "the statement has a character that is no SQL");
  const [first] = tokens;
  const kinds = isQuery ? QUERY_KINDS : KINDS;
  if (first?.kind !== "word" || !kinds.has(first.text))
    return refused("kind", `a statement begins with ${[...kinds].join(", ").toUpperCase()}`);
  if (tokens.some(isSeparator)) return refused("several", "a statement has no semicolon");
  if (tokens.some(isRollback))
    return refused("rollback", "a statement may not roll back the transaction of its group");
  const forbidden = tokens.find((token) => isNamed(token, BEYOND) || isNamed(token, FORBIDDEN));
  if (forbidden) return refused("name", `a statement may not name ${forbidden.text}`);
  const called = tokens.find((_, at) => isForbiddenCall(tokens, at));
  if (called) return refused("call", `a statement may not call ${called.text}`);
  return PASSED;
}

/** Whether the text, of any kind of SQL, may reach beyond the database, as far as its names tell. */
export function reachesBeyond(sql: string): boolean {
  const tokens = tokensOf(sql);
  return tokens === null || tokens.some((token) => isNamed(token, BEYOND));
}

const isNamed = ({ kind, text }: Token, names: RegExp): boolean =>
  kind !== "other" && names.test(lower(text));
const isSeparator = ({ kind, text }: Token): boolean => kind === "other" && text === ";";
/** As a keyword; a quoted name is none. */
const isRollback = ({ kind, text }: Token): boolean => kind === "word" && text === "rollback";
const isBracket = (token: Token | undefined): boolean => token?.kind === "other" && token.text === "(";

function isForbiddenCall(tokens: Token[], at: number): boolean {
  const token = tokens[at];
  if (token === undefined || token.kind === "other" || !isBracket(tokens[at + 1])) return false;
  if (token.kind === "word" && KEYWORDS.has(token.text)) return false;
  return !CALLABLE.has(lower(token.text)) && !isInsertTarget(tokens, at) && !isTableOfWith(tokens, at);
}

/** Whether the name is that of the table after INTO, with columns in brackets. */
function isInsertTarget(tokens: Token[], at: number): boolean {
  const before = tokens[at - 1];
  const isInto = before?.kind === "word" && before.text === "into";
  const isQualified = before?.kind === "other" && before.text === ".";
  return isInto || (isQualified && tokens[at - 3]?.kind === "word" && tokens[at - 3]?.text === "into");
}

/** Whether the name is that of a table of WITH, with columns in brackets: AS and a bracket follow. */
function isTableOfWith(tokens: Token[], at: number): boolean {
  const end = tokens.findIndex((token, index) => index > at && token.kind === "other" && token.text === ")");
  const [as, ...rest] = tokens.slice(end + 1, end + 5);
  if (end === -1 || as?.kind !== "word" || as.text !== "as") return false;
  const body = rest.find(({ kind, text }) => !(kind === "word" && /^(?:not|materialized)$/.test(text)));
  // The columns are names, so nothing is called among them.
  const columns = tokens.slice(at + 2, end);
  return isBracket(body) && columns.every(({ kind, text }) => kind !== "other" || text === ",");
}
