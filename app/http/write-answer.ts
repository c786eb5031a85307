// The answer of a write: SQL builds it in the write's group, so that the group can store it; a response sends it.
import type { Statement, Value } from "../../db/database.ts";
import { hashOf } from "./entity-tag.ts";
import { CATALOGUE } from "./headers.ts";

/**
 * An answer as SQL: `headers` (a JSON object of `AnswerFacts`) and `body` are expressions over `from`, all binding `args`
 * by number. When `from` has no row there is no answer.
 */
export type AnswerSql = { status: number; headers: string; body: string; from: string; args: Value[] };

/** The sources of the headers: an item's row version and view for its entity tag, and the address of a new item. */
type AnswerFacts = {
  version?: number;
  view?: string;
  location?: string | null;
  /** Members of the body beside the item, with a comma before them; no part of the entity tag, as a GET has none. */
  more?: string | null;
};

/** An answer as it is stored and sent. */
export type StoredAnswer = { status: number; headers: AnswerFacts; body: string | null };

/** The answer without content. */
export const NO_CONTENT: StoredAnswer = { status: 204, headers: {}, body: null };

const HEADERS = { "cache-control": "private, no-store" };

/** The statement that reads the answer; its rows are for `readAnswer`. */
export const answerStatement = ({ headers, body, from, args }: AnswerSql): Statement => ({
  sql: `SELECT ${headers}, ${body} ${from}`,
  args,
});

/** The answer in the rows of an `answerStatement`; `null` when there is none. */
export function readAnswer({ status }: AnswerSql, rows: Value[][] | undefined): StoredAnswer | null {
  const row = rows?.[0];
  if (!row) return null;
  const [headers, body] = row;
  return { status, headers: JSON.parse(String(headers)), body: body === null ? null : String(body) };
}

/**
 * The response of a write; `added` are headers of this response only, which are not stored. Its entity tag is the one that a
 * GET of the item has at this moment, uncompressed: `itemSeed` is the seed of the headers of such a GET.
 */
export function respondWrite(
  { status, headers, body }: StoredAnswer,
  added: [string, string][],
  itemSeed: bigint,
): Response {
  const { version, view, location, more } = headers;
  const all = new Headers(HEADERS);
  if (body !== null && version !== undefined)
    all.set("etag", `"v${version}.${view}.${hashOf(body, itemSeed)}.i"`);
  if (location) all.set("location", location);
  if (status !== 204) all.set("content-type", CATALOGUE.contentType);
  for (const [name, value] of added) all.append(name, value);
  const full = body !== null && more ? `${body.slice(0, -1)}${more}}` : body;
  return new Response(status === 204 ? null : full, { status, headers: all });
}
