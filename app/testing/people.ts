// People for tests: accounts registered over HTTP, and requests with their tokens.
import { createHmac } from "node:crypto";
import { must } from "../../db/must.ts";

/** The part of a test shop that is used here. */
type Shop = { get(path: string, init?: RequestInit): Promise<Response> };

export type Person = { id: string; email: string; password: string; token: string; refreshToken: string };

export const PASSWORD = "correct horse battery";

let made = 0;

/** Sends a request with an optional token and JSON body; a string is sent unchanged. */
export function ask(
  shop: Shop,
  method: string,
  path: string,
  { token, body, headers = {} }: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Response> {
  return shop.get(path, {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

/** Registers a new customer. */
export async function signUp(shop: Shop, name = "Sam"): Promise<Person> {
  const email = `person${++made}@shop.example`;
  const answer = await ask(shop, "POST", "/api/auth/register", { body: { email, password: PASSWORD, name } });
  if (answer.status !== 201) throw new Error(await answer.text());
  const { user, token, refreshToken } = (await answer.json()) as Session;
  return { id: user.id, email, password: PASSWORD, token, refreshToken };
}

/** Starts another session of the same person. */
export async function signIn(shop: Shop, { email, password, ...person }: Person): Promise<Person> {
  const answer = await ask(shop, "POST", "/api/auth/login", { body: { email, password } });
  if (answer.status !== 200) throw new Error(await answer.text());
  const { token, refreshToken } = (await answer.json()) as Session;
  return { ...person, email, password, token, refreshToken };
}

export type Session = { token: string; refreshToken: string; expiresIn: number; user: { id: string } };

const HASHES: Record<string, string> = { HS256: "sha256", HS384: "sha384", HS512: "sha512" };
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A forged token with any claims and any algorithm, also `none`. */
export function forge(claims: object, secret: string, alg = "HS256"): string {
  const signed = `${encode({ alg, typ: "JWT" })}.${encode(claims)}`;
  const hash = HASHES[alg];
  return `${signed}.${hash ? createHmac(hash, secret).update(signed).digest("base64url") : ""}`;
}

/** The claims of a token, unverified. */
export const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(must(token.split(".")[1], "the claims"), "base64url").toString());
