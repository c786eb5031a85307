// The pause of a node between two syncs: short while changes come, longer while none do.

/** The pause grows to this while no changes come. */
const IDLE_PAUSE_MS = 200;
const PAUSE_GROWTH = 1.5;

/**
 * The pause in milliseconds after a sync; `before` is the pause before that sync, `pauseMs` the pause while changes come, which
 * may be longer than the idle one.
 */
export const pauseAfter = (hasNews: boolean, before: number, pauseMs: number): number =>
  hasNews ? pauseMs : Math.min(before * PAUSE_GROWTH, Math.max(IDLE_PAUSE_MS, pauseMs));
