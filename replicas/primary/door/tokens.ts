// Checks the tokens of requests by the dataset's public keys: who may read, who may write, and why a token is refused.
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { LRUCache } from "lru-cache";
import { must } from "../../../db/must.ts";
import type { DoorMessage } from "./messages.ts";

/** What a token opens: `read` replication and the dataset's name, `write` all. */
export type Access = "read" | "write";

/** Why a token is refused. */
export type TokenFault =
  | "missing"
  | "malformed"
  | "algorithm"
  | "signature"
  | "access"
  | "dataset"
  | "expiry"
  | "early"
  | "ended"
  | "revoked";

export type Verdict = { access: Access } | { fault: TokenFault };

export type Tokens = {
  /** Replaces what tokens are checked by. Throws one sentence where a key cannot be read or is no Ed25519 key. */
  replace(keys: TokenKeys): void;
  /** Whether there are keys already; without them no token is right. */
  isReady(): boolean;
  /** The dataset whose tokens are right; `null` while there are no keys. */
  datasetId(): string | null;
  /** Checks the text after `Bearer `; `null` where the request has none. Looks at time and revocation anew each time. */
  check(token: string | null): Verdict;
};

/** The public keys as PEM, the dataset that tokens must name, and the ids of tokens that are refused. */
export type TokenKeys = Omit<Extract<DoorMessage, { kind: "keys" }>, "kind">;

/** What was read from a token with a right signature; times in milliseconds since 1970. */
type Checked = { id: string; access: Access; dataset: unknown; fromMs: number; endsAtMs: number };

/** Tokens of ours have 250 characters. */
const TOKEN_CHARACTERS_MAX = 2_048;
/** The nodes of a cluster have two each; a signature takes 40 us to check, a known token 1 us. */
const KNOWN_MAX = 1_000;
const ACCESS: Record<string, Access> = { ro: "read", rw: "write" };
const ID_CHARACTERS = 32;

/** Opens the checks without keys; `now` is the time in milliseconds since 1970. */
export function openTokens(now: () => number = Date.now): Tokens {
  let keys: { datasetId: string; publicKeys: KeyObject[]; revoked: Set<string> } | null = null;
  // Tokens that passed; others are checked each time, so that a flood of them cannot displace those.
  const known = new LRUCache<string, Checked>({ max: KNOWN_MAX });

  const read = (token: string, publicKeys: KeyObject[]): Checked | TokenFault => {
    const cached = known.get(token);
    if (cached) return cached;
    const checked = readToken(token, publicKeys);
    if (typeof checked !== "string") known.set(token, checked);
    return checked;
  };

  return {
    replace({ datasetId, publicKeys, revoked }) {
      keys = { datasetId, publicKeys: publicKeys.map(readKey), revoked: new Set(revoked) };
      known.clear();
    },
    isReady: () => keys !== null,
    datasetId: () => keys?.datasetId ?? null,
    check(token) {
      if (token === null || keys === null) return { fault: "missing" };
      const checked = read(token, keys.publicKeys);
      if (typeof checked === "string") return { fault: checked };
      if (checked.dataset !== keys.datasetId) return { fault: "dataset" };
      if (keys.revoked.has(checked.id)) return { fault: "revoked" };
      const nowMs = now();
      if (nowMs < checked.fromMs) return { fault: "early" };
      return nowMs < checked.endsAtMs ? { access: checked.access } : { fault: "ended" };
    },
  };
}

function readKey(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // The same sentence as for a key of another kind.
  }
  throw new Error("a key for checking tokens is not an Ed25519 public key in PEM");
}

/** The id by which a token is revoked: its `jti`, else the beginning of the hash of what was signed. */
const idOf = (signed: string, jti: unknown): string =>
  typeof jti === "string" ? jti : createHash("sha256").update(signed).digest("hex").slice(0, ID_CHARACTERS);

function readToken(token: string, publicKeys: KeyObject[]): Checked | TokenFault {
  if (token.length > TOKEN_CHARACTERS_MAX) return "malformed";
  const parts = token.split(".");
  const [head, claims, signature] = parts.map(bytesOf);
  if (parts.length !== 3 || !head || !claims || !signature) return "malformed";
  const header = objectOf(head);
  if (!header) return "malformed";
  // `crit` names extensions that a reader must know; none are known here.
  if (header.alg !== "EdDSA" || header.crit !== undefined) return "algorithm";
  const signed = token.slice(0, token.lastIndexOf("."));
  if (!publicKeys.some((key) => verify(null, Buffer.from(signed), key, signature))) return "signature";
  const { a, dataset, jti, exp, nbf = 0 } = objectOf(claims) ?? {};
  const access =
    typeof a === "string" && Object.hasOwn(ACCESS, a) ? must(ACCESS[a], "the access") : undefined;
  if (!access) return "access";
  if (!Number.isFinite(exp) || !Number.isFinite(nbf)) return "expiry";
  const [fromMs, endsAtMs] = [Number(nbf) * 1_000, Number(exp) * 1_000];
  return { id: idOf(signed, jti), access, dataset, fromMs, endsAtMs };
}

/** The bytes of one part; `null` unless it is spelled in the only right way: a token has one text. */
function bytesOf(part: string): Buffer | null {
  const bytes = Buffer.from(part, "base64url");
  return part !== "" && bytes.toString("base64url") === part ? bytes : null;
}

function objectOf(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}
