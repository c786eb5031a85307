// The conditions of a write: If-Match and If-None-Match, which compare the version of an item that its client has seen.
import type { Statement, Value } from "../../db/database.ts";
import { requires } from "../../db/write/guard.ts";
import { Problem } from "./problems.ts";

/** The row versions that a header names; `*`: any, `null`: the header is absent. */
type Versions = number[] | "*" | null;

/** The versions of which an item must have one (If-Match), and those of which it must have none (If-None-Match). */
export type Conditions = { match: Versions; noneMatch: Versions };

/** A write without conditions. */
export const UNCONDITIONAL: Conditions = { match: null, noneMatch: null };

const TAG = /^(?:W\/)?"v(\d{1,15})(?:\.[^"]*)?"$/;
const TAGS_MAX = 20;

/**
 * Reads both headers. Tags of any view and encoding count, strong or weak, by their version alone: likes and stock change an
 * item's bytes without its version. Throws the `Problem` 400 for too many tags.
 */
export const readConditions = (headers: Headers): Conditions => ({
  match: readVersions(headers, "If-Match"),
  noneMatch: readVersions(headers, "If-None-Match"),
});

function readVersions(headers: Headers, name: string): Versions {
  const text = headers.get(name);
  if (text === null) return null;
  if (text.trim() === "*") return "*";
  const tags = text.split(",", TAGS_MAX + 1);
  if (tags.length > TAGS_MAX)
    throw new Problem("invalid-request", `${name} must have at most ${TAGS_MAX} tags`);
  // An entity tag of another server matches no version.
  return tags.flatMap((tag) => {
    const version = TAG.exec(tag.trim())?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}

const names = (versions: Versions, version: number): boolean =>
  versions === "*" || (versions?.includes(version) ?? false);

/** Whether an item of this version may be changed. */
export const mayChange = ({ match, noneMatch }: Conditions, version: number): boolean =>
  (match === null || names(match, version)) && !names(noneMatch, version);

/** The condition that the row with this id exists with a version that may be changed. */
export function requiresRow(
  table: string,
  idColumn: string,
  id: string,
  { match, noneMatch }: Conditions,
): Statement {
  const args: Value[] = [id];
  const listed = (versions: number[]): string => {
    args.push(JSON.stringify(versions));
    return `(SELECT value FROM json_each(?${args.length}))`;
  };
  const parts = [`${idColumn} = ?1`];
  if (Array.isArray(match)) parts.push(`version IN ${listed(match)}`);
  if (Array.isArray(noneMatch)) parts.push(`version NOT IN ${listed(noneMatch)}`);
  if (noneMatch === "*") parts.push("FALSE");
  return requires(`EXISTS (SELECT 1 FROM ${table} WHERE ${parts.join(" AND ")})`, ...args);
}

/** The `Problem` 412 of a write to an item of this version, which may not be changed. */
export const conditionFailed = ({ noneMatch }: Conditions, version: number): Problem =>
  new Problem(
    "precondition-failed",
    names(noneMatch, version)
      ? "the item exists with a version that If-None-Match names"
      : "the item's version is not one that If-Match names",
  );
