// The arithmetic of the pace: how far apart releases of held requests are, from how long nodes take until they ask again.

/** What the pace knows. Times are milliseconds of one clock. */
export type Pace = {
  /** When frames went out last; `-Infinity` before. */
  deliveredAtMs: number;
  /** How long nodes take from a release to their next request, smoothed; 0 before the first. */
  turnaroundMs: number;
  /** About how many replicas there are. */
  replicas: number;
  /** When a node said last that a client waits for a version; `-Infinity` before. */
  wishedAtMs: number;
};

/** Where replicas share a machine they are busy with a release for two thirds of the gap, so that nodes also answer their clients. */
const GAP_TURNAROUNDS = 1.5;
/** For each replica, while commits keep coming: a release costs every node and the door something however few pages it has. */
const GAP_MS_MIN_EACH = 3.5;
/** How fast replicas that do not come back are forgotten, at each release. */
const FORGOTTEN_SHARE = 0.1;
/** Ten releases a second take twelve nodes half a core; fewer would save little, because a later release has more pages. */
const GAP_MS_MAX = 100;
/** A node that a client waits at is let go within this time. */
const WISHED_GAP_MS_MAX = 50;
/** A client waits at most this long; so long the node that said so may need a release. */
const WISH_MS = 300;
const SMOOTHING = 0.2;

/** The pace before the first release. */
export const PACE_AT_START: Pace = {
  deliveredAtMs: -Infinity,
  turnaroundMs: 0,
  replicas: 0,
  wishedAtMs: -Infinity,
};

/** The gap between two releases, in milliseconds. */
export function gapMs({ turnaroundMs, replicas, wishedAtMs }: Pace, nowMs: number): number {
  const gap = Math.min(Math.max(GAP_TURNAROUNDS * turnaroundMs, GAP_MS_MIN_EACH * replicas), GAP_MS_MAX);
  return nowMs < wishedAtMs + WISH_MS ? Math.min(gap, WISHED_GAP_MS_MAX) : gap;
}

/** How long the next release waits from now on: 0 where the last one was long enough ago. */
export const msUntilRelease = (pace: Pace, nowMs: number): number =>
  Math.max(0, pace.deliveredAtMs + gapMs(pace, nowMs) - nowMs);

/** The pace after a node came back `sampleMs` after its release. */
export function withTurnaround(pace: Pace, sampleMs: number): Pace {
  const sample = Math.min(sampleMs, GAP_MS_MAX);
  const before = pace.turnaroundMs;
  return { ...pace, turnaroundMs: before === 0 ? sample : before + SMOOTHING * (sample - before) };
}

/** The pace when so many requests are let go; replicas that are on their way are not among them. */
export const withRelease = (pace: Pace, released: number): Pace => ({
  ...pace,
  replicas: Math.max(released, pace.replicas * (1 - FORGOTTEN_SHARE)),
});
