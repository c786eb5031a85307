// The shops that sell and send the mails: one on a file, or nodes of one primary. They are killed with SIGKILL in turn, and started again.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Database, Row } from "../../../db/database.ts";
import { openFile } from "../../../db/file.ts";
import { must } from "../../../db/must.ts";
import { openHandle } from "../../../db/read/reader.ts";
import { openRemote } from "../../../db/server/remote.ts";
import { openTestDoor } from "../../../replicas/testing/door.ts";
import { booksOf } from "../books.ts";
import { openShopProcesses, type ShopProcess } from "../shop-process.ts";
import { MAILING_SHOP } from "./mailing-shop.ts";

export type MailShops = {
  /** The addresses of those that run. */
  urls(): string[];
  /** Kills the next one; resolves when it has ended. */
  killNext(): Promise<void>;
  /** Starts the one that was killed; resolves when it is open. */
  startKilled(): Promise<void>;
  ask(sql: string): Promise<Row[]>;
  /** Ends all, and returns what does not fit in the books. A second call waits for the first. */
  end(): Promise<string[]>;
};

type Shops = { db: Database; start: (() => Promise<ShopProcess>)[]; end: MailShops["end"] };

/** As if their time had passed: the process that settled these payments is gone. */
const END_LEASES = "UPDATE payment_requests SET due_at = 0 WHERE state = 'due'";
const QUERY_MS_MAX = 30_000;
const CACHE_KB = 2_000;

/** Starts the shops on what the prepared file has. `nodes` 0: one, on the file itself. */
export async function openMailShops(
  folder: string,
  nodes: number,
  settings: Record<string, string>,
): Promise<MailShops> {
  const { start, db, end } =
    nodes === 0 ? openOne(folder, settings) : await openNodes(folder, nodes, settings);
  const shops = await Promise.all(start.map((each) => each()));
  let next = 0;
  let down: number | null = null;
  let ended: Promise<string[]> | undefined;
  return {
    urls: () => shops.filter((_, at) => at !== down).map(({ url }) => url),
    async killNext() {
      down = next;
      next = (next + 1) % shops.length;
      await must(shops[down], "a shop").kill();
      await db.write([{ sql: END_LEASES }]);
    },
    async startKilled() {
      const killed = must(down, "a killed shop");
      shops[killed] = await must(start[killed], "a shop")();
      down = null;
    },
    ask: async (sql) => must((await db.scan([{ sql }]))[0], "the rows"),
    end() {
      ended ??= (async () => {
        await Promise.all(shops.map((shop) => shop.kill()));
        await db.close();
        return end();
      })();
      return ended;
    },
  };
}

function openOne(folder: string, settings: Record<string, string>): Shops {
  const shops = openShopProcesses(folder, settings, [MAILING_SHOP]);
  return { db: openFile(shops.databasePath), start: [shops.start], end: shops.end };
}

async function openNodes(folder: string, count: number, settings: Record<string, string>): Promise<Shops> {
  const template = join(folder, "template.db");
  const handle = openHandle(join(folder, "insole.db"), CACHE_KB);
  handle.exec(`VACUUM INTO '${template}'`);
  handle.close();
  const { url, writeToken, readToken, server, remove } = await openTestDoor({ template, isProcess: true });
  const db = openRemote({ url, authToken: writeToken }, { commitMs: QUERY_MS_MAX, queryMs: QUERY_MS_MAX });
  const env = { DATABASE_URL: url, DATABASE_AUTH_TOKEN: `${writeToken},${readToken}` };
  const start = Array.from({ length: count }, (_, at) => {
    const own = join(folder, `node-${at + 1}`);
    mkdirSync(own);
    return openShopProcesses(own, { ...settings, ...env }, [MAILING_SHOP]).start;
  });
  return {
    db,
    start,
    async end() {
      const books = await booksOf(join(server.folder, "data", "dbs", "default", "data"));
      await remove();
      return books;
    },
  };
}
