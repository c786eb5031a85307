// Many buyers at once for a few pairs: each wants one pair, and repeats its request until it has a final answer.
import type { Database, Row } from "../../../db/database.ts";
import { openFile } from "../../../db/file.ts";
import { must } from "../../../db/must.ts";
import { migrate } from "../../../db/schema/migrate.ts";
import { until } from "../../../db/until.ts";
import { openTokens } from "../../identity/tokens.ts";
import { openFolder, saveAll, shoe } from "../shop.ts";
import { openShopProcesses, type ShopProcesses } from "../shop-process.ts";
import { startKiller } from "./killer.ts";

export type BuyersOptions = {
  buyers: number;
  /** How often the program is killed while they buy. */
  kills: number;
  /** Lets the leases of a killed process run out at once; else the test waits for them. */
  skipsLeases: boolean;
};

/** The result of a run; `trouble` lists its faults. */
export type BuyersResult = {
  acknowledged: number;
  outOfStock: number;
  /** Requests beyond the first of each buyer, and orders that a buyer placed anew because a kill had cost the first. */
  repeated: number;
  placedAnew: number;
  killed: Killed[];
  seconds: number;
  trouble: string[];
};

/** The sale at a kill: orders acknowledged, reserved but not paid, and paid. */
type Killed = { acknowledged: number; reserved: number; paid: number };

/** The state that buyers share; `url` is the program's address now. */
type Sale = Pick<BuyersResult, "outOfStock" | "repeated" | "placedAnew" | "trouble"> & {
  url: string;
  /** The order's id by the buyer's name. */
  acknowledged: Map<string, string>;
};

export const SIZES = ["40", "41", "42", "43"];
export const PAIRS_EACH = 25;
const PAIRS = SIZES.length * PAIRS_EACH;
/** Every fourth buyer has an account, the others are guests. */
const ACCOUNT_EVERY = 4;
const SECRET = "a secret that only the buyers of a test share";
const HOUR_MS = 3_600_000;
const PAUSE_MS = 50;
const SETTLED_MS_MAX = 60_000;
const BUYERS_MS_MAX = 120_000;

type Buyer = { number: number; size: string; name: string; token: string | null };
type Answer = { status: number; order: { id: string; status: string } | null; type: string };

/** Runs the buyers once, on a new database. Rejects when they do not come to an end. */
export async function runBuyers(options: BuyersOptions): Promise<BuyersResult> {
  const folder = openFolder();
  const shops = openShopProcesses(folder.path, {
    JWT_SECRET: SECRET,
    OPEN_ORDERS_MAX: "0",
    OPEN_ORDERS_ADDRESS_MAX: "0",
    RATE_LIMIT_MAX: "0",
  });
  try {
    const buyers = await prepare(shops.databasePath, options.buyers);
    return await buyAll(buyers, shops, options);
  } finally {
    await shops.end();
    folder.remove();
  }
}

/** Makes the shoe and the accounts. */
async function prepare(databasePath: string, count: number): Promise<Buyer[]> {
  migrate(databasePath);
  const db = openFile(databasePath);
  await saveAll(db, [shoe("last", { sizes: SIZES.map((size) => ({ size, stock: PAIRS_EACH })) })]);
  const ids = JSON.stringify(
    Array.from({ length: count }, (_, number) => number)
      .filter(hasAccount)
      .map(idOf),
  );
  const nowMs = Date.now();
  await db.write([
    {
      sql: `INSERT INTO users (id, email, email_key, name, password_hash, created_at, updated_at)
            SELECT value, value || '@shop.example', value || '@shop.example', value, '', ?2, ?2 FROM json_each(?1)`,
      args: [ids, nowMs],
    },
    {
      sql: "INSERT INTO sessions (id, user_id, created_at, expires_at) SELECT value, value, ?2, ?3 FROM json_each(?1)",
      args: [ids, nowMs, nowMs + HOUR_MS],
    },
  ]);
  await db.close();
  const tokens = openTokens([SECRET], HOUR_MS / 1_000, Date.now);
  return Promise.all(
    Array.from({ length: count }, async (_, number) => ({
      number,
      name: idOf(number),
      size: must(SIZES[Math.floor(Math.random() * SIZES.length)], "a size"),
      token: hasAccount(number) ? await tokens.sign(idOf(number), idOf(number)) : null,
    })),
  );
}

const hasAccount = (number: number): boolean => number % ACCOUNT_EVERY === 0;
const idOf = (number: number): string => `buyer-${number}`;

/** Buys until all buyers have a final answer; the process is killed meanwhile. */
async function buyAll(
  buyers: Buyer[],
  shops: ShopProcesses,
  { kills, skipsLeases }: BuyersOptions,
): Promise<BuyersResult> {
  const db = openFile(shops.databasePath);
  const sale: Sale = {
    url: "",
    acknowledged: new Map(),
    outOfStock: 0,
    repeated: 0,
    placedAnew: 0,
    trouble: [],
  };
  const killed: Killed[] = [];
  let running = await shops.start();
  sale.url = running.url;
  const killers = Array.from({ length: kills }, (_, kill) => KILL_WHEN[kill % KILL_WHEN.length] ?? "");
  const startedAt = performance.now();
  const endsAt = startedAt + BUYERS_MS_MAX;
  let killer = killers[0] ? startKiller(shops.databasePath, running.pid, killers[0]) : undefined;
  const buying = Promise.all(buyers.map((buyer) => buy(sale, buyer, endsAt)));
  for (const next of [...killers.slice(1), null]) {
    if (!killer) break;
    await Promise.race([running.exited, buying]);
    killer.kill();
    await running.kill();
    const [reserved = 0, paid = 0] = db.read.get<[number, number]>(KILLED) ?? [];
    killed.push({ acknowledged: sale.acknowledged.size, reserved, paid });
    if (skipsLeases) await db.write([{ sql: END_LEASES }]);
    running = await shops.start();
    sale.url = running.url;
    killer = next ? startKiller(shops.databasePath, running.pid, next) : undefined;
  }
  await buying;
  const seconds = (performance.now() - startedAt) / 1_000;
  await until("every payment is settled", () => db.read.get(DUE) === undefined, SETTLED_MS_MAX);
  const trouble = [...sale.trouble, ...findTrouble(db, sale.acknowledged), ...(await shops.end())];
  await db.close();
  const { acknowledged, outOfStock, repeated, placedAnew } = sale;
  return { acknowledged: acknowledged.size, outOfStock, repeated, placedAnew, killed, seconds, trouble };
}

/** When the process is killed: some orders are reserved and not paid, or half of the pairs are paid. */
const PAID = `SELECT 1 FROM orders WHERE status = 'confirmed' LIMIT 1 OFFSET ${PAIRS / 2}`;
const UNPAID = `SELECT * FROM (SELECT 1 FROM orders WHERE payment_status = 'authorizing' LIMIT 1 OFFSET ${PAIRS / 4})
UNION ALL SELECT * FROM (${PAID})`;
const KILL_WHEN = [UNPAID, PAID];
const KILLED = `SELECT count(*) FILTER (WHERE payment_status = 'authorizing'), count(*) FILTER (WHERE status = 'confirmed')
FROM orders`;
/** As if their time had passed: the process that had them is gone. */
const END_LEASES = "UPDATE payment_requests SET due_at = 0 WHERE state = 'due'";
const DUE = "SELECT 1 FROM payment_requests WHERE state = 'due' LIMIT 1";

/** Orders a pair until the answer is final. */
async function buy(sale: Sale, buyer: Buyer, endsAt: number): Promise<void> {
  for (let [tries, orders] = [0, 0]; performance.now() < endsAt; tries += 1) {
    if (tries > 0) sale.repeated += 1;
    const { status, order, type } = await place(sale.url, buyer, orders);
    if (status === 201 && order?.status === "confirmed")
      return void sale.acknowledged.set(buyer.name, order.id);
    if (status === 409 && type === "/problems/out-of-stock") {
      sale.outOfStock += 1;
      return;
    }
    // A kill cost the order its payment: the buyer orders anew.
    if (status === 402 || order?.status === "cancelled") {
      orders += 1;
      sale.placedAnew += 1;
    } else if (!isRepeatable(status, type, order))
      return void sale.trouble.push(`${buyer.name}: ${status} ${type}`);
    await Bun.sleep(PAUSE_MS * (1 + Math.random()));
  }
  sale.trouble.push(`${buyer.name} has no final answer`);
}

/** No answer, 503, 504, a request under way, an order whose payment is uncertain. */
const isRepeatable = (status: number, type: string, order: Answer["order"]): boolean =>
  [0, 429, 503, 504].includes(status) ||
  type === "/problems/request-under-way" ||
  order?.status === "pending";

async function place(url: string, { name, size, token }: Buyer, orders: number): Promise<Answer> {
  try {
    const response = await fetch(`${url}/api/orders`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": `${name} ${orders}`,
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({
        items: [{ productId: "last", size, quantity: 1 }],
        ...(token === null ? { email: `${name}@shop.example` } : {}),
      }),
    });
    const { data = null, type = "" } = (await response.json()) as { data?: Answer["order"]; type?: string };
    return { status: response.status, order: data, type };
  } catch {
    return { status: 0, order: null, type: "" };
  }
}

const LIVE = `SELECT o.email_key, o.id, o.status FROM orders AS o WHERE o.status <> 'cancelled'`;
const CHARGED = `SELECT o.email_key, count(*) FROM sandbox_payments AS p JOIN orders AS o ON o.id = p.id
WHERE p.status IN ('authorized', 'captured') GROUP BY o.email_key`;
const STOCK = `SELECT s.stock, (SELECT sum(stock) FROM sizes), (SELECT sum(pairs) FROM stock_taken),
  (SELECT count(*) FROM stock_taken WHERE pairs = ${PAIRS_EACH}) FROM shoes AS s`;

/** The differences between the database and the buyers' answers; the books are checked apart. */
function findTrouble(db: Database, acknowledged: ReadonlyMap<string, string>): string[] {
  const stock = db.read.get(STOCK) as Row;
  const live = db.read.all<[string, string, string]>(LIVE);
  const charged = db.read.all<[string, number]>(CHARGED);
  const nameOf = (email: string) => email.replace("@shop.example", "");
  const expected = [0, 0, PAIRS, SIZES.length];
  return [
    ...(String(stock) === String(expected) ? [] : [`stock is ${stock}, expected ${expected}`]),
    ...(live.length === PAIRS ? [] : [`${live.length} orders hold a pair`]),
    ...live.flatMap(([email, id, status]) =>
      acknowledged.get(nameOf(email)) === id && status === "confirmed"
        ? []
        : [
            `order ${id} of ${email} is ${status}, its buyer has ${acknowledged.get(nameOf(email)) ?? "none"}`,
          ],
    ),
    ...[...acknowledged].flatMap(([name, id]) =>
      live.some((order) => order[1] === id) ? [] : [`the order ${id} of ${name} is lost`],
    ),
    ...charged.flatMap(([email, times]) =>
      times === 1 && acknowledged.has(nameOf(email)) ? [] : [`${email} is charged ${times} times`],
    ),
    ...(charged.length === acknowledged.size ? [] : [`${charged.length} buyers are charged`]),
  ];
}
