// The kinds of mail by their names in the outbox.
import type { Kind } from "./kind.ts";
import { alert } from "./kinds/alert.ts";
import { cancelled } from "./kinds/cancelled.ts";
import { dailyReport } from "./kinds/daily-report.ts";
import { lowStock } from "./kinds/low-stock.ts";
import { passwordReset } from "./kinds/password-reset.ts";
import { receipt } from "./kinds/receipt.ts";
import { refunded } from "./kinds/refunded.ts";
import { shipped } from "./kinds/shipped.ts";
import { voidRefused } from "./kinds/void-refused.ts";

const ALL = {
  receipt,
  alert,
  shipped,
  cancelled,
  refunded,
  "void-refused": voidRefused,
  "password-reset": passwordReset,
  "low-stock": lowStock,
  "daily-report": dailyReport,
} satisfies Record<string, Kind>;

export type KindName = keyof typeof ALL;

/** The kinds by name. */
export const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>(Object.entries(ALL));
