// A shop whose orders are paid at the sandbox, for tests: time stands still, and the process can die before any of its writes.
import type { Database } from "../../../../db/database.ts";
import { DatabaseError } from "../../../../db/errors.ts";
import { addKey } from "../../../accounts/keys.ts";
import { ask } from "../../../testing/people.ts";
import { type ObservedShop, openObservedShop, shoe } from "../../../testing/shop.ts";
import type { Gateway } from "../gateway.ts";
import { openTimes } from "./times.ts";

const STOCK = 1_000;
const EMAIL = "guest@shop.example";

/** An order as the tables have it. */
export type Standing = { status: string; payment: string; history: string; requests: string; stock: number };

export type Paying = {
  shop: ObservedShop;
  times: ReturnType<typeof openTimes>;
  /** Orders two pairs as a guest. */
  place(
    token: string | null,
    more?: object,
  ): Promise<{ status: number; id: string; token: string; body: string }>;
  /** Sends a request as an admin. */
  asAdmin(method: string, path: string, body: object): Promise<Response>;
  standing(id: string): Standing;
  /** The pairs in stock, counted from the beginning. */
  stock(): number;
  /** The sandbox's record of a payment. */
  atSandbox(id: string): { status: string; captured: number; refunded: number } | null;
  /** From the first write whose SQL fits, writes fail until `revive`, like those of a process that was killed. */
  dieBefore(sql: RegExp): void;
  revive(): void;
  /** The SQL of all writes so far. */
  written: Set<string>;
  close(): Promise<void>;
};

const STANDING = `SELECT status, payment_status,
  (SELECT group_concat(status, ' ') FROM (SELECT status FROM order_history WHERE number = o.number ORDER BY position)),
  (SELECT group_concat(kind || ' ' || state, ', ')
   FROM (SELECT kind, state FROM payment_requests WHERE number = o.number ORDER BY kind, refund))
FROM orders AS o WHERE id = ?`;
const AT_SANDBOX = "SELECT status, captured_cents, refunded_cents FROM sandbox_payments WHERE id = ?";

/** Opens the shop; `gateway` replaces the sandbox. */
export async function openPaying(gateway?: Gateway): Promise<Paying> {
  const times = openTimes();
  let deadly: RegExp | null = null;
  let isDead = false;
  const written = new Set<string>();
  const mortal = (file: Database): Database => ({
    ...file,
    write(statements, writeId) {
      for (const { sql } of statements) written.add(sql);
      isDead ||= statements.some(({ sql }) => deadly?.test(sql));
      return isDead ? Promise.reject(new DatabaseError("closed", "killed")) : file.write(statements, writeId);
    },
  });
  const shop = await openObservedShop([shoe("a1", { sizes: [{ size: "", stock: STOCK }] })], false, {
    now: times.now,
    gatewayWait: times.wait,
    before: mortal,
    settings: { OPEN_ORDERS_MAX: "0", OPEN_ORDERS_ADDRESS_MAX: "0" },
    ...(gateway ? { gateway } : {}),
  });
  // Unlike a session it outlasts the hours that tests let pass.
  const key = await addKey(shop.db, "admin", times.now());

  const stock = () => (shop.db.read.get<[number]>("SELECT sum(stock) FROM sizes")?.[0] ?? 0) - STOCK;

  return {
    shop,
    times,
    stock,
    written,
    async place(token, more = {}) {
      const items = [{ productId: "a1", quantity: 2 }];
      const paying = token === null ? {} : { paymentToken: token };
      const answer = await ask(shop, "POST", "/api/orders", {
        body: { email: EMAIL, items, ...paying, ...more },
      });
      const body = await answer.text();
      const { data, orderId } = JSON.parse(body);
      const [newest] = shop.db.read.get<[string]>("SELECT id FROM orders ORDER BY number DESC") ?? [""];
      return {
        status: answer.status,
        id: data?.id ?? orderId ?? newest,
        token: data?.accessToken ?? "",
        body,
      };
    },
    asAdmin: (method, path, body) => ask(shop, method, path, { token: key, body }),
    standing(id) {
      const row = shop.db.read.get<[string, string, string, string]>(STANDING, id);
      if (!row) throw new Error("there is no such order");
      const [status, payment, history, requests] = row;
      return { status, payment, history, requests, stock: stock() };
    },
    atSandbox(id) {
      const row = shop.db.read.get<[string, number, number]>(AT_SANDBOX, id);
      return row ? { status: row[0], captured: row[1], refunded: row[2] } : null;
    },
    dieBefore(sql) {
      deadly = sql;
    },
    revive() {
      deadly = null;
      isDead = false;
    },
    close: shop.close,
  };
}
