// Reads with a version are counted by where it was found.
import { expect, test } from "bun:test";
import { DatabaseError } from "../db/errors.ts";
import { must } from "../db/must.ts";
import { type LaggingNode, openLagging } from "./testing/lagging.ts";
import { ask, signUp } from "./testing/people.ts";
import { openObservedShop, openTestShop, shoe, type TestShop } from "./testing/shop.ts";

/** The version of a new like. */
async function versionOf(shop: TestShop): Promise<Record<string, string>> {
  const { token } = await signUp(shop);
  const liked = await ask(shop, "POST", "/api/shoes/old/likes/me", { token });
  return { "insole-version": liked.headers.get("insole-version") ?? "" };
}

async function read(shop: TestShop, headers: Record<string, string>): Promise<void> {
  expect((await shop.get("/api/shoes/old", { headers })).status).toBe(200);
}

/** The counts of all sources, as in the metrics. */
async function countsOf(shop: TestShop): Promise<Record<string, number>> {
  const text = await (await shop.get("/metrics")).text();
  const samples = text.matchAll(/^insole_versioned_reads_total\{source="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...samples].map(([, source = "", count]) => [source, Number(count)]));
}

test("here, and not without a valid version", async () => {
  const shop = await openTestShop([shoe("old")]);
  await read(shop, await versionOf(shop));
  await read(shop, {});
  await read(shop, { "insole-version": "forged.1.AAAAAAAAAAAAAAAA" });
  expect(await countsOf(shop)).toEqual({ here: 1, waited: 0, primary: 0, behind: 0 });
  await shop.close();
});

test("at the primary of a node that lags, and behind without a primary", async () => {
  let node: LaggingNode | undefined;
  const shop = await openObservedShop([shoe("old")], true, {
    before(file, path) {
      node = openLagging(file, path);
      return node.db;
    },
  });
  const version = await versionOf(shop);
  await read(shop, version);
  expect(await countsOf(shop)).toEqual({ here: 0, waited: 0, primary: 1, behind: 0 });
  must(node, "the node").interceptPrimary = async () => {
    throw new DatabaseError("unreachable", "the primary is gone");
  };
  await read(shop, version);
  expect(await countsOf(shop)).toEqual({ here: 0, waited: 0, primary: 1, behind: 1 });
  await shop.close();
});
