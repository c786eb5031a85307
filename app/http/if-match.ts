// If-Match: a write takes effect only on the version of an item that its client has seen.
import type { Statement, Value } from "../../db/database.ts";
import { requires } from "../../db/write/guard.ts";
import { Problem } from "./problems.ts";

/** The row versions that If-Match names; `*`: any, `null`: the header is absent. */
export type IfMatch = number[] | "*" | null;

const TAG = /^(?:W\/)?"v(\d{1,15})(?:\.[^"]*)?"$/;
const TAGS_MAX = 20;

/** Reads the versions from entity tags of any view and encoding. Throws the `Problem` 400 for too many of them. */
export function readIfMatch(headers: Headers): IfMatch {
  const text = headers.get("if-match");
  if (text === null) return null;
  if (text.trim() === "*") return "*";
  const tags = text.split(",", TAGS_MAX + 1);
  if (tags.length > TAGS_MAX)
    throw new Problem("invalid-request", `If-Match must have at most ${TAGS_MAX} tags`);
  // An entity tag of another server matches no version.
  return tags.flatMap((tag) => {
    const version = TAG.exec(tag.trim())?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}

/** Whether an item of this version may be changed. */
export const isMatch = (ifMatch: IfMatch, version: number): boolean =>
  !Array.isArray(ifMatch) || ifMatch.includes(version);

/** The condition that the row with this id exists with one of the versions that If-Match names. */
export function requiresMatch(table: string, idColumn: string, id: string, ifMatch: IfMatch): Statement {
  const versions = Array.isArray(ifMatch) ? ifMatch : null;
  const args: Value[] = versions ? [id, JSON.stringify(versions)] : [id];
  const isVersion = versions ? " AND version IN (SELECT value FROM json_each(?2))" : "";
  return requires(`EXISTS (SELECT 1 FROM ${table} WHERE ${idColumn} = ?1${isVersion})`, ...args);
}

/** The `Problem` 412 of a write to an item with another version. */
export const versionFailed = (): Problem =>
  new Problem("precondition-failed", "the item's version is not one that If-Match names");
