// A shop with people and orders for tests of steps, refunds and lists; its gateway keeps a ledger and does what the test says.
import type { Database, Readable } from "../../db/database.ts";
import { verdictOf } from "../../replicas/primary/door/writes/statements.ts";
import { addKey } from "../accounts/keys.ts";
import type { Gateway, PaymentState, Settled } from "../orders/payment/gateway.ts";
import type { ShoeDraft } from "../shoes/write/draft.ts";
import { makeAdminOf } from "./accounts.ts";
import { ask, type Person, signIn, signUp } from "./people.ts";
import { type ObservedShop, openObservedShop, shoe } from "./shop.ts";

type Payment = PaymentState & { amountCents: number; keys: Set<string> };
type Kind = "authorise" | "capture" | "void" | "refund";

/** A gateway whose money a test can count. `script` may wait, refuse or fail before a request has its effect. */
export type LedgerGateway = Gateway & {
  payments: Map<string, Payment>;
  /** Every request, as `<kind> <order>`. */
  asked: string[];
  script: Partial<Record<Kind, (orderId: string) => Promise<"refuse" | undefined>>>;
};

/** Opens a gateway without payments. Authorises by the token: `redirect`, `declined`, else authorised. */
export function openLedgerGateway(): LedgerGateway {
  const payments = new Map<string, Payment>();
  const asked: string[] = [];
  const done: Settled = { outcome: "done" };
  const refused = (reason: string): Settled => ({ outcome: "refused", reason });
  const opened = (orderId: string, amountCents: number, status: PaymentState["status"]): Payment => ({
    status,
    reference: `ledger-${orderId}`,
    redirectUrl: status === "requires_action" ? `https://gateway.example/${orderId}` : null,
    amountCents,
    capturedCents: 0,
    refundedCents: 0,
    keys: new Set(),
  });
  const requested = async (kind: Kind, orderId: string): Promise<Payment | null> => {
    asked.push(`${kind} ${orderId}`);
    if ((await gateway.script[kind]?.(orderId)) === "refuse") return null;
    return payments.get(orderId) ?? opened(orderId, 0, "voided");
  };
  const gateway: LedgerGateway = {
    name: "ledger",
    payments,
    asked,
    script: {},
    async authorise({ orderId, amountCents, token }) {
      await requested("authorise", orderId);
      const status =
        token === "declined" ? "declined" : token === "redirect" ? "requires_action" : "authorized";
      const payment = payments.get(orderId) ?? opened(orderId, amountCents, status);
      payments.set(orderId, payment);
      return payment;
    },
    async capture(orderId, amountCents) {
      const payment = await requested("capture", orderId);
      if (payment?.status === "captured") return done;
      if (payment?.status !== "authorized") return refused("the payment is not authorised");
      payments.set(orderId, { ...payment, status: "captured", capturedCents: amountCents });
      return done;
    },
    async void(orderId) {
      const payment = await requested("void", orderId);
      if (payment === null || payment.status === "captured") return refused("the payment was captured");
      payments.set(orderId, { ...payment, status: "voided" });
      return done;
    },
    async refund(orderId, amountCents, key) {
      const payment = await requested("refund", orderId);
      if (payment?.keys.has(key)) return done;
      if (!payment || payment.refundedCents + amountCents > payment.capturedCents)
        return refused("more than was captured");
      payment.keys.add(key);
      payment.refundedCents += amountCents;
      return done;
    },
    lookUp: async (orderId) => payments.get(orderId) ?? null,
  };
  return gateway;
}

/** A promise that the test resolves. */
export function openGate(): { passed: Promise<undefined>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { passed: promise, open: () => resolve(undefined) };
}

type Answer = {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the expectations of a test say what the body is
  body: any;
};

/** Who asks: a person, a guest by the order's token, an admin key, or a client without any of these. */
export type Asker = "owner" | "other" | "admin" | "key" | "guest" | "anonymous";

/** An order that a test placed. */
export type Placed = { id: string; number: number; accessToken?: string };

export type StepShop = ObservedShop & {
  gateway: LedgerGateway;
  people: Record<"owner" | "other" | "admin", Person>;
  /** Sends a request as `who`; `of` is the order whose token a guest has. */
  as(
    who: Asker,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
    of?: Placed,
  ): Promise<Answer>;
  place(who: "owner" | "other" | "guest", given?: Record<string, unknown>): Promise<Placed>;
  /** Moves an order as an admin; throws where that is refused. */
  move(order: Placed, ...statuses: string[]): Promise<void>;
  /** Asks for a status. */
  put(who: Asker, order: Placed, body: unknown): Promise<Answer>;
  /** The first row of a query on the shop's file, by the number of an order. */
  row(sql: string, order: Placed): unknown[];
};

/** Throws for a statement that would not pass the door of a cluster. */
function pass(sql: string, isQuery: boolean): string {
  const verdict = verdictOf(sql, isQuery);
  if (verdict.refusal !== null) throw new Error(`${verdict.message}: ${sql}`);
  return sql;
}

const judgedReads = ({ read, scan }: Readable): Readable => ({
  read: {
    get: (sql, ...args) => read.get(pass(sql, true), ...args),
    all: (sql, ...args) => read.all(pass(sql, true), ...args),
  },
  scan,
});

/** The file, of which every text is judged as on a cluster. */
const judged = (file: Database): Database => ({
  ...file,
  ...judgedReads(file),
  onPrimary: (work) => file.onPrimary((primary) => work(judgedReads(primary))),
  async write(statements, writeId) {
    for (const { sql } of statements) pass(sql, false);
    return file.write(statements, writeId);
  },
});

const SIZES = ["41", "42"].map((size) => ({ size, stock: 100_000 }));
const SHOES = [
  shoe("a", { priceCents: 5_000, sizes: SIZES }),
  shoe("b", { priceCents: 1_999, sizes: [{ size: "", stock: 100_000 }] }),
];
const UNLIMITED = { OPEN_ORDERS_MAX: "0", OPEN_ORDERS_ADDRESS_MAX: "0" };
const ADDRESS = { name: "Sam", street: "Street 1", city: "Town", country: "DE" };
export const GUEST_EMAIL = "guest@shop.example";

/** Opens the shop. */
export async function openStepShop(
  given: { now?: () => number; drafts?: ShoeDraft[]; settings?: Record<string, string> } = {},
): Promise<StepShop> {
  const gateway = openLedgerGateway();
  const settings = { ...UNLIMITED, ...given.settings };
  const shop = await openObservedShop(given.drafts ?? SHOES, false, {
    settings,
    gateway,
    before: judged,
    ...(given.now && { now: given.now }),
  });
  const people = {
    owner: await signUp(shop, "Olga"),
    other: await signUp(shop, "Otto"),
    admin: await signIn(shop, await makeAdminOf(shop.db, await signUp(shop, "Ada"))),
  };
  const key = await addKey(shop.db, "script", Date.now());
  const credentialsOf = (who: Asker, of?: Placed): Record<string, string> => {
    if (who === "anonymous") return {};
    if (who === "guest") return { "order-token": of?.accessToken ?? "" };
    return { authorization: `Bearer ${who === "key" ? key : people[who].token}` };
  };
  const as: StepShop["as"] = async (who, method, path, body, headers = {}, of) => {
    const answer = await ask(shop, method, path, {
      body,
      headers: { ...credentialsOf(who, of), ...headers },
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: text === "" ? null : JSON.parse(text),
    };
  };
  return {
    ...shop,
    gateway,
    people,
    as,
    async place(who, more = {}) {
      const body = {
        items: [{ productId: "a", size: "42", quantity: 2 }],
        shippingAddress: ADDRESS,
        ...(who === "guest" ? { email: GUEST_EMAIL } : {}),
        ...more,
      };
      const answer = await as(who === "guest" ? "anonymous" : who, "POST", "/api/orders", body);
      if (answer.status !== 201) throw new Error(answer.text);
      const { id, number, accessToken } = answer.body.data;
      return { id, number: Number(number), ...(accessToken && { accessToken }) };
    },
    async move(order, ...statuses) {
      for (const status of statuses) {
        const answer = await as("admin", "PUT", `/api/orders/${order.id}/status`, { status });
        if (answer.status !== 200) throw new Error(answer.text);
      }
    },
    put: (who, order, body) => as(who, "PUT", `/api/orders/${order.id}/status`, body, {}, order),
    row: (sql, { number }) => shop.db.read.get(sql, number) ?? [],
  };
}

/** The rows of an order that tests compare. */
export const factsOf = (shop: StepShop) => ({
  /** Pairs of size 42 in stock. */
  stock: (): number =>
    shop.db.read.get<[number]>("SELECT stock FROM sizes WHERE size = '42'")?.[0] ?? Number.NaN,
  payment: (order: Placed) =>
    shop.row(
      "SELECT status, payment_status, captured_cents, refunded_cents FROM orders WHERE number = ?",
      order,
    ),
  request: (order: Placed, kind: string) =>
    shop.row(
      `SELECT state, settled_at IS NOT NULL FROM payment_requests WHERE number = ? AND kind = '${kind}'`,
      order,
    ),
  mails: ({ number }: Placed, kind: string) =>
    shop.db.read.all<[recipient: string | null, state: string, data: string]>(
      "SELECT recipient, state, data FROM outbox WHERE number = ? AND kind = ? ORDER BY part",
      number,
      kind,
    ),
  audit: ({ id }: Placed) =>
    shop.db.read.all("SELECT actor_kind, action FROM audit WHERE subject = ? ORDER BY seq", id),
  history: ({ number }: Placed) =>
    shop.db.read.all("SELECT status, changed_by FROM order_history WHERE number = ?", number),
});
