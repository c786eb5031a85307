// The secrets that sign tokens: from the settings, or made once and stored beside the database.
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE = "jwt-secret";
const SECRET_BYTES = 48;

/**
 * The secrets: the first signs, all verify. `neededFor` names the setting that forbids making one here. Throws when there
 * is none then, or when the file is unusable.
 */
export function prepareSecrets(
  given: readonly string[],
  dataDir: string,
  neededFor: string | null = null,
): string[] {
  if (given.length > 0) return [...given];
  if (neededFor !== null)
    throw new Error(`JWT_SECRET is not set: ${neededFor} requires a secret of 32 bytes or more`);
  const path = join(dataDir, FILE);
  return [readSecretFile(path) ?? makeSecretFile(path)];
}

/** Two processes that start at the same time end up with the same secret: only one can link the file. */
function makeSecretFile(path: string): string {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  writeFileSync(temporary, randomBytes(SECRET_BYTES).toString("base64url"), { mode: 0o600, flag: "wx" });
  try {
    linkSync(temporary, path);
  } catch (thrown) {
    if (!hasCode(thrown, "EEXIST")) throw thrown;
  } finally {
    rmSync(temporary);
  }
  const secret = readSecretFile(path);
  if (secret === null) throw new Error(`cannot store a secret in ${path}: set JWT_SECRET`);
  return secret;
}

function readSecretFile(path: string): string | null {
  try {
    const secret = readFileSync(path, "utf8").trim();
    if (secret.length < SECRET_BYTES) throw new Error(`the secret in ${path} is too short: remove the file`);
    return secret;
  } catch (thrown) {
    if (hasCode(thrown, "ENOENT")) return null;
    throw thrown;
  }
}

const hasCode = (thrown: unknown, code: string): boolean =>
  thrown instanceof Error && "code" in thrown && thrown.code === code;
