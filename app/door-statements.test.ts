// The shop's own SQL, as its rooms send it when they are asked for anything, passes the door.
import { expect, test } from "bun:test";
import type { Database, Readable } from "../db/database.ts";
import { FIND_DONE } from "../db/write/queue.ts";
import { verdictOf } from "../replicas/primary/door/writes/statements.ts";
import { openapiDocument } from "./openapi.ts";
import { operationsOf } from "./testing/fuzz/document.ts";
import { prepareShop } from "./testing/fuzz/prepared-shop.ts";
import { fuzz } from "./testing/fuzz/run.ts";
import { PASSWORD, signUp } from "./testing/people.ts";
import { openObservedShop, shoe } from "./testing/shop.ts";

const TIMEOUT_MS = 60_000;
const RUNS = 25;
const SEED = 7;
/** The shop has more; fewer mean that this test does not see them. */
const TEXTS_MIN = 30;

type Seen = { writes: Set<string>; queries: Set<string> };

/** The database, which notes every SQL text that a node would send to the door. */
function noting(file: Database, { writes, queries }: Seen): Database {
  const notingReads = ({ read, scan }: Readable): Readable => ({
    read: {
      get: (sql, ...args) => read.get(queries.add(sql) && sql, ...args),
      all: (sql, ...args) => read.all(queries.add(sql) && sql, ...args),
    },
    scan(statements) {
      for (const { sql } of statements) queries.add(sql);
      return scan(statements);
    },
  });
  return {
    ...file,
    ...notingReads(file),
    onPrimary: (work) => file.onPrimary((primary) => work(notingReads(primary))),
    write(statements, writeId) {
      for (const { sql } of statements) writes.add(sql);
      return file.write(statements, writeId);
    },
  };
}

test(
  "all SQL of the shop passes, writes as members and the rest as queries",
  async () => {
    const seen: Seen = { writes: new Set(), queries: new Set([FIND_DONE]) };
    const shop = await openObservedShop([shoe("a")], true, {
      before: (file) => noting(file, seen),
      wait: async () => undefined,
      settings: { OPEN_ORDERS_MAX: "0", OPEN_ORDERS_ADDRESS_MAX: "0" },
    });
    const { id, email } = await signUp(shop);
    await shop.db.write([{ sql: "UPDATE users SET role = 'admin' WHERE id = ?", args: [id] }]);
    const prepared = await prepareShop(shop.url, { email, password: PASSWORD });
    for (const operation of operationsOf(await openapiDocument()))
      await fuzz(operation, prepared, { runs: RUNS, seed: SEED, secrets: [] });
    await shop.close();

    expect(Math.min(seen.writes.size, seen.queries.size)).toBeGreaterThan(TEXTS_MIN);
    const refused = [
      ...[...seen.writes].map((sql) => ({ sql, ...verdictOf(sql, false) })),
      ...[...seen.queries].map((sql) => ({ sql, ...verdictOf(sql, true) })),
    ].filter(({ refusal }) => refusal !== null);
    expect(refused).toEqual([]);
  },
  TIMEOUT_MS,
);
