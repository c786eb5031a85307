// The records of the sandbox gateway: its payments, each changed by one conditional statement in a group of its own.
import type { Database, Statement, Value } from "../../../../db/database.ts";
import { must } from "../../../../db/must.ts";
import { newWriteId } from "../../../../db/write/id.ts";
import { openBatches } from "../batches.ts";
import type { PaymentState } from "../gateway.ts";

/** A payment as the sandbox knows it. */
export type SandboxPayment = {
  status: PaymentState["status"];
  amountCents: number;
  currency: string;
  capturedCents: number;
  refundedCents: number;
  returnUrl: string | null;
};

/** A payment to be added. `settlesAt`: when it is authorised or fails by itself. */
export type NewPayment = {
  id: string;
  token: string;
  amountCents: number;
  currency: string;
  status: PaymentState["status"];
  returnUrl: string;
  settlesAt: number | null;
};

export type Records = {
  /** Adds a payment, or finds the one that has its id. */
  add(payment: NewPayment): Promise<SandboxPayment>;
  find(id: string): Promise<SandboxPayment | null>;
  /** Ends a payment that waits for its customer; `false` when it does not wait any more. */
  settle(id: string, status: "authorized" | "declined"): Promise<boolean>;
  /** Takes the whole amount of an authorised payment. */
  capture(id: string, amountCents: number): Promise<boolean>;
  /** Releases a payment, or keeps an unknown one from being made; `false` when it was captured. */
  void(id: string): Promise<boolean>;
  /** Gives back a part of what was captured, once for each key; `false` when that is too much. */
  refund(id: string, amountCents: number, key: string): Promise<boolean>;
};

type Row = [SandboxPayment["status"], number, string, number, number, string | null];

/** The status at the time `?1`: a payment may be authorised, or fail, by the time alone. */
const STATUS = `CASE WHEN settles_at IS NULL OR settles_at > ?1 THEN status
  WHEN status = 'processing' THEN 'authorized' WHEN status = 'authorized' THEN 'declined' ELSE status END`;
const COLUMNS = `${STATUS}, amount_cents, currency, captured_cents, refunded_cents, return_url`;

// Payments of one turn of the event loop, as a list.
const ADD = `INSERT INTO sandbox_payments (id, token, amount_cents, currency, status, return_url, settles_at, created_at)
SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5, j.value ->> 6, ?1
FROM json_each(?2) AS j WHERE true ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING id, ${COLUMNS}`;
const FIND = `SELECT ${COLUMNS} FROM sandbox_payments WHERE id = ?2`;
const SETTLE = `UPDATE sandbox_payments SET status = ?3 WHERE id = ?2 AND ${STATUS} = 'requires_action'`;
const CAPTURE = `UPDATE sandbox_payments SET status = 'captured', captured_cents = amount_cents
WHERE id = ?2 AND amount_cents = ?3 AND ${STATUS} IN ('authorized', 'captured')`;
const VOID = `INSERT INTO sandbox_payments (id, token, amount_cents, currency, status, created_at)
VALUES (?2, '', 0, '', 'voided', ?1)
ON CONFLICT (id) DO UPDATE SET status = iif(${STATUS} = 'declined', 'declined', 'voided') WHERE status <> 'captured'`;
const REFUND = `UPDATE sandbox_payments SET refunded_cents = refunded_cents + ?2
WHERE id = ?1 AND refunded_cents + ?2 <= captured_cents AND NOT EXISTS (SELECT 1 FROM sandbox_requests WHERE key = ?3)`;
const KEEP_REFUND = `INSERT INTO sandbox_requests (key, id, amount_cents, at) SELECT ?1, ?2, ?3, ?4 WHERE changes() > 0`;
const FIND_REFUND = "SELECT 1 FROM sandbox_requests WHERE key = ? AND id = ? AND amount_cents = ?";

/** Opens the records on the shop's database, where they stand for another company's. */
export function openRecords(db: Database, now: () => number): Records {
  const write = (...statements: Statement[]) => db.write(statements, newWriteId());
  const change = async (sql: string, ...args: Value[]): Promise<boolean> => {
    const [result] = await write({ sql, args: [now(), ...args] });
    return (result?.changes ?? 0) > 0;
  };
  const addAll = openBatches(async (payments: NewPayment[]) => {
    const [result] = await write({ sql: ADD, args: [now(), JSON.stringify(payments.map(rowOf))] });
    const rows = new Map((result?.rows ?? []).map(([id, ...row]) => [id, row as Row]));
    return payments.map(({ id }) => must(rows.get(id), "the sandbox's payment"));
  });
  return {
    add: async (payment) => paymentOf(await addAll(payment)),
    async find(id) {
      const row = await db.onPrimary(({ read }) => read.get<Row>(FIND, now(), id));
      return row ? paymentOf(row) : null;
    },
    settle: (id, status) => change(SETTLE, id, status),
    capture: (id, amountCents) => change(CAPTURE, id, amountCents),
    void: (id) => change(VOID, id),
    async refund(id, amountCents, key) {
      const results = await write(
        { sql: REFUND, args: [id, amountCents, key] },
        { sql: KEEP_REFUND, args: [key, id, amountCents, now()] },
        { sql: FIND_REFUND, args: [key, id, amountCents] },
      );
      return results[2]?.rows.length === 1;
    },
  };
}

const rowOf = ({ id, token, amountCents, currency, status, returnUrl, settlesAt }: NewPayment): Value[] => [
  id,
  token,
  amountCents,
  currency,
  status,
  returnUrl,
  settlesAt,
];

const paymentOf = ([status, amountCents, currency, capturedCents, refundedCents, returnUrl]: Row) => ({
  status,
  amountCents,
  currency,
  capturedCents,
  refundedCents,
  returnUrl,
});
