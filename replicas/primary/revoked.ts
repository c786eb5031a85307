// The tokens that were revoked one by one, kept beside the keys until they would have ended.
import { verify } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { claimsOf } from "../dataset.ts";
import { idOfToken, type Keys, publicKeysIn, REVOKED_FILE, TOKEN_DAYS_MAX } from "./keys.ts";
import { changeFolder, replaceFile } from "./rotation.ts";

/** A revoked token; `exp` in seconds since 1970, as in the token itself. */
type Revoked = { id: string; exp: number };

const ID = /^[0-9a-f]{32}$/;
const SECONDS_PER_DAY = 86_400;

/** The ids of the revoked tokens that have not ended yet. Throws one sentence when the file is not whole. */
export const revokedIds = (folder: string, nowMs: number): string[] =>
  readRevoked(folder, nowMs).map(({ id }) => id);

/**
 * Revokes one token, given as itself or by its id, and returns one sentence that says what is so now. Throws one sentence when
 * the text is no token of this dataset, or the folder cannot be changed.
 */
export function revokeToken(folder: string, text: string, nowMs: number): string {
  return changeFolder(folder, (keys) => {
    const { id, exp } = ID.test(text)
      ? { id: text, exp: Math.floor(nowMs / 1_000) + TOKEN_DAYS_MAX * SECONDS_PER_DAY }
      : checkedToken(folder, keys, text);
    if (exp * 1_000 <= nowMs)
      return `the token ${id} ended at ${new Date(exp * 1_000).toISOString()} and is refused anyway`;
    const revoked = readRevoked(folder, nowMs);
    if (revoked.some((each) => each.id === id)) return `the token ${id} was revoked before`;
    replaceFile(folder, REVOKED_FILE, `${JSON.stringify([...revoked, { id, exp }])}\n`);
    return `the token ${id} is revoked. A running primary refuses it within a second`;
  });
}

/** The id and end of a token that one of the keys has signed. Throws one sentence when none has. */
function checkedToken(folder: string, { datasetId, accepted }: Keys, token: string): Revoked {
  const { dataset, exp } = claimsOf(token);
  if (typeof dataset !== "string" || typeof exp !== "number")
    throw new Error("this is neither a token nor the id of one (32 hexadecimal digits)");
  if (dataset !== datasetId)
    throw new Error(`the token belongs to the dataset ${dataset}, but ${folder} to the dataset ${datasetId}`);
  const [head = "", claims = "", mac = ""] = token.split(".");
  const isSigned = publicKeysIn(accepted).some((key) =>
    verify(null, Buffer.from(`${head}.${claims}`), key, Buffer.from(mac, "base64url")),
  );
  if (!isSigned) throw new Error(`no key of ${folder} has signed this token: it is refused anyway`);
  return { id: idOfToken(token), exp };
}

function readRevoked(folder: string, nowMs: number): Revoked[] {
  const path = join(folder, REVOKED_FILE);
  if (!existsSync(path)) return [];
  const found = parsed(readFileSync(path, "utf8"));
  if (!found) throw new Error(`${path} is no list of revoked tokens: restore it from a backup`);
  return found.filter(({ exp }) => exp * 1_000 > nowMs);
}

function parsed(text: string): Revoked[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    const isGood = (each: Partial<Revoked> | null) =>
      typeof each?.id === "string" && typeof each.exp === "number";
    return Array.isArray(list) && list.every(isGood) ? list : undefined;
  } catch {
    return undefined;
  }
}
