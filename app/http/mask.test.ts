// The mask: no spelling of a token or password in an address reaches the log, and other addresses stay as they are.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { makeKey, makeRefreshToken } from "../identity/opaque.ts";
import { ask, PASSWORD, type Person, signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop, shoe } from "../testing/shop.ts";
import { maskAddress, maskMessage } from "./mask.ts";

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123";
/** A fixed refresh token: the draws of a real one are tested below. */
const OPAQUE = "k2Zt-Qm7Xw_9aLr0PvB4sYc1NdE6fGh8JiU5oT3eRbM";

// biome-ignore format: one line reads as one table
const MASKED: [string, string][] = [
  ["/api/shoes?token=abc", "/api/shoes?token=***"],
  ["/api/shoes?page=2&token=abc&limit=5", "/api/shoes?page=2&token=***&limit=5"],
  ["/api/shoes?TOKEN=abc&Access_Token=d", "/api/shoes?TOKEN=***&Access_Token=***"],
  ["/api/shoes?%74oken=abc", "/api/shoes?%74oken=***"],
  ["/api/shoes?%2574%256fken=abc", "/api/shoes?%2574%256fken=***"],
  ["/api/shoes?to%00ken=abc", "/api/shoes?to%00ken=***"],
  ["/api/shoes?refreshToken=abc&id_token=d", "/api/shoes?refreshToken=***&id_token=***"],
  ["/api/shoes?client_secret=abc", "/api/shoes?client_secret=***"],
  ["/api/shoes?password=a%20b&passwd=c&pwd=d", "/api/shoes?password=***&passwd=***&pwd=***"],
  ["/api/shoes?currentPassword=abc", "/api/shoes?currentPassword=***"],
  ["/api/shoes?authorization=Bearer+abc&auth=d", "/api/shoes?authorization=***&auth=***"],
  ["/api/shoes?X-Auth=abc&oauth_verifier=d", "/api/shoes?X-Auth=***&oauth_verifier=***"],
  ["/api/shoes?session=abc&sessionId=d&PHPSESSID=e", "/api/shoes?session=***&sessionId=***&PHPSESSID=***"],
  ["/api/shoes?X-Amz-Credential=abc&X-Amz-Signature=d", "/api/shoes?X-Amz-Credential=***&X-Amz-Signature=***"],
  ["/api/shoes?apikey=a&api_key=b&api-key=c&apiKey=d", "/api/shoes?apikey=***&api_key=***&api-key=***&apiKey=***"],
  ["/api/shoes?key=a&jwt=b&sig=c&signature=d&code=e", "/api/shoes?key=***&jwt=***&sig=***&signature=***&code=***"],
  ["/api/shoes?accessKey=a&x-code=b", "/api/shoes?accessKey=***&x-code=***"],
  ["/api/orders?page=2&email=ada%40x.example&all=true", "/api/orders?page=2&email=***&all=true"],
  ["/api/shoes?token[]=a&user[password]=b&user%5Bpwd%5D=c", "/api/shoes?token[]=***&user[password]=***&user%5Bpwd%5D=***"],
  ["/api/shoes?token==abc&token=a=b", "/api/shoes?token=***&token=***"],
  ["/api/shoes?a=1;token=abc", "/api/shoes?a=***"],
  ["/api/shoes?a=1?token=abc", "/api/shoes?a=1?token=***"],
  ["/api/shoes?a=1%26token%3Dabc", "/api/shoes?a=***"],
  ["/api/shoes?next=https%3A%2F%2Fx.example%2F%3Ftoken%3Dabc", "/api/shoes?next=***"],
  ["/api/shoes?next=https%253A%252F%252Fx.example%252F%253Fcode%253Dabc", "/api/shoes?next=***"],
  ["/api/shoes?filter=%7B%22token%22%3A%22abc%22%7D", "/api/shoes?filter=***"],
  ["/api/shoes#access_token=abc", "/api/shoes#access_token=***"],
  [`/api/shoes?q=${JWT}`, "/api/shoes?q=***"],
  [`/api/shoes?${JWT}`, "/api/shoes?***"],
  [`/api/shoes?${JWT}=1`, "/api/shoes?***"],
  [`/api/shoes?q=${encodeURIComponent(JWT).replaceAll(".", "%2E")}`, "/api/shoes?q=***"],
  [`/api/shoes?q=${OPAQUE}`, "/api/shoes?q=***"],
  [`/api/shoes?q=a%20${OPAQUE}%20b`, "/api/shoes?q=***"],
  [`/api/shoes?q=insole_key_${OPAQUE}`, "/api/shoes?q=***"],
  ["/api/shoes?q=Bearer%20abc.def", "/api/shoes?q=***"],
  ["/api/shoes?q=bearer+abc", "/api/shoes?q=***"],
  [`/api/shoes/${JWT}/relatedproducts`, "/api/shoes/***/relatedproducts"],
  [`/api/shoes/%65yJ${JWT.slice(3)}`, "/api/shoes/***"],
  [`/api/shoes/${OPAQUE}`, "/api/shoes/***"],
  [`/api/shoes/${JWT.split(".").join("%2e")}/likes/me?page=1`, "/api/shoes/***/likes/me?page=1"],
  ["/api/shoes;jsessionid=abc/x", "/api/***/x"],
  ["/api/token=abc", "/api/***"],
  ["http://ada:correct@shop/api/shoes", "http://***@shop/api/shoes"],
  ["http://ada@shop/api/shoes?page=1", "http://***@shop/api/shoes?page=1"],
  ["http://shop//ada:p@ss@x/", "http://shop//***@x/"],
  ["/api/shoes?next=//ada:correct@x.example/", "/api/shoes?next=***"],
];

test.each(MASKED)("%s", (address, masked) => {
  expect(maskAddress(address)).toBe(masked);
  // In an absolute address the same holds.
  if (address.startsWith("/")) expect(maskAddress(`http://shop${address}`)).toBe(`http://shop${masked}`);
});

test.each([
  "/",
  "",
  "*",
  "http://shop/api/shoes?q=trail%20runner&brand=northolm&maxPrice=120&sort=price_asc&facets=true",
  "/api/auth/login",
  "/v1/auth/refresh?",
  "/api/shoes?token",
  "/api/shoes?token=",
  "/shoes/pavo-finch-equinox-driver-no-5_demo-000003",
  // A slug of 43 characters.
  "/shoes/pavo-finch-equinox-driver-no-55_demo-000003",
  "/api/shoes?cursor=eyJ",
  "/api/shoes?q=100%&brand=%zz&x=%",
  "/api/shoes?ids=a,b,c&size=9.5&verbose=1&v=2",
  "/api/shoes?q=a=b&&=&=x",
  "/api/shoes?q=ada@shop.example",
  "/api/users/0b1f6c1e-8c39-4a8e-9f0a-2d8d1a4c5b6e/likes?ids=true",
  `/${"a".repeat(20_000)}`,
])("%s stays as it is", (address) => expect(maskAddress(address)).toBe(address));

test("every refresh token and admin key is recognised, whole or in a message", () => {
  for (let draw = 0; draw < 2_000; draw += 1)
    for (const secret of [makeRefreshToken(), makeKey()]) {
      expect(maskAddress(`/api/shoes/${secret}`)).toBe("/api/shoes/***");
      expect(maskMessage(`near "${secret}": failed`)).toBe('near "***": failed');
    }
});

describe("what a shop logs and answers", () => {
  let shop: ObservedShop;
  let person: Person;
  beforeAll(async () => {
    shop = await openObservedShop([shoe("a")]);
    person = await signUp(shop);
  });
  afterAll(() => shop.close());

  test("holds no token, wherever it stood in the address", async () => {
    const { token, refreshToken } = person;
    const secrets = [token, refreshToken, PASSWORD, encodeURIComponent(PASSWORD)];
    const answers: string[] = [];
    // Twice: the second answer of a public read comes from memory, which has a line of its own.
    for (const path of [
      `/api/shoes?token=${token}`,
      `/api/shoes?refresh_token=${refreshToken}&page=0`,
      `/api/shoes/a?q=${refreshToken}`,
      `/api/shoes/${token}`,
      `/api/shoes/${refreshToken}/relatedproducts`,
      `/nothing/${token}/here?x=${refreshToken}`,
      `/api/shoes?q=${"a".repeat(8_200 - 30)}&x=${refreshToken}`,
      `/api/auth/login?password=${encodeURIComponent(PASSWORD)}`,
    ])
      for (let round = 0; round < 2; round += 1) {
        const answer = await ask(shop, "GET", path);
        if (answer.status >= 400) answers.push(await answer.text());
      }
    expect(shop.logged.length).toBeGreaterThan(16);
    expect(answers.length).toBeGreaterThan(5);
    for (const text of [...shop.logged, ...answers])
      for (const secret of secrets) expect(text).not.toContain(secret.slice(0, 20));
    expect(shop.logged.some((line) => line.includes("token=***"))).toBe(true);
    expect(shop.logged.some((line) => JSON.parse(line).message === "hit")).toBe(true);
  });
});
