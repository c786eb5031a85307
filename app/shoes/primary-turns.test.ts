// Public reads at the primary: a flood of them has a few turns at once, so that accounts are read as quickly as without it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { settle } from "../../db/testing/turns.ts";
import { until } from "../../db/until.ts";
import { type LaggingNode, openLagging } from "../testing/lagging.ts";
import { ask, type Person, signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop, shoe } from "../testing/shop.ts";

const FLOOD = 60;
const RUNNING_MAX = 4;
const PERSONAL = /(FROM|JOIN) (users|sessions|likes)\b/;

let shop: ObservedShop;
let node: LaggingNode;
let person: Person;
let version: Record<string, string>;
beforeAll(async () => {
  shop = await openObservedShop([shoe("old")], true, {
    trustProxy: ["loopback"],
    before(file, path) {
      node = openLagging(file, path);
      return node.db;
    },
  });
  person = await signUp(shop);
  const liked = await ask(shop, "POST", "/api/shoes/old/likes/me", { token: person.token });
  version = { "insole-version": liked.headers.get("insole-version") ?? "" };
  // Requires the token to be known here.
  expect((await ask(shop, "GET", "/api/auth/profile", { token: person.token })).status).toBe(200);
});
afterAll(() => shop.close());

test.each([
  ["lists", (index: number) => `/api/shoes?q=shoe&maxPrice=${index + 1}`],
  ["shoes", (index: number) => `/api/shoes/old?x=${index}`],
  ["addresses of nothing", (index: number) => `/api/shoes/nothing-${index}`],
])("%s with a version that is not here yet", async (_what, pathOf) => {
  const held: (() => void)[] = [];
  let isHolding = true;
  node.interceptPrimary = async (questions, send) => {
    if (isHolding && !questions.some(({ sql }) => PERSONAL.test(sql)))
      await new Promise<void>((resolve) => held.push(resolve));
    return send();
  };
  const flood = Array.from({ length: FLOOD }, (_, index) =>
    shop.get(pathOf(index), { headers: { ...version, "x-forwarded-for": `203.0.113.${index % 3}` } }),
  );
  await until("the primary has its share", () => held.length === RUNNING_MAX);
  await settle();
  expect(held.length).toBe(RUNNING_MAX);
  expect(shop.turns.primary.state()).toMatchObject({ running: RUNNING_MAX });
  for (const path of ["/api/auth/profile", "/api/users/me/likes"])
    expect([path, (await ask(shop, "GET", path, { token: person.token })).status]).toEqual([path, 200]);
  // None waits longer than for a frozen primary; the shop answers from what it has.
  const answers = await Promise.all(flood);
  for (const { status, headers } of answers) {
    expect([200, 404]).toContain(status);
    expect(headers.get("cache-status")).toBe("insole; hit; detail=behind");
  }
  expect(held.length).toBe(RUNNING_MAX);
  isHolding = false;
  for (const release of held) release();
  await until("every turn has ended", () => shop.turns.primary.state().running === 0);
  expect(shop.turns.primary.state()).toMatchObject({ waiting: 0, clients: 0 });
});
