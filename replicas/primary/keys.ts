// The keys of one dataset: a token signed by them lets a node into the primary of this shop and of no other.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { claimsOf } from "../dataset.ts";

/**
 * The content of the keys' folder: the dataset's id, the private key that signs, and the text of the file with the public keys
 * that the door accepts: one, or two while keys are changed.
 */
export type Keys = { datasetId: string; privatePem: string; accepted: string };

/** What a token allows until it ends: everything, or replication and reading. */
export type Grant = { kind: "write" | "read"; days: number };

/** The days that a token is valid for unless it is said otherwise; both of a node's tokens then end together. */
export const TOKEN_DAYS = 90;
/** The longest validity. */
export const TOKEN_DAYS_MAX = 3_650;

const DATASET_FILE = "dataset.json";
/** The names of the files with the keys. */
export const PRIVATE_FILE = "private.pem";
export const PUBLIC_FILE = "public.pem";
/** The name of the file with the tokens that were revoked one by one. */
export const REVOKED_FILE = "revoked.json";
/** The modes of the files that commands replace. */
export const KEY_MODES = { [PRIVATE_FILE]: 0o600, [PUBLIC_FILE]: 0o644, [REVOKED_FILE]: 0o600 } as const;
/** The length of a token's id: 16 random bytes as hexadecimal digits. */
const ID_CHARS = 32;
const SECONDS_PER_DAY = 86_400;
const PUBLIC_KEY = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g;

/** Whether the folder holds the keys of a dataset. */
export const hasKeys = (folder: string): boolean =>
  existsSync(join(folder, DATASET_FILE)) || existsSync(join(folder, PRIVATE_FILE));

/** Creates a key pair for the dataset; the file that names the dataset is written last. */
export function makeKeys(folder: string, datasetId: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { privatePem, publicPem } = makePair();
  const write = (name: string, text: string, mode: number) =>
    writeFileSync(join(folder, name), text, { mode, flag: "wx" });
  write(PRIVATE_FILE, privatePem, KEY_MODES[PRIVATE_FILE]);
  write(PUBLIC_FILE, publicPem, KEY_MODES[PUBLIC_FILE]);
  write(DATASET_FILE, `${JSON.stringify({ id: datasetId })}\n`, 0o644);
}

/** A new key pair, as PEM. */
export function makePair(): { privatePem: string; publicPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privatePem: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    publicPem: String(publicKey.export({ type: "spki", format: "pem" })),
  };
}

/** The public key of a private one, as PEM. */
export const publicOf = (privatePem: string): string =>
  String(createPublicKey(createPrivateKey(privatePem)).export({ type: "spki", format: "pem" }));

/** The single keys of a text with public keys, as PEM. */
export const publicKeysIn = (text: string): string[] =>
  (text.match(PUBLIC_KEY) ?? []).map((key) => `${key}\n`);

/** Reads the folder. Throws one sentence when a file is missing or they do not belong together. */
export function readKeys(folder: string): Keys {
  const read = (name: string): string => {
    const path = join(folder, name);
    if (!existsSync(path))
      throw new Error(
        `${folder} has no ${name}: create a dataset with --init, or restore the folder from a backup`,
      );
    return readFileSync(path, "utf8");
  };
  const datasetId = datasetIdOf(read(DATASET_FILE));
  if (datasetId === undefined) throw new Error(`${join(folder, DATASET_FILE)} names no dataset`);
  const [privatePem, accepted] = [read(PRIVATE_FILE), read(PUBLIC_FILE)];
  if (!publicKeysIn(accepted).includes(publicOf(privatePem)))
    throw new Error(`${PRIVATE_FILE} and ${PUBLIC_FILE} in ${folder} are not a pair`);
  return { datasetId, privatePem, accepted };
}

/** Signs a token for a node of this dataset, which has an id by which it can be revoked alone. */
export function makeToken(
  { datasetId, privatePem }: Pick<Keys, "datasetId" | "privatePem">,
  grant: Grant,
  nowMs: number,
): string {
  const iat = Math.floor(nowMs / 1000);
  return signToken(privatePem, {
    a: grant.kind === "write" ? "rw" : "ro",
    dataset: datasetId,
    jti: crypto.randomUUID().replaceAll("-", ""),
    iat,
    exp: iat + grant.days * SECONDS_PER_DAY,
  });
}

/** Signs the claims of a token. */
export function signToken(privatePem: string, claims: Record<string, string | number>): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: "EdDSA", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), privatePem).toString("base64url")}`;
}

/**
 * The id by which a token is revoked, in hexadecimal digits: its own, or the start of the SHA-256 of its signed part where it has
 * none. The signature does not count, because one signature can be spelled in several ways.
 */
export function idOfToken(token: string): string {
  const [head = "", claims = ""] = token.split(".");
  const { jti } = claimsOf(token);
  if (typeof jti === "string") return jti;
  return createHash("sha256").update(`${head}.${claims}`).digest("hex").slice(0, ID_CHARS);
}

function datasetIdOf(text: string): string | undefined {
  try {
    const { id } = JSON.parse(text);
    return typeof id === "string" && id !== "" ? id : undefined;
  } catch {
    return undefined;
  }
}
