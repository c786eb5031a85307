// How long a supervisor waits for what, in milliseconds; tests shorten it.

export type Timings = {
  probeEveryMs: number;
  /** The longest time for one answer of sqld. */
  probeMs: number;
  /** The longest time from the start of sqld to its first answer; reading a big log takes long. */
  startMs: number;
  /** The longest silence of sqld; it is long because after a kill every replica has to fetch everything again. */
  silentMs: number;
  doorEveryMs: number;
  /** The longest time for one answer of the door; a start anew costs little, so its bounds are short. */
  doorMs: number;
  /** The longest time from the start of the door until it listens. */
  doorStartMs: number;
  /** The longest time for what is under way at the end of the door. */
  doorEndMs: number;
  backoffMinMs: number;
  backoffMaxMs: number;
  keysEveryMs: number;
  certificateEveryMs: number;
};

export const TIMINGS: Timings = {
  probeEveryMs: 2_000,
  probeMs: 3_000,
  startMs: 60_000,
  silentMs: 30_000,
  doorEveryMs: 1_000,
  doorMs: 2_000,
  doorStartMs: 20_000,
  doorEndMs: 10_000,
  backoffMinMs: 25,
  backoffMaxMs: 5_000,
  keysEveryMs: 250,
  certificateEveryMs: 1_000,
};
