// Shops that die in the middle of a change of an order, each on a copy of one prepared database, and how the order ends.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { openFile } from "../../db/file.ts";
import { must } from "../../db/must.ts";
import { openHandle } from "../../db/read/reader.ts";
import { until } from "../../db/until.ts";
import { readConfig } from "../config.ts";
import { main, type Shop } from "../main.ts";
import { makeAdminOf } from "./accounts.ts";
import { booksOf } from "./books.ts";
import { argsOf, type DeathPoint, DYING_SHOP } from "./dying-shop.ts";
import { type Person, signIn, signUp } from "./people.ts";
import { openFolder, openTestShop, quickPasswords, shoe, silentLog } from "./shop.ts";
import { openShopProcesses } from "./shop-process.ts";

/** The request of a client, repeated after the death. */
type Act = "place" | "place, declined" | "place, page" | "ship" | "cancel" | "cancel unpaid" | "refund";

/** The observations: `dead` after the last death, `again` as the answer to the repetition, `end` when all is settled. */
type Seen = { dead: string; again: string; end: string };

/** A point of an act: the processes that die, one after the other, the first by the client's request. */
export type Point = Seen & { act: Act; what: string; dies: DeathPoint[] };

export type Deaths = {
  /** Lets the processes die, and another one go on. Orders are shown with their requests, the gateway's payment and the stock. */
  run(point: Pick<Point, "act" | "dies">): Promise<Seen & { books: string[] }>;
  close(): void;
};

/** The orders that acts begin with, by their state: the payment token of each. */
const ORDERS = { confirmed: "ok", shipped: "ok", waiting: "redirect" };
type OrderState = keyof typeof ORDERS;
const ORDER_OF: Partial<Record<Act, OrderState>> = {
  ship: "confirmed",
  cancel: "confirmed",
  "cancel unpaid": "waiting",
  refund: "shipped",
};

const SETTINGS = { JWT_SECRET: "a secret that only these processes share", RATE_LIMIT_MAX: "0" };
const ITEMS = [{ productId: "a", size: "42", quantity: 2 }];
const STOCK = 10;
/** Each has two processes and their start to pay. */
const AT_ONCE_MAX = 4;
const SETTLED_MS_MAX = 15_000;
const AGAIN_MS = 100;
const CACHE_KB = 2_048;
/** The exit code of a process that was killed. */
const KILLED = 137;

/** The order by its number; while it does not exist, no row. */
const STANDING = `SELECT o.status || ' ' || o.payment_status || '; ' || coalesce((
    SELECT group_concat(kind || ' ' || state, ', ')
    FROM (SELECT * FROM payment_requests WHERE number = o.number ORDER BY kind)
  ), 'nothing asked') || '; gateway ' || coalesce((
    SELECT status || iif(refunded_cents > 0, ' less ' || refunded_cents, '') FROM sandbox_payments WHERE id = o.id
  ), 'nothing')
FROM orders AS o WHERE o.number = ?`;
/** The requests that another process has to settle; a payment that waits for its customer is not among them. */
const DUE = `SELECT 1 FROM payment_requests AS r JOIN orders AS o ON o.number = r.number
WHERE r.state = 'due' AND o.number = ?
  AND NOT (o.status = 'pending' AND o.payment_status = 'requires_action')`;
/** As if their time had passed: the process that had them is dead. */
const END_LEASES = "UPDATE payment_requests SET due_at = 0 WHERE state = 'due' AND number = ?";
/** No process looks at the orders that an act leaves alone. */
const POSTPONE = "UPDATE payment_requests SET due_at = due_at + 86400000 WHERE state = 'due'";

type Answer = {
  status: number;
  data?: { id: string; number: string; status?: string; payment: { status: string } };
};

/** Prepares the database that every point begins with. */
export async function openDeaths(): Promise<Deaths> {
  const folder = openFolder();
  const template = join(folder.path, "template.db");
  const shop = await openTestShop([shoe("a", { sizes: [{ size: "42", stock: STOCK }] })], SETTINGS);
  const customer = await signUp(shop);
  const admin = await signIn(shop, await makeAdminOf(shop.db, await signUp(shop)));
  const people = { customer, admin };
  const numbers = await placeOrders(shop.url, people);
  await shop.db.write([{ sql: POSTPONE }]);
  const handle = openHandle(shop.databasePath, CACHE_KB);
  handle.exec(`VACUUM INTO '${template}'`);
  handle.close();
  await shop.close();
  const next = FIRST_NUMBER + Object.keys(ORDERS).length;
  const inTurn = openLanes();
  let folders = 0;
  return {
    run: ({ act, dies }) =>
      inTurn(async () => {
        const own = join(folder.path, `${++folders}`);
        mkdirSync(own);
        copyFileSync(template, join(own, "insole.db"));
        const state = ORDER_OF[act];
        return runPoint({ folder: own, act, dies, people, number: state ? numbers[state] : next });
      }),
    close: folder.remove,
  };
}
const FIRST_NUMBER = 10_001;

type People = { customer: Person; admin: Person };

async function placeOrders(url: string, people: People): Promise<Record<OrderState, number>> {
  const numbers = {} as Record<OrderState, number>;
  for (const state of Object.keys(ORDERS) as OrderState[]) {
    const body = { items: ITEMS, paymentToken: ORDERS[state], cartId: `the-cart-of-${state}` };
    const { data } = await send(url, "POST", "/api/orders", people.customer, body);
    const { id, number } = must(data, "an order");
    numbers[state] = Number(number);
    if (state === "shipped") await perform(url, "ship", id, people);
  }
  return numbers;
}

/** Runs so many at once as are reasonable, the others in turn. */
function openLanes(): <T>(work: () => Promise<T>) => Promise<T> {
  const lanes: Promise<unknown>[] = Array.from({ length: AT_ONCE_MAX }, () => Promise.resolve());
  let next = 0;
  return (work) => {
    const lane = next % AT_ONCE_MAX;
    next += 1;
    const done = must(lanes[lane], "a lane").then(work, work);
    lanes[lane] = done;
    return done;
  };
}

type Run = { folder: string; number: number; people: People } & Pick<Point, "act" | "dies">;

async function runPoint({ folder, number, people, act, dies }: Run): Promise<Seen & { books: string[] }> {
  const db = openFile(join(folder, "insole.db"));
  const [orderId = ""] = db.read.get<[string]>("SELECT id FROM orders WHERE number = ?", number) ?? [];
  const standing = () => {
    const [pairs] = must(db.read.get<[number]>("SELECT stock FROM shoes"), "the shoe");
    return `${db.read.get<[string]>(STANDING, number)?.[0] ?? "no order"}; ${pairs} in stock`;
  };
  for (const [index, point] of dies.entries()) {
    const dying = openShopProcesses(folder, SETTINGS, [DYING_SHOP, ...argsOf(point)]);
    if (index > 0) await db.write([{ sql: END_LEASES, args: [number] }]);
    const { url, exited } = await dying.start();
    const answer = index === 0 ? await perform(url, act, orderId, people) : null;
    if ((answer && answer.status !== 0) || (await exited) !== KILLED)
      throw new Error(`process ${index + 1} did not die where it should: ${answer?.status} ${await exited}`);
  }
  const dead = standing();
  await db.write([{ sql: END_LEASES, args: [number] }]);
  const survivor = await openSurvivor(folder);
  const again = await untilFinal(() => perform(survivor.url, act, orderId, people));
  await until("all is settled", () => db.read.get(DUE, number) === undefined, SETTLED_MS_MAX);
  const end = standing();
  const books = await booksOf(join(folder, "insole.db"));
  await survivor.close();
  await db.close();
  return { dead, again, end, books };
}

/** The shop that goes on, in this process: it knows no more of the dead ones than a process of its own would. */
const openSurvivor = (folder: string): Promise<Shop> =>
  main(readConfig({ DATA_DIR: folder, PORT: "0", DEMO: "false", ...SETTINGS }), silentLog, {
    instead: { passwords: quickPasswords() },
  });

/** Repeats a request until its answer is final, and shows that. */
async function untilFinal(repeat: () => Promise<Answer>): Promise<string> {
  let answer = await repeat();
  for (; [0, 409, 504].includes(answer.status); answer = await repeat()) await Bun.sleep(AGAIN_MS);
  const { status, data } = answer;
  return data ? `${status} ${data.status ?? data.payment.status}` : `${status}`;
}

function perform(url: string, act: Act, orderId: string, { customer, admin }: People): Promise<Answer> {
  const place = (paymentToken: string) =>
    send(url, "POST", "/api/orders", customer, { items: ITEMS, paymentToken });
  const change = (who: Person, status: string) =>
    send(url, "PUT", `/api/orders/${orderId}/status`, who, { status });
  switch (act) {
    case "place":
      return place("ok");
    case "place, declined":
      return place("declined");
    case "place, page":
      return place("redirect");
    case "ship":
      return change(admin, "shipped");
    case "refund": {
      const items = [{ productId: "a", size: "42", quantity: 1 }];
      return send(url, "POST", `/api/orders/${orderId}/refunds`, admin, { items, restock: true });
    }
    default:
      return change(customer, "cancelled");
  }
}

/** Sends a request with a key of its own; status 0 where the process died. */
async function send(
  url: string,
  method: string,
  path: string,
  { token }: Person,
  body: object,
): Promise<Answer> {
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "idempotency-key": JSON.stringify(body),
      },
      body: JSON.stringify(body),
    });
    return { ...((await response.json()) as object), status: response.status };
  } catch {
    return { status: 0 };
  }
}
