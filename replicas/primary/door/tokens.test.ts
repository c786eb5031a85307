// Which tokens open the door, as rows: what a token says, how it is signed and spelled, and what the verdict is.
import { beforeEach, describe, expect, test } from "bun:test";
import { createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import { openSigner } from "../../testing/door.ts";
import { idOfToken, makeToken } from "../keys.ts";
import { openTokens, type Tokens } from "./tokens.ts";

const DATASET = "shop-1";
const NOW_SECONDS = 1_800_000_000;
const signer = openSigner();
const other = openSigner();
const claims = { a: "rw", dataset: DATASET, iat: NOW_SECONDS, exp: NOW_SECONDS + 60 };
const good = signer.sign(claims);

let nowMs = NOW_SECONDS * 1_000;
let tokens: Tokens;
const take = (publicKeys = [signer.publicPem], revoked: string[] = [], datasetId = DATASET) =>
  tokens.replace({ datasetId, publicKeys, revoked });
beforeEach(() => {
  nowMs = NOW_SECONDS * 1_000;
  tokens = openTokens(() => nowMs);
  take();
});

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const EDDSA = part({ alg: "EdDSA", typ: "JWT" });
const [, CLAIMS = "", SIGNATURE = ""] = good.split(".");
const hmac = (alg: string, secret: string): string => {
  const signed = `${part({ alg, typ: "JWT" })}.${CLAIMS}`;
  return `${signed}.${createHmac(alg.replace("HS", "sha"), secret).update(signed).digest("base64url")}`;
};
const rsa = (): string => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const signed = `${part({ alg: "RS256" })}.${CLAIMS}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
};
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** The last four bits of a signature's last character belong to no byte, so fifteen other characters spell the same one. */
const respelled = [...ALPHABET]
  .map((letter) => good.slice(0, -1) + letter)
  .filter((token) => token !== good && bytesOfSignature(token) === bytesOfSignature(good));

function bytesOfSignature(token: string): string {
  return Buffer.from(token.split(".")[2] ?? "", "base64url").toString("hex");
}

test.each([
  ["writes", { a: "rw" }, "write"],
  ["reads", { a: "ro" }, "read"],
  ["has an id", { jti: "one" }, "write"],
  ["is valid since now", { nbf: NOW_SECONDS }, "write"],
] as const)("a token that %s passes", (_, more, access) => {
  expect(tokens.check(signer.sign({ ...claims, ...more }))).toEqual({ access });
});

test("the tokens of the command pass", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  take([String(publicKey.export({ type: "spki", format: "pem" }))]);
  const keys = {
    datasetId: DATASET,
    privatePem: String(privateKey.export({ type: "pkcs8", format: "pem" })),
  };
  const made = (kind: "read" | "write") => tokens.check(makeToken(keys, { kind, days: 1 }, nowMs));
  expect([made("read"), made("write")]).toEqual([{ access: "read" }, { access: "write" }]);
});

test.each<[string, string | null, string]>([
  ["none", null, "missing"],
  ["an empty one", "", "malformed"],
  ["garbage", "garbage", "malformed"],
  ["two parts", `${EDDSA}.${CLAIMS}`, "malformed"],
  ["four parts", `${good}.${SIGNATURE}`, "malformed"],
  ["an empty signature", `${EDDSA}.${CLAIMS}.`, "malformed"],
  ["a header that is no object", `${part(1)}.${CLAIMS}.${SIGNATURE}`, "malformed"],
  [
    "a header that is no JSON",
    `${Buffer.from("{").toString("base64url")}.${CLAIMS}.${SIGNATURE}`,
    "malformed",
  ],
  ["padding", `${good}=`, "malformed"],
  ["a line break", `${good}\n`, "malformed"],
  ["3,000 characters", signer.sign({ ...claims, more: "x".repeat(3_000) }), "malformed"],
  ["alg none", `${part({ alg: "none" })}.${CLAIMS}.${SIGNATURE}`, "algorithm"],
  ["alg none without a signature", `${part({ alg: "none" })}.${CLAIMS}.`, "malformed"],
  ["HS256 by the public key", hmac("HS256", signer.publicPem), "algorithm"],
  ["HS512 by the public key", hmac("HS512", signer.publicPem.trim()), "algorithm"],
  ["RS256", rsa(), "algorithm"],
  ["alg in lower case", signer.sign(claims, { alg: "eddsa" }), "algorithm"],
  ["no alg", signer.sign(claims, { typ: "JWT" }), "algorithm"],
  ["an extension that must be known", signer.sign(claims, { alg: "EdDSA", crit: ["exp"] }), "algorithm"],
  ["another key", other.sign(claims), "signature"],
  ["another key in its header", other.sign(claims, { alg: "EdDSA", jwk: other.publicPem }), "signature"],
  ["a signature of zeros", `${EDDSA}.${CLAIMS}.${Buffer.alloc(64).toString("base64url")}`, "signature"],
  ["a short signature", `${EDDSA}.${CLAIMS}.${Buffer.alloc(63).toString("base64url")}`, "signature"],
  ["other claims", `${EDDSA}.${part({ ...claims, exp: claims.exp + 1 })}.${SIGNATURE}`, "signature"],
  ["claims that are no object", signer.sign([claims]), "access"],
  ["no access", signer.sign({ ...claims, a: undefined }), "access"],
  ["another access", signer.sign({ ...claims, a: "admin" }), "access"],
  ["an access that objects have", signer.sign({ ...claims, a: "constructor" }), "access"],
  ["a list of accesses", signer.sign({ ...claims, a: ["rw"] }), "access"],
  ["another dataset", signer.sign({ ...claims, dataset: "shop-2" }), "dataset"],
  ["no dataset", signer.sign({ ...claims, dataset: undefined }), "dataset"],
  ["no end", signer.sign({ ...claims, exp: undefined }), "expiry"],
  ["an end as text", signer.sign({ ...claims, exp: String(claims.exp) }), "expiry"],
  ["a beginning as text", signer.sign({ ...claims, nbf: "0" }), "expiry"],
  ["an end that is now", signer.sign({ ...claims, exp: NOW_SECONDS }), "ended"],
  ["a beginning that is to come", signer.sign({ ...claims, nbf: NOW_SECONDS + 1 }), "early"],
])("%s: refused", (_, token, fault) => {
  expect(tokens.check(token)).toEqual({ fault: fault as never });
});

test("another spelling of the same signature is refused", () => {
  expect(respelled.length).toBe(15);
  for (const token of respelled) expect(tokens.check(token)).toEqual({ fault: "malformed" });
});

describe("a token that passed before", () => {
  beforeEach(() => {
    expect(tokens.check(good)).toEqual({ access: "write" });
  });

  test("is refused once it has ended", () => {
    nowMs += 59_999;
    expect(tokens.check(good)).toEqual({ access: "write" });
    nowMs += 1;
    expect(tokens.check(good)).toEqual({ fault: "ended" });
  });

  test.each([{}, { jti: "one" }])("is refused by the id that `token --revoke` writes down: %p", (more) => {
    const token = signer.sign({ ...claims, ...more });
    take([signer.publicPem], [idOfToken(token)]);
    expect(tokens.check(token)).toEqual({ fault: "revoked" });
  });

  test("is refused once it is revoked, by its hash or its id, and it alone", () => {
    const named = signer.sign({ ...claims, jti: "one" });
    take(
      [signer.publicPem],
      [
        createHash("sha256")
          .update(good.slice(0, good.lastIndexOf(".")))
          .digest("hex")
          .slice(0, 32),
        "one",
      ],
    );
    expect([good, named].map(tokens.check)).toEqual([{ fault: "revoked" }, { fault: "revoked" }]);
    expect(tokens.check(signer.sign({ ...claims, a: "ro" }))).toEqual({ access: "read" });
    take();
    expect(tokens.check(good)).toEqual({ access: "write" });
  });

  test("is refused once its key is gone, and passes beside a second key", () => {
    take([other.publicPem, signer.publicPem]);
    expect(tokens.check(good)).toEqual({ access: "write" });
    take([other.publicPem]);
    expect(tokens.check(good)).toEqual({ fault: "signature" });
  });

  test("is refused for another dataset", () => {
    take([signer.publicPem], [], "shop-2");
    expect(tokens.check(good)).toEqual({ fault: "dataset" });
  });
});

test("without keys no token passes, and keys of another kind are refused", () => {
  const empty = openTokens(() => nowMs);
  expect([empty.isReady(), empty.datasetId()]).toEqual([false, null]);
  expect(empty.check(good)).toEqual({ fault: "missing" });
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  for (const pem of [String(publicKey.export({ type: "spki", format: "pem" })), "garbage", ""])
    expect(() => empty.replace({ datasetId: DATASET, publicKeys: [pem], revoked: [] })).toThrow(
      /^[^\n]+PEM$/,
    );
  expect(empty.isReady()).toBe(false);
});
