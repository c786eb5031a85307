// From what a write did to its response: entity tag, place, Insole-Version; and what a request says of versions.

import type { StoredAnswer } from "../../http/idempotency.ts";
import { Problem } from "../../http/problems.ts";
import type { IfMatch } from "./group.ts";

const HEADERS = { "cache-control": "private, no-store" };
const JSON_TYPE = "application/json; charset=utf-8";
const TAG = /^(?:W\/)?"v(\d{1,15})(?:\.[^"]*)?"$/;
const TAGS_MAX = 20;

/** The versions that a client's `If-Match` names, from any view or encoding; `null` where there is none. */
export function readCondition(headers: Headers): IfMatch {
  const text = headers.get("if-match");
  if (text === null) return null;
  if (text.trim() === "*") return "*";
  const tags = text.split(",", TAGS_MAX + 1);
  if (tags.length > TAGS_MAX)
    throw new Problem("invalid-request", `If-Match must have at most ${TAGS_MAX} tags`);
  // A tag that is none of ours fits nothing.
  return tags.flatMap((tag) => {
    const version = TAG.exec(tag.trim())?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}

/** The response of a write; `more` are headers that belong to this very answer. */
export function respondWrite({ status, headers, body }: StoredAnswer, more: [string, string][]): Response {
  const { version, view, location } = headers;
  const sent = new Headers(HEADERS);
  if (body !== null && version !== undefined) sent.set("etag", tagOf(body, `v${version}.${view}`));
  if (location) sent.set("location", location);
  if (status !== 204) sent.set("content-type", JSON_TYPE);
  for (const [name, value] of more) sent.append(name, value);
  return new Response(status === 204 ? null : body, { status, headers: sent });
}

const UNKNOWN = ',"unknownRelated":[';

/** The entity tag that the shoe's own answer has at this moment: of its bytes, without what a write adds to them. */
function tagOf(body: string, prefix: string): string {
  // Quotes inside texts are escaped in JSON, so this finds the field and nothing else.
  const end = body.lastIndexOf(UNKNOWN);
  const item = end === -1 ? body : `${body.slice(0, end)}}`;
  return `"${prefix}.${Bun.hash.xxHash64(item).toString(36)}.i"`;
}
