// Where writes need no token, pages of strangers may not write: neither from their own site nor by DNS rebinding.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestShop, shoe, type TestShop } from "../testing/shop.ts";

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop([shoe("a1")], {
    OPEN_WRITES: "true",
    PUBLIC_URL: "https://shop.example.com",
    CORS_ORIGIN: "https://front.example.com,http://dev.example.com:*",
  });
});
afterAll(() => shop.close());

const JSON_TYPE = { "content-type": "application/json" };

/** The statuses of every kind of write that needs no token here. */
async function writes(headers: Record<string, string>): Promise<number[]> {
  const send = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? { method, headers } : { method, body: JSON.stringify(body) };
    const answer = await shop.get(path, { ...init, headers: { ...headers, ...(body ? JSON_TYPE : {}) } });
    return answer.status;
  };
  return [
    await send("POST", "/api/shoes/a1/likes/u1"),
    await send("POST", "/api/shoes/likes", { id: "a1", userid: "u2" }),
    await send("DELETE", "/v1/shoes/a1/likes/u1"),
    await send("PUT", "/api/shoes/a1/stock", { sizes: [{ stock: 3 }] }),
    await send("DELETE", "/api/shoes/missing"),
  ];
}

test.each<[string | null, string]>([
  [null, "127.0.0.1:3000"],
  [null, "shoes.corp.example.net"],
  ["http://127.0.0.1:3000", "127.0.0.1:3000"],
  ["http://localhost:3000", "localhost:3000"],
  ["http://shop.internal", "shop.internal"],
  ["http://insole:8080", "insole:8080"],
  ["https://shop.example.com", "shop.example.com"],
  ["https://shop.example.com", "10.0.0.7:3000"],
  ["https://front.example.com", "10.0.0.7:3000"],
  ["http://dev.example.com:5173", "localhost:3000"],
])("a page of %p at the Host %s may write", async (origin, host) => {
  expect(await writes(origin === null ? { host } : { host, origin })).toEqual([201, 201, 204, 200, 404]);
});

// biome-ignore format: one line reads as one table
test.each([
  ["http://evil.example.net", "10.0.0.7:3000"], ["http://evil.example.net:3000", "evil.example.net:3000"],
  ["http://evil.example.net", "evil.example.net"], ["http://shop.internal.evil.net", "shop.internal.evil.net"],
  ["http://10.0.0.7.nip.io:3000", "10.0.0.7.nip.io:3000"], ["http://localhost.evil.net", "localhost.evil.net"],
  ["null", "10.0.0.7:3000"], ["null", "evil.example.net"], ["", "10.0.0.7:3000"], ["file://", "10.0.0.7:3000"],
  ["http://10.0.0.7", "10.0.0.7:3000"], ["http://10.0.0.7:3001", "10.0.0.7:3000"], ["http://10.0.0.8:3000", "10.0.0.7:3000"],
  ["http://localhost:5173", "localhost:3000"], ["http://shop.example.com", "10.0.0.7:3000"],
  ["https://shop.example.com:8443", "10.0.0.7:3000"], ["https://x.shop.example.com", "10.0.0.7:3000"],
  ["https://shop.example.com.evil.net", "10.0.0.7:3000"], ["https://evilshop.example.com", "10.0.0.7:3000"],
  ["https://evilshop.example.com", "evilshop.example.com"], ["http://front.example.com", "10.0.0.7:3000"],
  ["https://front.example.com:444", "10.0.0.7:3000"], ["https://front.example.com.evil.net", "10.0.0.7:3000"],
  ["https://front.example.com@evil.net", "10.0.0.7:3000"], ["https://front.example.com/", "10.0.0.7:3000"],
  ["https://dev.example.com:5173", "10.0.0.7:3000"], ["http://dev.example.com:5173.evil.net", "10.0.0.7:3000"],
  ["chrome-extension://abcdef", "10.0.0.7:3000"], ["http://[::1]:3000", "10.0.0.7:3000"], ["*", "10.0.0.7:3000"],
  ["http://evil.example.net, http://10.0.0.7:3000", "10.0.0.7:3000"],
])("a page of %p at the Host %s may not", async (origin, host) => {
  expect(await writes({ host, origin })).toEqual([403, 403, 403, 403, 403]);
});
