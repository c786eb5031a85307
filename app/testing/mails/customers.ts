// Customers of whom each places one order, and repeats the request until the answer is final.
import type { Database } from "../../../db/database.ts";
import { openTokens } from "../../identity/tokens.ts";
import { saveAll, shoe } from "../shop.ts";

export type Customer = { name: string; email: string; token: string | null };

/** An acknowledged order. */
export type Bought = { id: string; number: string; email: string; atMs: number };

export type Ordering = {
  /** By the order's id. */
  bought: Map<string, Bought>;
  repeated: number;
  /** Orders placed anew because a kill had cost the first its payment. */
  placedAnew: number;
  trouble: string[];
};

export const SECRET = "a secret that only the shops of this run share";
const SHOES = ["city", "trail", "court", "beach"];
const STOCK = 1_000_000;
const LINES_MAX = 3;
/** Every fourth customer has an account, the others are guests. */
const ACCOUNT_EVERY = 4;
const HOUR_MS = 3_600_000;
const PAUSE_MS = 50;
const AHEAD_MS = 20;
const TRIES_MAX = 2_000;
const AT_ONCE = 16;

/** Adds the shoes and the accounts. */
export async function prepareCustomers(db: Database, count: number): Promise<Customer[]> {
  await saveAll(
    db,
    SHOES.map((id) => shoe(id, { sizes: [{ size: "42", stock: STOCK }] })),
  );
  const names = Array.from({ length: count }, (_, at) => `customer-${at}`);
  const withAccount = names.filter((_, at) => at % ACCOUNT_EVERY === 0);
  const nowMs = Date.now();
  await db.write([
    {
      sql: `INSERT INTO users (id, email, email_key, name, password_hash, created_at, updated_at)
            SELECT value, value || '@mail.example', value || '@mail.example', value, '', ?2, ?2 FROM json_each(?1)`,
      args: [JSON.stringify(withAccount), nowMs],
    },
    {
      sql: "INSERT INTO sessions (id, user_id, created_at, expires_at) SELECT value, value, ?2, ?3 FROM json_each(?1)",
      args: [JSON.stringify(withAccount), nowMs, nowMs + HOUR_MS],
    },
  ]);
  const tokens = openTokens([SECRET], HOUR_MS / 1_000, Date.now);
  return Promise.all(
    names.map(async (name, at) => ({
      name,
      email: `${name}@mail.example`,
      token: at % ACCOUNT_EVERY === 0 ? await tokens.sign(name, name) : null,
    })),
  );
}

/** Places all orders at shops of `urls`; `isAhead` holds them up while true. */
export async function placeOrders(
  customers: readonly Customer[],
  ordering: Ordering,
  urls: () => string[],
  isAhead: () => boolean,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let customer = customers[next++]; customer; customer = customers[next++]) {
      while (isAhead()) await Bun.sleep(AHEAD_MS);
      await buy(customer, ordering, urls);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

type Answer = { status: number; type: string; order: { id: string; number: string; status: string } | null };

async function buy(customer: Customer, ordering: Ordering, urls: () => string[]): Promise<void> {
  const items = linesOf();
  let anew = 0;
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    if (tries > 0) ordering.repeated += 1;
    const all = urls();
    const url = all[Math.floor(Math.random() * all.length)];
    const answer = url === undefined ? NONE : await place(url, customer, `${customer.name} ${anew}`, items);
    const { status, type, order } = answer;
    if ((status === 201 || status === 200) && order?.status === "confirmed") {
      const { id, number } = order;
      ordering.bought.set(id, { id, number, email: customer.email, atMs: performance.now() });
      return;
    }
    if (status === 402 || order?.status === "cancelled") {
      anew += 1;
      ordering.placedAnew += 1;
    } else if (!isRepeatable(answer)) {
      ordering.trouble.push(`${customer.name} was answered ${status} ${type}`);
      return;
    }
    await Bun.sleep(PAUSE_MS * (1 + Math.random()));
  }
  ordering.trouble.push(`${customer.name} has no final answer`);
}

const NONE: Answer = { status: 0, type: "", order: null };

/** No answer, 503, 504, a request under way, an order whose payment is uncertain. */
const isRepeatable = ({ status, type, order }: Answer): boolean =>
  [0, 429, 503, 504].includes(status) ||
  type === "/problems/request-under-way" ||
  order?.status === "pending";

const linesOf = () =>
  SHOES.slice(0, 1 + Math.floor(Math.random() * LINES_MAX)).map((productId) => ({
    productId,
    size: "42",
    quantity: 1 + Math.floor(Math.random() * 2),
  }));

async function place(
  url: string,
  { email, token }: Customer,
  key: string,
  items: ReturnType<typeof linesOf>,
): Promise<Answer> {
  try {
    const response = await fetch(`${url}/api/orders`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": key,
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ items, ...(token === null ? { email } : {}) }),
    });
    const { data = null, type = "" } = (await response.json()) as { data?: Answer["order"]; type?: string };
    return { status: response.status, order: data, type };
  } catch {
    return NONE;
  }
}
