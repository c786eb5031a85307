// The attempts of a reading token: each is different, all bring the token, and none asks for what it may have.
import { expect, test } from "bun:test";
import { attemptsWith } from "./attempts.ts";
import { bytesOf } from "./raw.ts";

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
const token = `${encode({ alg: "EdDSA" })}.${encode({ a: "ro", dataset: "d" })}.c2ln`;
const attempts = attemptsWith({ token, secretFile: "/secret", writtenFile: "/written" });
const ALLOWED =
  /^(GET \/dataset|GET \/info|POST \/v1\/waiting|POST \/wal_log\.ReplicationLog\/(Hello|BatchLogEntries|Snapshot)) HTTP/;

test("none of them is twice the same, and none is allowed", () => {
  const texts = attempts.map(({ request }) => bytesOf(request).toString());
  expect(texts.length).toBeGreaterThan(200);
  expect(new Set(texts).size).toBe(texts.length);
  expect(texts.filter((text) => ALLOWED.test(text))).toEqual([]);
});

test("every way in gets every statement", () => {
  for (const path of ["/v2/pipeline", "/v3/pipeline", "/v1/commit", "/v1/query", "/migrations/v3/pipeline"])
    for (const sql of ["readfile", "writefile", "fsdir", "BEGIN IMMEDIATE", "DELETE FROM users"])
      expect(attempts.some(({ what }) => what.includes(sql) && what.endsWith(` at ${path}`))).toBe(true);
});

test("a bent token claims to be one that may write", () => {
  const claims = attempts.flatMap(({ request: { headers } }) =>
    headers.flatMap(([, value]) => {
      const part = /^Bearer [^.]+\.([^.]+)\./.exec(value)?.[1];
      return part === undefined ? [] : [JSON.parse(Buffer.from(part, "base64url").toString()).a];
    }),
  );
  expect(new Set(claims)).toEqual(new Set(["ro", "rw"]));
});
