// Identifies the shoe of a row, and derives its id; deterministic, so that a second import finds the same shoes.
import { isShoeId } from "../shoes/shoes.ts";
import type { Columns } from "./columns.ts";
import type { Cells } from "./rows.ts";
import { cleanLine, isMissing } from "./text.ts";

/** The shoe of a row: `key` is equal for rows of one shoe; `shoeId` is null where the id is derived from the title. */
export type RowIdentity = { key: string; shoeId: string | null };

const ID_LENGTH_MAX = 64;
const HASH_LENGTH = 10;
/** A shorter last segment of a URL ("1", "shoe") is likely to occur in several folders. */
const DISTINCTIVE_LENGTH_MIN = 8;

/** The identity of a row: its id, else its URL, else all its values except index, size, stock and colour. */
export function identityOf(cells: Cells, columns: Columns): RowIdentity {
  const id = firstText(cells, columns.id);
  if (id !== null) {
    const shoeId = shoeIdOf(id);
    return { key: `id ${shoeId}`, shoeId };
  }
  const url = firstText(cells, columns.href);
  if (url !== null) {
    const shoeId = shoeIdOfUrl(url);
    return { key: `url ${shoeId}`, shoeId };
  }
  const values = columns.identity.map((name) => cells[name] ?? null);
  return { key: `row ${hash(JSON.stringify(values))}`, shoeId: null };
}

/** The given id if it is a valid shoe id, else its valid characters and a short hash. */
export function shoeIdOf(id: string): string {
  return isShoeId(id) ? id : withHash(id, id);
}

/** The id of a shoe that has neither id nor URL. */
export function shoeIdOfTitle(title: string, key: string): string {
  return withHash(title.toLowerCase(), key);
}

function shoeIdOfUrl(url: string): string {
  const [path = "", ...query] = url.replace(/#.*$/, "").split("?");
  const lastSegment = decodePercent(path.split("/").findLast((part) => part !== "") ?? "");
  const name = lastSegment.replace(/\.html?$/i, "");
  const isDistinctive = query.length === 0 && name.length >= DISTINCTIVE_LENGTH_MIN && isShoeId(name);
  return isDistinctive ? name : withHash(name, url);
}

function withHash(text: string, hashSource: string): string {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^A-Za-z0-9._]+/g, "-")
    .replace(/^[-._]+/, "")
    .slice(0, ID_LENGTH_MAX - HASH_LENGTH - 1)
    .replace(/[-._]+$/, "");
  const short = hash(hashSource).slice(0, HASH_LENGTH);
  return plain === "" ? short : `${plain}-${short}`;
}

/** Percent-decodes a part of a URL; returns it unchanged if it is malformed. */
export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const hash = (text: string): string => Bun.SHA256.hash(text, "hex");

function firstText(cells: Cells, names: readonly string[]): string | null {
  for (const name of names) {
    const value = cells[name];
    if (typeof value !== "string" && typeof value !== "number") continue;
    const text = cleanLine(String(value));
    if (!isMissing(text)) return text;
  }
  return null;
}
