// Insole-Version: a read that sends it back sees at least the write, and an invalid version is ignored.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { flipped } from "../../db/flipped.ts";
import { readUntil, shoe } from "../testing/shop.ts";
import { type AdminShop, openAdminShop } from "../testing/writes.ts";
import { openVersions } from "./version.ts";

/** Lists show a write after 0.1 s at most, as the cache's own tests show by its clock. */
const SEEN_MS = 10_000;
/** The cookie of another host of the site, before the shop's own. */
const PLANTED = "insole_version=0.0.AAAAAAAAAAAAAAAA; __Host-";
const ALONE = { db: { written: () => null }, reach: async () => false };

let shop: AdminShop;
beforeAll(async () => {
  shop = await openAdminShop([shoe("a"), shoe("b", { related: ["a"] })], {
    PUBLIC_URL: "https://shop.example",
  });
});
afterAll(() => shop.close());

const put = (fields: unknown) => shop.send("PUT", "/api/products/a", fields);
const read = (path: string, headers: Record<string, string> = {}) =>
  shop.send("GET", path, undefined, headers, null);
const versionOf = ({ headers }: { headers: Headers }) => headers.get("insole-version") ?? "";

/** Every answer that shows the shoe's title. */
const PATHS: [string, (body: never) => unknown][] = [
  ["/api/shoes/a", ({ data }: { data: { title: string } }) => data.title],
  ["/v1/products/a", ({ data }: { data: { name: string } }) => data.name],
  [
    "/api/shoes",
    ({ data }: { data: { id: string; title: string }[] }) => data.find(({ id }) => id === "a")?.title,
  ],
  [
    "/api/shoes?q=shoe",
    ({ data }: { data: { id: string; title: string }[] }) => data.find(({ id }) => id === "a")?.title,
  ],
  ["/api/shoes?ids=a", ({ data }: { data: { title: string }[] }) => data[0]?.title],
  [
    "/api/shoes/b/relatedproducts",
    (body: { relatedProducts: { title: string }[] }) => body.relatedProducts[0]?.title,
  ],
];

describe("a read that sends it back", () => {
  test.each(["header", "cookie", "cookie of TLS"])(
    "by %s never gets an older answer, however fast the writes come",
    async (way) => {
      for (let round = 0; round < 15; round += 1) {
        const name = `Shoe ${way} ${round}`;
        const version = versionOf(await put({ name }));
        const headers: Record<string, string> =
          way === "header"
            ? { "insole-version": version }
            : { cookie: `x=1; ${way === "cookie" ? "" : PLANTED}insole_version=${version}; y=2` };
        for (const [path, title] of PATHS) {
          const { body } = await read(path, headers);
          expect([path, round, title(body as never)]).toEqual([path, round, name]);
        }
      }
    },
  );

  test("sees likes and stock at once too, though other reads see them once a second", async () => {
    for (let round = 1; round <= 10; round += 1) {
      const like = await shop.send("POST", `/api/shoes/a/likes/${shop.adminId}`);
      expect((await read("/api/shoes/a", { "insole-version": versionOf(like) })).body.data.likes).toBe(1);
      const stock = await shop.send("PUT", "/api/shoes/a/stock", { sizes: [{ stock: round }] });
      const headers = { "insole-version": versionOf(stock) };
      expect((await read("/api/shoes/a", headers)).body.data.stock).toBe(round);
      expect((await read("/api/shoes?ids=a", headers)).body.data[0].stock).toBe(round);
      const unlike = await shop.send("DELETE", `/api/shoes/a/likes/${shop.adminId}`);
      expect((await read("/api/shoes/a", { "insole-version": versionOf(unlike) })).body.data.likes).toBe(0);
    }
  });

  test("finds a shoe that was lately missing, by id and by slug", async () => {
    for (const path of ["/api/shoes/new", "/api/shoes/new-one_new"])
      expect((await read(path)).status).toBe(404);
    const made = await shop.send("POST", "/api/shoes", { shoe_id: "new", title: "New one", price: 1 });
    for (const path of ["/api/shoes/new", "/api/shoes/new-one_new", "/api/shoes/new/relatedproducts"])
      expect([path, (await read(path, { "insole-version": versionOf(made) })).status]).toEqual([path, 200]);
  });

  test("is a hit again once it was answered", async () => {
    const headers = { "insole-version": versionOf(await put({ name: "Hit" })) };
    const sources = [await read("/api/shoes/a", headers), await read("/api/shoes/a", headers)];
    expect(sources.map((each) => each.headers.get("cache-status"))).toEqual([
      "insole; fwd=miss",
      "insole; hit",
    ]);
  });
});

test("a read without it sees the write soon", async () => {
  for (let round = 0; round < 3; round += 1) {
    await put({ name: `Shoe soon ${round}` });
    await put({ name: `Shoe now ${round}` });
    for (const [path, title] of PATHS) {
      const { body } = await readUntil(
        () => read(path),
        (answer) => title(answer.body as never) === `Shoe now ${round}`,
        SEEN_MS,
      );
      expect([path, title(body as never)]).toEqual([path, `Shoe now ${round}`]);
    }
  }
});

test("the cookie is SameSite and HttpOnly, and Secure behind TLS", async () => {
  const answer = await put({ name: "Cookie" });
  expect(answer.headers.get("set-cookie")).toBe(
    `__Host-insole_version=${versionOf(answer)}; Max-Age=10; Path=/; HttpOnly; SameSite=Lax; Secure`,
  );
  for (const path of ["/api/shoes", "/api/shoes/a"]) {
    const { headers } = await read(path);
    expect([headers.get("set-cookie"), headers.get("insole-version")]).toEqual([null, null]);
  }
});

test("an invalid version is ignored", async () => {
  const version = versionOf(await put({ name: "Mine" }));
  await read("/api/shoes/a");
  const [generation, seq, mac = ""] = version.split(".");
  for (const bad of [
    `${generation}.${Number(seq) + 1_000}.${mac}`,
    `0badc0de.${seq}.${mac}`,
    `${generation}.${seq}.${flipped(mac)}`,
    `${generation}.${seq}`,
    `${version}x`,
    "",
    "nonsense",
    `${"9".repeat(500)}`,
  ]) {
    const answer = await read("/api/shoes/a", { "insole-version": bad });
    expect([bad, answer.status, answer.headers.get("cache-status")]).toEqual([bad, 200, "insole; hit"]);
  }
});

test("of two secrets the first signs and both verify; a version of another generation is ignored", () => {
  const open = (secrets: string[], generation = "ab12") =>
    openVersions({
      secrets,
      generation: () => generation,
      position: () => 41,
      isSecure: false,
      topology: ALONE,
    });
  const old = open(["old"]);
  const text = old.headers()[0]?.[1] ?? "";
  const sinceOf = (versions: typeof old) => versions.sinceOf(new Headers({ "insole-version": text }));
  expect(sinceOf(open(["new", "old"]))).toBe(41);
  expect(sinceOf(open(["new"]))).toBe(0);
  expect(sinceOf(open(["old"], "cd34"))).toBe(0);
  expect(open(["new", "old"]).headers()[0]?.[1]).not.toBe(text);
});
