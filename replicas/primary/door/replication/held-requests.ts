// Requests that wait in the door: for news, and for the next release. All that wait for the same news are released together.
import type { News } from "../news.ts";
import { gapMs, msUntilRelease, PACE_AT_START, withRelease, withTurnaround } from "./pace.ts";
import { openTurnarounds } from "./turnarounds.ts";
import { openWaitingRoom } from "./waiting-room.ts";

export type HeldRequests = {
  /** Resolves when frames may go out: at once, or with the next release. Rejects when `end` is aborted. */
  turn(end: AbortSignal): Promise<void>;
  /**
   * Resolves with `true` with the next release after news counted more than `seen`, with `false` at `untilMs`. Rejects when `end`
   * is aborted.
   */
  news(seen: number, untilMs: number, end: AbortSignal): Promise<boolean>;
  /** Frames go out now, after which their replica asks from `place` on. */
  delivered(place: string): void;
  /** A replica asks from `place` on. */
  returned(place: string): void;
  /** A node says that a client waits for a version. */
  wish(): void;
  size(): number;
  state(): { releases: number; wishes: number; gapMs: number; turnaroundMs: number };
  close(): void;
};

/** Opens it without requests; `now` is in milliseconds. */
export function openHeldRequests(news: News, now: () => number): HeldRequests {
  const room = openWaitingRoom();
  const turnarounds = openTurnarounds();
  const counts = { releases: 0, wishes: 0 };
  let pace = PACE_AT_START;
  let timer: Timer | undefined;
  let isClosed = false;

  /** Releases now, or at the end of the gap. */
  const schedule = () => {
    clearTimeout(timer);
    timer = undefined;
    if (isClosed || !room.isDue(news.count())) return;
    const ms = msUntilRelease(pace, now());
    if (ms > 0) {
      timer = setTimeout(schedule, Math.ceil(ms));
      return;
    }
    counts.releases += 1;
    pace = withRelease(pace, room.size());
    room.letGo(news.count());
  };
  news.onRaise(schedule);

  return {
    async turn(end) {
      end.throwIfAborted();
      if (msUntilRelease(pace, now()) === 0) return;
      const turn = room.wait(null, end);
      if (timer === undefined) schedule();
      await turn;
    },
    async news(seen, untilMs, end) {
      const held = room.wait(seen, end, Math.max(0, untilMs - now()));
      if (news.count() !== seen) schedule();
      return await held;
    },
    delivered(place) {
      pace = { ...pace, deliveredAtMs: now() };
      turnarounds.left(place, now());
    },
    returned(place) {
      const ms = turnarounds.returned(place, now());
      if (ms !== null) pace = withTurnaround(pace, ms);
    },
    wish() {
      counts.wishes += 1;
      pace = { ...pace, wishedAtMs: now() };
      if (timer !== undefined) schedule();
    },
    size: room.size,
    state: () => ({ ...counts, gapMs: gapMs(pace, now()), turnaroundMs: pace.turnaroundMs }),
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
