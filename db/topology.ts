// Where this process stands: alone with its file, or one node of a cluster with a primary elsewhere.
import type { Database, Position } from "./database.ts";

/** The database and what is known of its distance to where writes go. */
export type Topology = {
  role: "single" | "node";
  db: Database;
  /** Calls back at news that come from elsewhere. */
  onNews(look: () => void): void;
  /** Whether what is read here is as new as this within `ms`. */
  reach(position: Position, ms: number): Promise<boolean>;
  /** How long ago what is read here was known to be the newest. */
  lagMs(): number;
  /** Why no traffic should come here, in a sentence; `null` when all is well. */
  trouble(): string | null;
  /** What an operator wants to know; `null` where there is nothing to know. */
  details(): Record<string, unknown> | null;
};

/** One process and its file: what is read is the newest. */
export const openSingle = (db: Database): Topology => ({
  role: "single",
  db,
  onNews: () => undefined,
  reach: async () => false,
  lagMs: () => 0,
  trouble: () => null,
  details: () => null,
});
