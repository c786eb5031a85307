// The times of the sender: how often it looks, how long it holds a mail, and when it tries again.

/** Times of the sender in ms; tests shorten them. */
export type SenderTimes = {
  /** Between two looks at the outbox. */
  lookMs: number;
  /** The lease of a claimed mail: longer than the transport's deadline and two commits. */
  leaseMs: number;
  /** Between two mails, so that requests come in between. */
  paceMs: number;
  /** The longest pause between two mails, where commits wait. */
  paceMaxMs: number;
  /** Before the second try of a mail, and the longest pause. */
  pauseMs: number;
  pauseMaxMs: number;
  /** Before the next mail while the server is away, and the longest rest. */
  restMs: number;
  restMaxMs: number;
  /** How long a mail under way may hold up the end of the process. */
  closeMs: number;
};

export const SENDER_TIMES: SenderTimes = {
  lookMs: 1_000,
  leaseMs: 2 * 60_000,
  paceMs: 10,
  paceMaxMs: 1_000,
  pauseMs: 5_000,
  pauseMaxMs: 12 * 3_600_000,
  restMs: 1_000,
  restMaxMs: 60_000,
  closeMs: 5_000,
};

/** From half of the longest time to all of it, so that what failed together is not tried again together. */
const spread = (longestMs: number, random: number): number => Math.round(longestMs * (0.5 + random / 2));

/** The pause after this many tries: three times as long as the one before. `random` is from 0 to 1. */
export const pauseAfter = (
  tries: number,
  random: number,
  { pauseMs, pauseMaxMs }: Pick<SenderTimes, "pauseMs" | "pauseMaxMs"> = SENDER_TIMES,
): number => spread(Math.min(pauseMaxMs, pauseMs * 3 ** (tries - 1)), random);

/** How many times the last commit a sender pauses: a slow commit shows that requests wait too. */
const PACE_PER_COMMIT = 20;

/** The pause before the next mail, after a commit that took `committedMs`. */
export const paceAfter = (
  committedMs: number,
  { paceMs, paceMaxMs }: Pick<SenderTimes, "paceMs" | "paceMaxMs">,
): number => Math.max(paceMs, Math.min(paceMaxMs, PACE_PER_COMMIT * committedMs));

/** The rest of a sender whose mail server is away: twice as long each time. */
export type Rest = {
  isOver(): boolean;
  begin(): void;
  /** The server answers again. */
  forget(): void;
};

type RestOptions = { times: Pick<SenderTimes, "restMs" | "restMaxMs">; now(): number; random(): number };

export function openRest({ times: { restMs, restMaxMs }, now, random }: RestOptions): Rest {
  const pause = openPause(now);
  let longestMs = restMs;
  return {
    isOver: pause.isOver,
    begin() {
      pause.begin(spread(longestMs, random()));
      longestMs = Math.min(restMaxMs, longestMs * 2);
    },
    forget() {
      longestMs = restMs;
    },
  };
}

/** A pause of a process. It is over also where the clock was set back meanwhile, by which it could last for hours. */
export type Pause = { isOver(): boolean; begin(ms: number): void };

export function openPause(now: () => number): Pause {
  let beganAtMs = 0;
  let lengthMs = 0;
  return {
    isOver() {
      const passedMs = now() - beganAtMs;
      return passedMs >= lengthMs || passedMs < 0;
    },
    begin(ms) {
      beganAtMs = now();
      lengthMs = ms;
    },
  };
}
