// A load generator: sends at a fixed rate or as fast as responses come, and counts every response.
import { type HttpResponse, statusOf } from "./client.ts";
import { openTimes, type Times } from "./times.ts";

type LoadOptions = {
  /** Sends the request of this number, counted from 0. */
  send(number: number): Promise<HttpResponse>;
  /** Requests a second; `null`: each request follows the response to the one before. */
  rate: number | null;
  /** Requests in flight at most. At a rate, later requests wait, and their waiting counts as response time. */
  concurrency: number;
  windowMs?: number;
};

/** The requests that were due in a stretch of time; times run from when a request was due to its response. */
export type Window = { startsAt: number; times: Times; failed: number };

/** Counts so far; `statuses` holds statuses as text, and failures by name. */
export type Report = {
  sent: number;
  responses: number;
  statuses: Record<string, number>;
  /** Responses of 500 and above, and requests without a response. */
  failed: number;
  times: Times;
  windows: Window[];
  /** From the start to the last response. */
  seconds: number;
};

export type Load = {
  report(): Report;
  /** Sends nothing more and waits for what is in flight. */
  stop(): Promise<Report>;
};

const WINDOW_MS = 250;
const TICK_MS = 1;
const FAILURE_STATUS_MIN = 500;
const CAPACITY_MS = 2_000;

/** Whether the shop failed: no response, or a status of 500 and above. */
export const isFailure = ({ status }: HttpResponse): boolean => status === 0 || status >= FAILURE_STATUS_MIN;

/** Starts to send. */
export function openLoad({ send, rate, concurrency, windowMs = WINDOW_MS }: LoadOptions): Load {
  const counts = openCounts(windowMs);
  let isStopping = false;
  let sent = 0;
  let inFlight = 0;
  const idle = Promise.withResolvers<void>();

  const sendOne = async (dueAt: number): Promise<void> => {
    const number = sent;
    sent += 1;
    inFlight += 1;
    const response = await send(number);
    inFlight -= 1;
    counts.add(response, dueAt);
    if (isStopping && inFlight === 0) idle.resolve();
  };
  const sendInTurn = async (): Promise<void> => {
    while (!isStopping) await sendOne(performance.now());
  };
  const keepRate = async (perMs: number): Promise<void> => {
    const startedAt = performance.now();
    while (!isStopping) {
      const due = (performance.now() - startedAt) * perMs;
      while (sent < due && inFlight < concurrency && !isStopping) void sendOne(startedAt + sent / perMs);
      await Bun.sleep(TICK_MS);
    }
  };
  if (rate === null) for (let lane = 0; lane < concurrency; lane += 1) void sendInTurn();
  else void keepRate(rate / 1_000);

  const report = (): Report => ({ sent, ...counts.report() });
  return {
    report,
    async stop() {
      isStopping = true;
      if (inFlight > 0) await idle.promise;
      return report();
    },
  };
}

/** Sends as fast as responses come for two seconds; returns the responses per second. */
export async function capacityOf(send: LoadOptions["send"], concurrency: number): Promise<number> {
  const load = openLoad({ send, rate: null, concurrency });
  await Bun.sleep(CAPACITY_MS);
  const { responses, seconds } = await load.stop();
  return responses / seconds;
}

function openCounts(windowMs: number) {
  const startedAt = performance.now();
  const windows = new Map<number, Window>();
  const statuses: Record<string, number> = {};
  const times = openTimes();
  let failed = 0;
  let lastAt = startedAt;
  return {
    add(response: HttpResponse, dueAt: number): void {
      lastAt = performance.now();
      const ms = lastAt - dueAt;
      times.add(ms);
      const name = statusOf(response);
      statuses[name] = (statuses[name] ?? 0) + 1;
      const number = Math.max(0, Math.floor((dueAt - startedAt) / windowMs));
      const startsAt = startedAt + number * windowMs;
      const window = windows.get(number) ?? { startsAt, times: openTimes(), failed: 0 };
      windows.set(number, window);
      window.times.add(ms);
      if (!isFailure(response)) return;
      failed += 1;
      window.failed += 1;
    },
    report: () => ({
      responses: times.count(),
      statuses: { ...statuses },
      failed,
      times,
      windows: [...windows.values()].sort((a, b) => a.startsAt - b.startsAt),
      seconds: (lastAt - startedAt) / 1_000,
    }),
  };
}

/** Statuses as text, such as `200: 1,204, 503: 3`. */
export const statusesText = (statuses: Record<string, number>): string =>
  Object.entries(statuses)
    .map(([name, count]) => `${name}: ${count.toLocaleString("en")}`)
    .join(", ");

/** Every status but 2xx, and every failure, such as `503: 3`; empty when there was none. */
export const errorsText = ({ statuses }: Report): string =>
  statusesText(Object.fromEntries(Object.entries(statuses).filter(([name]) => !/^2\d\d$/.test(name))));

/** Runs the work for each item, at most `concurrency` at a time. */
export async function inParallel<T>(
  items: Iterable<T>,
  concurrency: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  const lane = async () => {
    for (let next = left.next(); !next.done; next = left.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}
