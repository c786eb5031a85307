// Load for a drill: at a given rate whatever the answers take, or as fast as they come; everything is counted.
import type { Answer } from "./client.ts";
import { type Histogram, openHistogram } from "./histogram.ts";

export type LoadOptions = {
  /** Sends the request of this number, counted from 0. */
  send(number: number): Promise<Answer>;
  /** Requests a second; `null`: each lane sends its next one when the last was answered. */
  rate: number | null;
  /** Requests under way at most; at a rate, those that are due meanwhile wait, and their waiting counts. */
  lanes: number;
  /** Length of a window, in milliseconds. */
  windowMs?: number;
  /** Sees every answer as it comes; `dueAt` on the clock of `performance.now()`. */
  onAnswer?(answer: Answer, dueAt: number): void;
};

/** What was due in a while: times from when a request was due until it was answered. */
export type Window = { startsAt: number; times: Histogram; count: number; bad: number };

/** Counts so far; `statuses` holds statuses as text, and failures by their names. */
export type Report = {
  sent: number;
  answered: number;
  statuses: Record<string, number>;
  /** Answers of 500 and above, and requests without one. */
  bad: number;
  times: Histogram;
  windows: Window[];
  /** From the start to the last answer. */
  seconds: number;
};

export type Load = {
  report(): Report;
  /** Sends nothing more and waits for what is under way. */
  stop(): Promise<Report>;
};

const WINDOW_MS = 250;
const TICK_MS = 1;
const FIRST_BAD_STATUS = 500;
const CAPACITY_SECONDS = 2;

/** Whether a client would call it an error of the shop. */
export const isBad = ({ status }: Answer): boolean => status === 0 || status >= FIRST_BAD_STATUS;

/** Starts to send. */
export function openLoad({ send, rate, lanes, windowMs = WINDOW_MS, onAnswer }: LoadOptions): Load {
  const tally = openTally(windowMs);
  let isStopping = false;
  let sent = 0;
  let underway = 0;
  const idle = Promise.withResolvers<void>();

  const one = async (dueAt: number): Promise<void> => {
    const number = sent;
    sent += 1;
    underway += 1;
    const answer = await send(number);
    underway -= 1;
    tally.add(answer, dueAt);
    onAnswer?.(answer, dueAt);
    if (isStopping && underway === 0) idle.resolve();
  };
  const lane = async (): Promise<void> => {
    while (!isStopping) await one(performance.now());
  };
  const keepRate = async (perMs: number): Promise<void> => {
    const startedAt = performance.now();
    while (!isStopping) {
      const due = (performance.now() - startedAt) * perMs;
      while (sent < due && underway < lanes && !isStopping) void one(startedAt + sent / perMs);
      await Bun.sleep(TICK_MS);
    }
  };
  if (rate === null) for (let at = 0; at < lanes; at += 1) void lane();
  else void keepRate(rate / 1_000);

  const report = (): Report => ({ sent, ...tally.report() });
  return {
    report,
    async stop() {
      isStopping = true;
      if (underway > 0) await idle.promise;
      return report();
    },
  };
}

/** Sends as fast as answers come for two seconds, and returns how many a second came. */
export async function capacityOf(
  send: LoadOptions["send"],
  lanes: number,
  seconds = CAPACITY_SECONDS,
): Promise<number> {
  const load = openLoad({ send, rate: null, lanes });
  await Bun.sleep(seconds * 1_000);
  const { answered, seconds: took } = await load.stop();
  return answered / took;
}

function openTally(windowMs: number) {
  const startedAt = performance.now();
  const windows = new Map<number, Window>();
  const statuses: Record<string, number> = {};
  const times = openHistogram();
  let [bad, lastAt] = [0, startedAt];
  return {
    add(answer: Answer, dueAt: number): void {
      lastAt = performance.now();
      const ms = lastAt - dueAt;
      times.add(ms);
      const name = answer.failure ?? String(answer.status);
      statuses[name] = (statuses[name] ?? 0) + 1;
      const number = Math.max(0, Math.floor((dueAt - startedAt) / windowMs));
      const window = windows.get(number) ?? newWindow(startedAt + number * windowMs);
      windows.set(number, window);
      window.times.add(ms);
      window.count += 1;
      if (!isBad(answer)) return;
      bad += 1;
      window.bad += 1;
    },
    report: () => ({
      answered: times.count(),
      statuses: { ...statuses },
      bad,
      times,
      windows: [...windows.values()].sort((a, b) => a.startsAt - b.startsAt),
      seconds: (lastAt - startedAt) / 1_000,
    }),
  };
}

const newWindow = (startsAt: number): Window => ({ startsAt, times: openHistogram(), count: 0, bad: 0 });

/** Statuses in words, such as `200: 1,204, 503: 3`. */
export const statusesText = (statuses: Record<string, number>): string =>
  Object.entries(statuses)
    .map(([name, count]) => `${name}: ${count.toLocaleString("en")}`)
    .join(", ");
