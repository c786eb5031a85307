// Mails in every state, as the sender and the cleanup leave them, for a shop that has orders of every kind.
import type { Database, Statement } from "../../db/database.ts";
import type { Numbers } from "./every-order.ts";

const AT = Date.UTC(2026, 0, 31);

/** Changes the mails of some orders, and adds those that are about none. */
export async function addEveryMail(db: Database, numbers: Numbers, personId: string): Promise<void> {
  const of = (number: number, set: string, kind = "%"): Statement => ({
    sql: `UPDATE outbox SET ${set} WHERE number = ?1 AND kind LIKE ?2`,
    args: [number, kind],
  });
  const sent = `state = 'sent', tries = 1, sent_at = ${AT}, due_at = ${AT}`;
  const unread = `state = 'withdrawn', tries = 1, last_error = 'no longer needed'`;
  const keyed = (kind: string, key: string, recipient: string | null, state = "due"): Statement => ({
    sql: `INSERT INTO outbox (kind, key, recipient, data, state, tries, sent_at, due_at, created_at)
      VALUES (?1, ?2, ?3, '{}', ?4, ?4 = 'sent', iif(?4 = 'sent', ?5, NULL), ?5, ?5)`,
    args: [kind, key, recipient, state, AT],
  });
  await db.write([
    of(numbers.delivered, sent),
    of(numbers["partly refunded"], `${sent}, recipient = NULL, data = NULL`),
    of(numbers.refunded, "state = 'parked', tries = 12, last_error = '550 no such mailbox'", "receipt"),
    of(numbers.refunded, unread, "alert"),
    of(numbers["refund refused"], `${unread}, recipient = NULL, data = NULL`, "alert"),
    keyed("password-reset", `${personId} ${AT}`, "sam@shop.example"),
    keyed("low-stock", "a 2026-01-31", null, "sent"),
    keyed("daily-report", "2026-01-30", null),
  ]);
}
