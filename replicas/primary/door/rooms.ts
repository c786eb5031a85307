// The rooms behind the door: replication and writes.
import type { Position } from "../../../db/database.ts";
import type { Lives } from "./lives.ts";
import type { Metric } from "./metric.ts";
import type { News } from "./news.ts";
import { openReplication } from "./replication/replication.ts";
import { openWrites } from "./writes/writes.ts";

/**
 * Rooms take requests whose token was checked and whose body is in memory. `request.signal` is aborted when the client has gone,
 * the token is valid no more, or the door ends.
 */
export type Rooms = {
  replication: {
    handle(request: Request, path: string): Promise<Response>;
    /** Requests of a node wait for this version. */
    waiting(position: Position): void;
    metrics(): Metric[];
    close(): void;
  };
  writes: {
    commit(request: Request): Promise<Response>;
    query(request: Request): Promise<Response>;
    /** `rest` is the path after `/migrations`. */
    migrations(request: Request, rest: string): Promise<Response>;
    metrics(): Metric[];
    /** Resolves when nothing is under way. */
    idle(): Promise<void>;
  };
};

export type RoomDeps = { lives: Lives; news: News; datasetId(): string | null };

/** Opens the rooms. */
export const openRooms = (deps: RoomDeps): Rooms => ({
  replication: openReplication(deps),
  writes: openWrites(deps),
});
