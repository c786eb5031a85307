// The follower of the change feed: applies new changes to what this process keeps in memory.
import type { Database } from "../../db/database.ts";
import type { Change, Feed } from "../../db/feed.ts";
import type { Log } from "../log.ts";

/** Answers or callers kept in memory until the feed says that they changed. */
type Kept = {
  /** Drops what these changes, given in order, make wrong. */
  apply(changes: Change[]): void;
  /** Drops everything. */
  clear(): void;
  /** Drops what was put off until now; called where there is no change. */
  tick?(): void;
};

type FollowerOptions = {
  feed: Pick<Feed, "poll">;
  kept: readonly Kept[];
  log: Log;
  /** Between two polls; a writer may poll at any time besides. */
  pollMs: number;
};

export type Follower = {
  /** Applies new changes; clears everything if the feed has a gap or cannot be read. Never throws. */
  poll(): void;
  /** Polls no more by itself. */
  close(): void;
};

/** Opens the follower, which polls from now on. */
export function openFollower({ feed, kept, log, pollMs }: FollowerOptions): Follower {
  const clear = () => {
    for (const each of kept) each.clear();
  };
  const poll = () => {
    try {
      const update = feed.poll();
      if (update.kind === "lost") clear();
      else if (update.changes.length > 0) for (const each of kept) each.apply(update.changes);
      else for (const each of kept) each.tick?.();
    } catch (thrown) {
      clear();
      log.error("the change feed could not be read", { error: String(thrown) });
    }
  };
  const timer = setInterval(poll, pollMs);
  return { poll, close: () => clearInterval(timer) };
}

export type Polls = {
  /** Polls now. */
  pollFeed(): void;
  /**
   * Polls unless that was done since the last commit: writes of one group are answered one after the other, and the first poll
   * shows them all.
   */
  pollCommitted(): void;
};

/** The polls of writers. */
export function openPolls(db: Pick<Database, "writeQueue">, pollFeed: () => void): Polls {
  let polledAt = -1;
  return {
    pollFeed,
    pollCommitted() {
      const { commits } = db.writeQueue();
      if (commits === polledAt) return;
      polledAt = commits;
      pollFeed();
    },
  };
}
