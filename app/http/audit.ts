// The audit: who changed what and when; the group that commits a change adds its row.
import type { Readable, Statement } from "../../db/database.ts";
import { must } from "../../db/must.ts";
import type { Caller } from "./caller.ts";
import { offsetOf, type Page } from "./paging.ts";

/** One row as admins read it. */
export type AuditEntry = {
  id: string;
  at: string;
  actor: string | null;
  actorKind: "user" | "key" | "system";
  action: string;
  subject: string;
  detail: Record<string, unknown>;
};

/**
 * The event of a write: `action` is a noun and a verb (`shoe.replace`), `subject` an id; `detail` never contains secrets
 * or the names of people.
 */
export type AuditEvent = { action: string; subject: string; detail?: Record<string, unknown> };

/** The statement that records an event; `caller` is null for the program itself, and where writes are open. */
export const auditStatement = (
  caller: Caller | null,
  { action, subject, detail = {} }: AuditEvent,
  nowMs: number,
): Statement => ({
  sql: "INSERT INTO audit (at, actor, actor_kind, action, subject, detail) VALUES (?, ?, ?, ?, ?, ?)",
  args: [nowMs, caller?.userId ?? null, caller?.kind ?? "system", action, subject, JSON.stringify(detail)],
});

type AuditRow = [number, number, string | null, AuditEntry["actorKind"], string, string, string];

/** The newest entries first, one more than the page takes. */
export function listAudit(snapshot: Readable, page: Page): { seq: number; item: AuditEntry }[] {
  const rows = snapshot.read.all<AuditRow>(
    `SELECT seq, at, actor, actor_kind, action, subject, detail FROM audit
     WHERE seq < ? ORDER BY seq DESC LIMIT ? OFFSET ?`,
    page.position ?? Number.MAX_SAFE_INTEGER,
    page.limit + 1,
    offsetOf(page),
  );
  return rows.map(([seq, atMs, actor, actorKind, action, subject, detail]) => ({
    seq,
    item: {
      id: String(seq),
      at: new Date(atMs).toISOString(),
      actor,
      actorKind,
      action,
      subject,
      detail: JSON.parse(detail),
    },
  }));
}

/** The number of entries; counts at most `max`. */
export const countAudit = (snapshot: Readable, max: number): number =>
  must(snapshot.read.get<[number]>("SELECT count(*) FROM (SELECT 1 FROM audit LIMIT ?)", max), "a count")[0];
