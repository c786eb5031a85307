// The sandbox gateway: stands for a payment company in development and tests. Its records are tables of its own.
import type { Database, Value } from "../../../../db/database.ts";
import { must } from "../../../../db/must.ts";
import { newWriteId } from "../../../../db/write/id.ts";
import type { AuthoriseRequest, Gateway, PaymentState, Settled } from "../gateway.ts";

type Row = [status: PaymentState["status"], captured: number, refunded: number];

const COLUMNS = "status, captured_cents, refunded_cents";
// The first request decides; a repetition finds its payment.
const AUTHORISE = `INSERT INTO sandbox_payments (id, token, amount_cents, currency, status, return_url, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET id = id RETURNING ${COLUMNS}`;

/** Opens the sandbox on the shop's database. */
export function openSandbox(db: Database, now: () => number): Gateway {
  const one = async (sql: string, ...args: Value[]): Promise<Row | undefined> => {
    const [result] = await db.write([{ sql, args }], newWriteId());
    return result?.rows[0] as Row | undefined;
  };
  const stateOf = (id: string, [status, capturedCents, refundedCents]: Row): PaymentState => ({
    status,
    reference: `sandbox-${id}`,
    redirectUrl: status === "requires_action" ? `/pay/sandbox/${id}` : null,
    capturedCents,
    refundedCents,
  });

  return {
    name: "sandbox",
    async authorise({ orderId, amountCents, currency, token, returnUrl }: AuthoriseRequest) {
      const name = token ?? "ok";
      const status =
        name === "declined" ? "declined" : name === "redirect" ? "requires_action" : "authorized";
      const row = await one(AUTHORISE, orderId, name, amountCents, currency, status, returnUrl, now());
      return stateOf(orderId, must(row, "the sandbox's payment"));
    },
    async capture(orderId): Promise<Settled> {
      const row = await one(
        `UPDATE sandbox_payments SET status = 'captured', captured_cents = amount_cents
         WHERE id = ? AND status IN ('authorized', 'captured') RETURNING ${COLUMNS}`,
        orderId,
      );
      return row ? { outcome: "done" } : { outcome: "refused", reason: "the payment is not authorised" };
    },
    async void(orderId): Promise<Settled> {
      const row = await one(
        `INSERT INTO sandbox_payments (id, token, amount_cents, currency, status, created_at)
         VALUES (?, '', 0, '', 'voided', ?) ON CONFLICT (id) DO UPDATE SET status = 'voided' WHERE status <> 'captured'
         RETURNING ${COLUMNS}`,
        orderId,
        now(),
      );
      return row ? { outcome: "done" } : { outcome: "refused", reason: "the payment was captured" };
    },
    async refund(orderId, amountCents, key): Promise<Settled> {
      const results = await db.write(
        [
          {
            sql: `UPDATE sandbox_payments SET refunded_cents = refunded_cents + ?2
                  WHERE id = ?1 AND refunded_cents + ?2 <= captured_cents
                    AND NOT EXISTS (SELECT 1 FROM sandbox_requests WHERE key = ?3)`,
            args: [orderId, amountCents, key],
          },
          {
            sql: `INSERT INTO sandbox_requests (key, id, amount_cents, at) SELECT ?1, ?2, ?3, ?4 WHERE changes() > 0
                  ON CONFLICT DO NOTHING`,
            args: [key, orderId, amountCents, now()],
          },
          { sql: "SELECT 1 FROM sandbox_requests WHERE key = ?", args: [key] },
        ],
        newWriteId(),
      );
      return results[2]?.rows.length === 1
        ? { outcome: "done" }
        : { outcome: "refused", reason: "more than was captured" };
    },
    async lookUp(orderId) {
      const row = await db.onPrimary(({ read }) =>
        read.get<Row>(`SELECT ${COLUMNS} FROM sandbox_payments WHERE id = ?`, orderId),
      );
      return row ? stateOf(orderId, row) : null;
    },
  };
}
