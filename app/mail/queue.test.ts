// Bounds of a large outbox: the rows that its lists and counts read, and totals that are lower bounds.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { makeAdminOf } from "../testing/accounts.ts";
import { ask, type Person, signIn, signUp } from "../testing/people.ts";
import { hasServer, openRowCounter } from "../testing/rows-read.ts";
import { type ObservedShop, openObservedShop } from "../testing/shop.ts";

const EACH = 25_000;
/** About 10,000 of an index, which a list of due mails reads again when it sorts them, and the rows of the page itself. */
const ROWS_MAX = 20_400;
const FILL = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
  INSERT INTO outbox (key, kind, data, state, due_at, created_at) SELECT value || i, 'low-stock', '{}', value, -i, i
  FROM n, json_each('["due","parked","withdrawn"]')`;

let shop: ObservedShop;
let admin: Person;
beforeAll(async () => {
  shop = await openObservedShop([]);
  admin = await signIn(shop, await makeAdminOf(shop.db, await signUp(shop)));
  await shop.db.write([{ sql: FILL, args: [EACH] }]);
});
afterAll(() => shop.close());

type Listed = {
  data: { id: string; state: string }[];
  pagination: { total: number; totalIsLowerBound?: true; nextCursor: string | null };
};
const list = async (query: string) =>
  (await (await ask(shop, "GET", `/api/outbox?${query}`, { token: admin.token })).json()) as Listed;

const QUERIES = [
  "",
  "state=parked",
  "state=due",
  "state=due&page=100&limit=100",
  "state=parked&page=100&limit=100",
];

test.each(QUERIES)("%s: 10000, a lower bound", async (query) => {
  const { data, pagination } = await list(query);
  expect(pagination).toMatchObject({ total: 10_000, totalIsLowerBound: true });
  expect(data.length).toBe(query.includes("limit") ? 100 : 20);
});

test("of the mails that are due those that are due first are listed, newest first", async () => {
  const { data } = await list("state=due&limit=2");
  const newest = shop.db.read.all<[number]>(
    "SELECT seq FROM outbox WHERE state = 'due' ORDER BY seq DESC LIMIT 2",
  );
  expect(data.map(({ id }) => Number(id))).toEqual(newest.map(([seq]) => seq));
});

test.skipIf(!hasServer)(`no statement reads more than ${ROWS_MAX} rows`, async () => {
  shop.ran.length = 0;
  for (const query of QUERIES) await list(query);
  const { nextCursor } = (await list("state=parked&page=100&limit=100")).pagination;
  expect((await list(`state=parked&limit=100&cursor=${nextCursor}`)).data).toHaveLength(100);
  const asked = shop.ran.filter(({ sql }) => sql.includes("outbox"));
  expect(asked.length).toBe(2 * (QUERIES.length + 2));
  const counter = await openRowCounter(shop.databasePath);
  const counts = await counter.count(asked).finally(counter.close);
  expect(counts.filter((count) => count > ROWS_MAX)).toEqual([]);
});
