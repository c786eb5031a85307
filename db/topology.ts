// Where this process stands: alone with its file, or as one node of a cluster whose primary is elsewhere.
import type { Database, Position } from "./database.ts";

/** The database, and how far its reads are behind the place where writes go. Only the database's methods throw or reject. */
export type Topology = {
  role: "single" | "node";
  db: Database;
  /** Sets what is called after reads here may have become newer through another process; a second call replaces the first. */
  onNews(callback: () => void): void;
  /** Resolves with whether reads here are as new as `position` within `ms`. */
  reach(position: Position, ms: number): Promise<boolean>;
  /** The time since reads here were known to be as new as the primary; 0 for a single process. */
  lagMs(): number;
  /** Why this process should get no traffic, in one sentence; `null` when it may. */
  trouble(): string | null;
  /** The state of the replica for operators; `null` for a single process. */
  details(): Record<string, unknown> | null;
};

/** One process with its file: it reads what it wrote, and nothing newer exists elsewhere. */
export const openSingle = (db: Database): Topology => ({
  role: "single",
  db,
  onNews: () => undefined,
  reach: async () => false,
  lagMs: () => 0,
  trouble: () => null,
  details: () => null,
});
