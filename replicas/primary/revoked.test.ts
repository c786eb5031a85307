// Tokens that are revoked one by one: by themselves or by their id, kept until they would have ended.
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../db/must.ts";
import { openScratch } from "../testing/primary.ts";
import { idOfToken, makeKeys, makePair, makeToken, readKeys, signToken } from "./keys.ts";
import { lockFolder } from "./lock.ts";
import { revokedIds, revokeToken } from "./revoked.ts";
import { changeKeys } from "./rotation.ts";

const scratch = openScratch();
afterAll(scratch.remove);

const NOW_MS = Date.parse("2026-05-01T00:00:00Z");
const DAY_MS = 86_400_000;
const DATASET = "ab".repeat(16);

let keys = "";
beforeEach(() => {
  keys = join(mkdtempSync(join(scratch.path, "each-")), "keys");
  makeKeys(keys, DATASET);
});

const tokenOf = (days = 90): string => makeToken(readKeys(keys), { kind: "read", days }, NOW_MS);
const REVOKED = (id: string) => `the token ${id} is revoked. A running primary refuses it within a second`;

test("a token is revoked as itself or by its id", () => {
  const [one, other, third] = [tokenOf(), tokenOf(), tokenOf()];
  expect(revokeToken(keys, one, NOW_MS)).toBe(REVOKED(idOfToken(one)));
  expect(revokeToken(keys, idOfToken(other), NOW_MS)).toBe(REVOKED(idOfToken(other)));
  expect(revokedIds(keys, NOW_MS)).toEqual([idOfToken(one), idOfToken(other)]);
  expect(revokedIds(keys, NOW_MS)).not.toContain(idOfToken(third));
  expect(statSync(join(keys, "revoked.json")).mode & 0o777).toBe(0o600);
  expect(readdirSync(keys)).not.toContain("revoked.json.new");
});

test("a token from before tokens had an id is known by its hash", () => {
  const { privatePem } = readKeys(keys);
  const old = signToken(privatePem, {
    a: "ro",
    dataset: DATASET,
    iat: NOW_MS / 1_000,
    exp: NOW_MS / 1_000 + 60,
  });
  const signed = old.slice(0, old.lastIndexOf("."));
  const id = createHash("sha256").update(signed).digest("hex").slice(0, 32);
  expect(idOfToken(old)).toBe(id);
  expect(revokeToken(keys, old, NOW_MS)).toBe(REVOKED(id));
});

test("an entry is kept until its token would have ended, one by its id for the longest validity", () => {
  const [short, long] = [tokenOf(1), tokenOf(90)];
  const byId = "0".repeat(32);
  for (const each of [short, long, byId]) revokeToken(keys, each, NOW_MS);
  const idsAfter = (days: number) => revokedIds(keys, NOW_MS + days * DAY_MS);
  expect(idsAfter(0)).toHaveLength(3);
  expect(idsAfter(1)).toEqual([idOfToken(long), byId]);
  expect(idsAfter(90)).toEqual([byId]);
  expect(idsAfter(3_649)).toEqual([byId]);
  expect(idsAfter(3_650)).toEqual([]);
  // The next change writes down what is left.
  revokeToken(keys, "1".repeat(32), NOW_MS + 90 * DAY_MS);
  const file = JSON.parse(readFileSync(join(keys, "revoked.json"), "utf8"));
  expect(file.map(({ id }: { id: string }) => id)).toEqual([byId, "1".repeat(32)]);
});

test("a second revocation says so, and one of an ended token that it is refused anyway", () => {
  const token = tokenOf(1);
  revokeToken(keys, token, NOW_MS);
  expect(revokeToken(keys, token, NOW_MS)).toBe(`the token ${idOfToken(token)} was revoked before`);
  expect(revokeToken(keys, token, NOW_MS + DAY_MS)).toBe(
    `the token ${idOfToken(token)} ended at 2026-05-02T00:00:00.000Z and is refused anyway`,
  );
});

describe("is refused in one sentence, and changes nothing", () => {
  const NEITHER = "this is neither a token nor the id of one (32 hexadecimal digits)";
  const encode = (claims: object) => Buffer.from(JSON.stringify(claims)).toString("base64url");

  test.each<[string, () => string, () => string]>([
    ["an empty text", () => "", () => NEITHER],
    ["a word", () => "token", () => NEITHER],
    ["half an id", () => "ab12", () => NEITHER],
    [
      "two tokens",
      () => `${tokenOf()},${tokenOf()}`,
      () => `no key of ${keys} has signed this token: it is refused anyway`,
    ],
    ["a token without an end", () => `x.${encode({ dataset: DATASET })}.x`, () => NEITHER],
    [
      "a token of another dataset",
      () => makeToken({ ...readKeys(keys), datasetId: "other" }, { kind: "read", days: 1 }, NOW_MS),
      () => `the token belongs to the dataset other, but ${keys} to the dataset ${DATASET}`,
    ],
    [
      "a token that another key has signed",
      () => makeToken({ ...makePair(), datasetId: DATASET }, { kind: "read", days: 1 }, NOW_MS),
      () => `no key of ${keys} has signed this token: it is refused anyway`,
    ],
    [
      "a token of a key that is gone",
      () => {
        const before = tokenOf();
        changeKeys(keys, "revoke");
        return before;
      },
      () => `no key of ${keys} has signed this token: it is refused anyway`,
    ],
  ])("%s", (_name, text, sentence) => {
    const given = text();
    expect(() => revokeToken(keys, given, NOW_MS)).toThrow(sentence());
    expect(readdirSync(keys)).not.toContain("revoked.json");
  });

  test("a token of the key before, while keys are changed, is revoked", () => {
    const before = tokenOf();
    changeKeys(keys, "add");
    expect(revokeToken(keys, before, NOW_MS)).toBe(REVOKED(idOfToken(before)));
  });

  test("a revocation during another change", () => {
    const lock = must(lockFolder(keys), "the lock");
    expect(() => revokeToken(keys, tokenOf(), NOW_MS)).toThrow("another change of its keys is under way");
    lock.release();
  });

  test.each(["", "{", "{}", "[1]", "[null]", '[{"id":"a"}]', '[{"id":1,"exp":1}]'])(
    "a list that is %j",
    (text) => {
      writeFileSync(join(keys, "revoked.json"), text);
      expect(() => revokeToken(keys, tokenOf(), NOW_MS)).toThrow("is no list of revoked tokens");
      expect(readFileSync(join(keys, "revoked.json"), "utf8")).toBe(text);
    },
  );
});

test("the command takes a token from its input, which no list of processes shows", () => {
  const command = [process.execPath, join(import.meta.dir, "command.ts"), "token", "--keys", keys];
  const run = (words: string[], input = "") => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([...command, ...words], { stdin: Buffer.from(input) });
    return { exitCode, out: stdout.toString().trim(), err: stderr.toString().trim() };
  };
  const made = run(["--read"]);
  // The output is the token alone; its id goes beside it.
  expect(made.err).toMatch(
    new RegExp(`^id ${idOfToken(made.out)}, read, ends at \\S+Z; token --revoke <id> ends it before$`),
  );
  expect(run(["--revoke", "-"], `${made.out}\n`)).toEqual({
    exitCode: 0,
    out: REVOKED(idOfToken(made.out)),
    err: "",
  });
  expect(revokedIds(keys, Date.now())).toEqual([idOfToken(made.out)]);
  expect(run(["--revoke", "nothing"])).toEqual({
    exitCode: 1,
    out: "",
    err: "primary: this is neither a token nor the id of one (32 hexadecimal digits)",
  });
});
