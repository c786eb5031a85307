// The client that has sqld to itself while it migrates: from its first request until its stream is closed, or idle for long.
import { DatabaseError } from "../../../../db/errors.ts";
import type { Life } from "../lives.ts";

/** sqld forgets a stream after this time, too. */
const IDLE_MS = 10_000;
/** How long another client waits for its turn. */
const WAIT_MS = 5_000;
const POLL_MS = 20;

/** `baton` is that of the stream's next request; `null` while a request is under way. */
export type Hold = { life: Life; baton: string | null };

export type Holder = {
  /**
   * The hold of a request: a new one for a request that begins a stream, else that of the stream. Throws `busy` when another
   * client has sqld for long, and `failed` for a baton of no stream that is held.
   */
  take(life: Life, baton: string | null): Promise<Hold>;
  /** Keeps the hold for the stream's next request; without a baton it ends. */
  keep(hold: Hold, baton: string | null): void;
  isHeld(): boolean;
  /** Ends the hold, and closes its stream. */
  end(): Promise<void>;
};

type Deps = {
  /** Resolves when nothing of others is under way. */
  untilQuiet(): Promise<void>;
  /** Closes the stream. */
  close(life: Life, baton: string): Promise<void>;
  idleMs?: number;
  waitMs?: number;
};

/** Opens a holder; nobody has sqld yet. */
export function openHolder({ untilQuiet, close, idleMs = IDLE_MS, waitMs = WAIT_MS }: Deps): Holder {
  let held: Hold | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isHeld = () => held !== null && !held.life.ended.aborted;

  const begin = async (life: Life): Promise<Hold> => {
    const endsAt = performance.now() + waitMs;
    while (isHeld()) {
      if (performance.now() > endsAt) throw new DatabaseError("busy", "another client migrates the primary");
      await Bun.sleep(POLL_MS);
    }
    const begun = { life, baton: null };
    clearTimeout(timer);
    held = begun;
    await untilQuiet();
    return begun;
  };
  const end = async (): Promise<void> => {
    const ended = held;
    clearTimeout(timer);
    held = null;
    if (ended?.baton && !ended.life.ended.aborted) await close(ended.life, ended.baton);
  };

  return {
    take(life, baton) {
      if (baton === null) return begin(life);
      if (held === null || held.life !== life || held.baton !== baton)
        throw new DatabaseError("failed", "this baton is of no stream that migrates the primary");
      clearTimeout(timer);
      held.baton = null;
      return Promise.resolve(held);
    },
    keep(hold, baton) {
      if (held !== hold) return;
      hold.baton = baton;
      if (baton === null) held = null;
      else timer = setTimeout(() => void end(), idleMs);
    },
    isHeld,
    end,
  };
}
