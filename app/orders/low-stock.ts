// The mail that tells the staff which shoes an order has left low: at most one a day for each shoe.
import type { Statement } from "../../db/database.ts";
import type { PlannedLine } from "./plan.ts";
import { dayOf } from "./report/days.ts";

/** When the staff gets a mail about a shoe. */
export type LowStockSettings = {
  /** Pairs of a shoe, of all its sizes, at or below which the staff gets a mail; 0: never. */
  lowStock: number;
  /** The zone whose days count (IANA). */
  reportTimezone: string;
};

/**
 * Pairs of a shoe that other orders may take between a plan and its commit: more than all nodes sell while a replica lags.
 * Where bulk orders take more, the next order of the shoe tells the staff.
 */
const MARGIN_PAIRS = 1_000;

// Runs after the lines have taken their pairs, so it sees what is left.
const LOW_STOCK = `INSERT INTO outbox (kind, key, data, state, due_at, created_at)
SELECT 'low-stock', s.shoe_id || ' ' || ?2,
  json_object('id', s.shoe_id, 'title', s.title, 'href', s.href, 'sizeSystem', s.size_system, 'stock', s.stock,
    'sizes', json((SELECT json_group_array(json_object('size', size, 'stock', stock))
      FROM (SELECT size, stock FROM sizes WHERE shoe = s.id ORDER BY position))),
    'threshold', ?3),
  'due', ?4, ?4
FROM json_each(?1) AS j CROSS JOIN shoes AS s ON s.id = j.value
WHERE s.stock <= ?3 ON CONFLICT DO NOTHING`;

/** The statement that adds the mails about the shoes of an order that are low once its lines are written; none where no shoe can be. */
export function lowStockStatements(
  { lowStock, reportTimezone }: LowStockSettings,
  lines: readonly Pick<PlannedLine, "shoe" | "shoeStock" | "quantity">[],
  nowMs: number,
): Statement[] {
  if (lowStock === 0) return [];
  const left = new Map<number, number>();
  for (const { shoe, shoeStock, quantity } of lines) left.set(shoe, (left.get(shoe) ?? shoeStock) - quantity);
  const shoes = [...left].filter(([, pairs]) => pairs <= lowStock + MARGIN_PAIRS).map(([shoe]) => shoe);
  if (shoes.length === 0) return [];
  return [{ sql: LOW_STOCK, args: [JSON.stringify(shoes), dayOf(nowMs, reportTimezone), lowStock, nowMs] }];
}
