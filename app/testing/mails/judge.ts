// What must hold of the mails of a run: each acknowledged order has one receipt, which arrived, and a kill repeats one mail at most.
import type { Row } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import type { ReceivedMail } from "../mail-server.ts";
import { orderIdOf } from "./arrivals.ts";
import type { Bought } from "./customers.ts";

export type Evidence = {
  bought: ReadonlyMap<string, Bought>;
  /** Rows of `RECEIPTS`. */
  receipts: readonly Row[];
  received: readonly Pick<ReceivedMail, "messageId" | "to" | "raw">[];
  /** How many mails had arrived at each kill. */
  killedAt: readonly number[];
  /** Only one process sends, so that a repeated mail must be the last one before a kill. */
  isAlone: boolean;
};

export type Verdict = {
  arrived: number;
  lost: number;
  /** Mails that arrived again: how many copies too many. */
  repeats: number;
  parked: number;
  triesMax: number;
  trouble: string[];
};

/** Each order with its receipts; one without has one row, and NULL. */
export const RECEIPTS = `SELECT o.id, o.email, o.status, m.state, m.tries, m.recipient
FROM orders AS o LEFT JOIN outbox AS m ON m.number = o.number AND m.kind = 'receipt'`;
/** Mails that are not finished. */
export const UNFINISHED = `SELECT count(*) FROM outbox WHERE state IN ('held', 'due')`;

type Receipt = [string, string, string, string | null, number | null, string | null];

/** Judges a run. */
export function judge({ bought, receipts, received, killedAt, isAlone }: Evidence): Verdict {
  const rows = Map.groupBy(receipts as Receipt[], ([id]) => id);
  const copies = copiesIn(received);
  const missing = [...bought.values()].filter(({ id }) => !copies.has(id));
  const repeated = [...copies.values()].flatMap((each) => pairsOf(each));
  return {
    arrived: copies.size,
    lost: missing.length,
    repeats: repeated.length,
    parked: (receipts as Receipt[]).filter(([, , , state]) => state === "parked").length,
    triesMax: Math.max(0, ...(receipts as Receipt[]).map(([, , , , tries]) => tries ?? 0)),
    trouble: [
      ...[...bought.values()].flatMap((order) => faultsOfRows(order, rows.get(order.id) ?? [])),
      ...[...rows.values()].flatMap(([row]) => (row ? faultsOfOrder(row, bought, copies) : [])),
      ...missing.map(({ number }) => `the receipt of order ${number} did not arrive`),
      ...received.flatMap((mail) => faultsOfMail(mail, bought)),
      ...unexplained(repeated, killedAt, isAlone).map((at) => `mail ${at} arrived again, without a kill`),
    ],
  };
}

/** At which places each order's receipt arrived. */
function copiesIn(received: Evidence["received"]): Map<string, number[]> {
  const copies = new Map<string, number[]>();
  for (const [at, { messageId }] of received.entries()) {
    const id = orderIdOf(messageId);
    if (id !== null) copies.set(id, [...(copies.get(id) ?? []), at]);
  }
  return copies;
}

const pairsOf = (places: readonly number[]): [number, number][] =>
  places.slice(1).map((again, at) => [must(places[at], "the copy before"), again]);

function faultsOfRows({ number, email }: Bought, rows: readonly Receipt[]): string[] {
  const [row] = rows;
  if (rows.length !== 1 || !row) return [`order ${number} has ${rows.length} rows of receipts`];
  const [, , status, state, , recipient] = row;
  return [
    ...(status === "confirmed" && state === "sent"
      ? []
      : [`order ${number} is ${status}, its receipt is ${state}`]),
    ...(recipient === email ? [] : [`the receipt of order ${number} is for ${recipient}, not ${email}`]),
  ];
}

/** An order that no customer was told of is cancelled, and its receipt is withdrawn. */
function faultsOfOrder(
  [id, , status, state]: Receipt,
  bought: Evidence["bought"],
  copies: ReadonlyMap<string, unknown>,
): string[] {
  if (bought.has(id)) return [];
  const isRight = status === "cancelled" && state === "withdrawn" && !copies.has(id);
  return isRight ? [] : [`order ${id} was not acknowledged: it is ${status}, its receipt ${state}`];
}

function faultsOfMail(
  { messageId, to, raw }: Evidence["received"][number],
  bought: Evidence["bought"],
): string[] {
  const order = bought.get(orderIdOf(messageId) ?? "");
  if (!order) return [`the mail ${messageId} belongs to no acknowledged order`];
  const isRight = String(to) === order.email && raw.includes(order.number);
  return isRight ? [] : [`the mail ${messageId} of order ${order.number} went to ${to}`];
}

/** The places of the first copies of repeats that no kill explains: each explains one, which it interrupted. */
function unexplained(
  repeated: readonly [number, number][],
  killedAt: readonly number[],
  isAlone: boolean,
): number[] {
  const kills = new Set(killedAt.keys());
  return repeated.flatMap(([first, again]) => {
    const kill = [...kills].find((each) => {
      const at = must(killedAt[each], "a kill");
      return first < at && at <= again && (!isAlone || first === at - 1);
    });
    if (kill === undefined) return [first];
    kills.delete(kill);
    return [];
  });
}
