// The peers: responses in one shape, the lines of the report, and each installed peer compared with the shop.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { findPeers, type Side, sideOf } from "../boot/peers.ts";
import { bootShop } from "../boot/shop.ts";
import { openChildren } from "../harness/children.ts";
import { catalogueCopy, catalogueOf } from "../load/catalogue.ts";
import { shareBetween } from "../metrics/metrics.ts";
import { cpuUs, treeOf } from "../metrics/proc.ts";
import { type Entry, linesOf } from "../scenarios/peers.ts";
import { quickBench } from "../testing/bench.ts";
import { peersFileOf } from "./data.ts";
import { difference, pocketbaseDialect, type Query, shopDialect } from "./dialects.ts";
import { expectEqualAnswers, fill, listQueries, sampleOf } from "./equal.ts";

const BOOT_MS_MAX = 120_000;
const SHOES = 1_000;
const SEED = 1;
const children = openChildren();

afterAll(() => children.close());

const shoe = {
  id: "demo-000001",
  slug: "a-shoe",
  title: "A shoe",
  description: "It is one.",
  brand: null,
  category: "Boots",
  color: null,
  gender: "men",
  price: 129.99,
  priceCents: 12_999,
  listPrice: null,
  currency: "USD",
  images: "/a.svg",
  gallery: ["/a.svg"],
  href: "/shoes/a-shoe",
  stock: 3,
  sizeSystem: "US",
  sizes: [{ size: "9.5", stock: 3 }],
  likes: 0,
  createdAt: "2026-01-02T03:04:05.678Z",
  updatedAt: "2026-01-02T03:04:05.678Z",
};
const record = {
  ...shoe,
  brand: "",
  color: "",
  listPrice: 0,
  related: ["demo-000002"],
  collectionId: "pbc_1",
  collectionName: "shoes",
  createdAt: "2026-01-02 03:04:05.678Z",
  updatedAt: "2026-01-02 03:04:05.678Z",
};
const brief = { id: "demo-000002", title: "Another", images: "/b.svg", price: 10, href: "/shoes/b" };

describe("responses in one shape", () => {
  test("an item", () => {
    expect(shopDialect.shapeOf("item", { success: true, data: shoe })).toEqual(shoe);
    expect(pocketbaseDialect.shapeOf("item", record)).toStrictEqual(shoe);
  });
  test("a list, with its pagination and without the shop's cursor", () => {
    const pagination = { page: 2, limit: 20, total: 21, pages: 2, nextCursor: "x" };
    const page = { data: [shoe], page: 2, limit: 20, total: 21, pages: 2 };
    expect(shopDialect.shapeOf("list", { success: true, data: [shoe], pagination })).toStrictEqual(page);
    const records = { items: [record], page: 2, perPage: 20, totalItems: 21, totalPages: 2 };
    expect(pocketbaseDialect.shapeOf("list", records)).toStrictEqual(page);
  });
  test("related shoes", () => {
    const { id, title, images, price, href } = shoe;
    const whole = { id, title, images, price, href, relatedProducts: [brief] };
    expect(shopDialect.shapeOf("related", whole)).toEqual(whole);
    const body = { id, title, images, price, href, expand: { related: [{ ...brief, likes: 1 }] } };
    expect(pocketbaseDialect.shapeOf("related", body)).toStrictEqual(whole);
  });
  test("an unexpected response throws", () => {
    expect(() => shopDialect.shapeOf("item", { success: false })).toThrow("unexpected response");
  });
  test("a difference names its side and its path", () => {
    expect(difference("Peer", "/a", shoe, { ...shoe })).toBeNull();
    expect(difference("Peer", "/a", shoe, { ...shoe, price: 130 })).toStartWith(
      "Peer responds to /a differently",
    );
    expect(difference("Peer", "/a", shoe, { ...shoe, more: undefined })).not.toBeNull();
  });
});

test("each side has its own path for a query", () => {
  const queries: Query[] = [
    { kind: "item", shoe: 7 },
    { kind: "list", category: "Rain & Snow", page: 3 },
    { kind: "list", category: null, page: 1 },
    { kind: "related", shoe: 7 },
  ];
  expect(queries.map(shopDialect.pathOf)).toEqual([
    "/api/shoes/demo-000007",
    "/api/shoes?category=Rain%20%26%20Snow&page=3&limit=20",
    "/api/shoes?page=1&limit=20",
    "/api/shoes/demo-000007/relatedproducts",
  ]);
  const records = "/api/collections/shoes/records";
  expect(queries.slice(0, 3).map(pocketbaseDialect.pathOf)).toEqual([
    `${records}/demo-000007`,
    `${records}?page=3&perPage=20&sort=-@rowid&filter=category%3D'Rain%20%26%20Snow'`,
    `${records}?page=1&perPage=20&sort=-@rowid`,
  ]);
});

test("a sample has no repeats and depends only on the seed", () => {
  const numbers = Array.from({ length: 50 }, (_, at) => at);
  const some = sampleOf(numbers, 30, 1);
  expect(new Set(some).size).toBe(30);
  expect(some.every((one) => numbers.includes(one))).toBe(true);
  expect(sampleOf(numbers, 30, 1)).toEqual(some);
  expect(sampleOf(numbers, 30, 2)).not.toEqual(some);
  expect(sampleOf(numbers, 99, 1)).toHaveLength(50);
});

test("the share of a cache is that of the answers between two readings", () => {
  expect(shareBetween({ fromMemory: 10, all: 20 }, { fromMemory: 40, all: 60 })).toBe(0.75);
});

describe("lines", () => {
  const entryOf = (name: string, pool: Entry["pool"], perSecond: number[], hits: boolean): Entry => {
    const readHits = hits ? async () => ({ fromMemory: 1, all: 1 }) : null;
    const side = { ...sideOf(name, shopDialect, null as never, []), readHits };
    const us = perSecond.map((each) => 1_000_000 / each);
    return { side, pool, queries: [], load: null as never, perSecond, us, hitShares: hits ? [0.9] : [] };
  };
  const entries = [
    entryOf("the shop", "all", [300, 400, 500], false),
    entryOf("the shop, cache", "hot", [900, 900, 900], true),
    entryOf("Fastify", "all", [400, 500, 550], false),
    entryOf("PocketBase", "all", [100, 100, 100], false),
    entryOf("PocketBase", "hot", [50, 50, 50], false),
  ];
  const lengths = new Map(entries.map(({ side }) => [side, new Map([["item" as const, 977]])]));
  const lines = linesOf("item", entries, lengths, "without X");
  const line = (start: string) => lines.find(({ what }) => what.trim().startsWith(start));

  test("ratios are taken round by round, each against its own pool", () => {
    expect(line("item, cache off: the shop / PocketBase")).toMatchObject({
      values: [3, 4, 5],
      target: { atLeast: 3 },
    });
    expect(line("item, cache on: the shop / PocketBase")).toMatchObject({
      values: [18, 18, 18],
      target: { atLeast: 10 },
    });
  });
  test("a line names a peer that wins, and no other", () => {
    expect(line("item, cache off: the shop / Fastify")?.note).toStartWith("Fastify wins; ");
    expect(line("item, cache off: the shop / PocketBase")?.note).not.toContain("wins");
  });
  test("one line names the peers that are not installed", () => {
    expect(lines.filter(({ note }) => note?.includes("without X"))).toHaveLength(1);
  });
  test("a side has its layers, its body length and one place in the chart", () => {
    expect(line("item: the shop, cache")).toMatchObject({
      how: { bytes: 977, layers: { "memory hit": 0.9 }, encoding: "identity" },
      point: { chart: "requests per second on one core: item", series: "the shop, cache", x: "item" },
    });
    expect(lines.filter(({ point }) => point?.series.startsWith("PocketBase"))).toHaveLength(1);
  });
});

// CI installs the peers with bench/install-peers.
for (const peer of findPeers())
  test.skipIf(peer.missing !== null)(
    `${peer.name} responds as the shop does, and ends cleanly`,
    async () => {
      const bench = quickBench(children);
      const dataPath = await peersFileOf(bench, await catalogueOf(bench, SHOES));
      const dataDir = await catalogueCopy(bench, SHOES);
      const server = await bootShop(children, { dataDir, cores: null, cacheBytesMax: 0 });
      const shop = sideOf("the shop", shopDialect, server, [server.child]);
      const sides = await peer.boot({ children, dataPath, cores: null });
      const lists = await listQueries(server, SHOES);
      const lengths = await expectEqualAnswers([shop, ...sides], SHOES, lists, SEED);
      expect([...lengths.values()].map((kinds) => kinds.size)).toEqual([shop, ...sides].map(() => 3));
      for (const side of sides) await expectCounted(side, lists);

      const [first] = sides;
      if (first === undefined) throw new Error("no side");
      const other: Side = { ...first, shapeOf: (kind, body) => [first.shapeOf(kind, body)] };
      await expect(expectEqualAnswers([shop, other], SHOES, lists, SEED)).rejects.toThrow(
        /responds to .* differently/,
      );

      const processes = sides.flatMap((side) => treeOf(side.server.child.pid));
      await Promise.all(
        [server, ...sides.map((side) => side.server)].map(({ child }) => children.end(child)),
      );
      await children.endAll();
      expect(processes.filter(({ pid }) => existsSync(`/proc/${pid}`))).toEqual([]);
      // PostgreSQL removes this file when it ends, and not when it is killed.
      for (const name of readdirSync(children.folder).filter((each) => each.startsWith("postgres-")))
        expect(existsSync(join(children.folder, name, "postmaster.pid"))).toBe(false);
    },
    BOOT_MS_MAX,
  );

/** A filled cache answers every query; the CPU time covers every process of the side. */
async function expectCounted(side: Side, lists: readonly Query[]): Promise<void> {
  expect(side.cpuUs()).toBeGreaterThanOrEqual(cpuUs(side.server.child.pid));
  if (side.name.startsWith("Express")) expect(side.cpuUs()).toBeGreaterThan(cpuUs(side.server.child.pid));
  if (side.readHits === null) return;
  await fill(side, lists, 4);
  const before = await side.readHits();
  await fill(side, lists, 4);
  const after = await side.readHits();
  expect(shareBetween(before, after)).toBe(1);
  expect(after.all - before.all).toBe(lists.length);
}
