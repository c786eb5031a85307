// The costs of a stored password hash.
import { expect, test } from "bun:test";
import { costsOf } from "./argon2.ts";

test("the costs are read from a hash, and another algorithm throws", () => {
  expect(costsOf("$argon2id$v=19$m=19456,t=2,p=1$salt$hash")).toEqual({ memoryCost: 19_456, timeCost: 2 });
  expect(() => costsOf("$2b$10$abc")).toThrow("does not hash by argon2id");
});
