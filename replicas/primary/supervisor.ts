// Keeps a primary running: checks the dataset before each start, asks for the write lock every few seconds, and starts sqld
// again when it died or answers no more.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Child, Children } from "./children.ts";
import { checkDataset, type Folders } from "./dataset.ts";
import { makeToken, readKeys } from "./keys.ts";
import { lockFolder } from "./lock.ts";
import { type Health, probe } from "./probe.ts";
import { startSqld } from "./sqld.ts";

/** Times in milliseconds; the defaults are what a shop runs with. */
export type Timings = {
  probeEveryMs: number;
  /** One answer may take this long. */
  probeMs: number;
  /** From the start to the first answer; a big log takes time. */
  startMs: number;
  /** One that answers nothing at all is given this long: starting it again would make every replica fetch everything anew. */
  silentMs: number;
  backoffMinMs: number;
  backoffMaxMs: number;
};

const TIMINGS: Timings = {
  probeEveryMs: 2_000,
  probeMs: 3_000,
  startMs: 60_000,
  silentMs: 30_000,
  backoffMinMs: 25,
  backoffMaxMs: 5_000,
};
const MISSES_MAX = 2;
const START_PROBE_EVERY_MS = 20;
/** sqld gives its own connections up to 30 s. */
const STOP_MS = 35_000;
/** Whoever dies sooner than this after its first answer is started again later and later. */
const STABLE_MS = 1_000;
const LEFTOVER_MS = 5_000;
const PID_FILE = "sqld.pid";

/** What a primary does now. */
export type PrimaryState = "starting" | "up" | "paused" | "stopped";

/** A supervised primary; `listen` is `host:port`. */
export type PrimaryOptions = Folders & {
  listen: string;
  children: Children;
  say(line: string): void;
  timings?: Partial<Timings>;
};

export type Primary = {
  url: string;
  /** Of sqld itself; undefined between two lives. */
  pid(): number | undefined;
  state(): PrimaryState;
  /** Resolves when it could write for the first time. */
  ready: Promise<void>;
  /** Resolves when it is stopped; rejects with one sentence when it may not be started again. */
  ended: Promise<void>;
  /** Ends this life of sqld at once; another begins. */
  kill(): void;
  /** Freezes sqld, and does not count that as a miss. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
};

/** What a supervisor knows of its sqld from one life to the next. */
type Supervised = {
  state: PrimaryState;
  child: Child | undefined;
  isStopping: boolean;
  /** The question that is out. */
  probing: Promise<unknown>;
  ready: PromiseWithResolvers<void>;
  stopping: PromiseWithResolvers<void>;
};

/** Starts a primary and stays with it; throws one sentence when the folders are not those of one dataset, or in use. */
export function openPrimary(options: PrimaryOptions): Primary {
  const lock = lockFolder(options.data);
  if (!lock) throw new Error(`${options.data} is in use: a primary runs on it already`);
  const self: Supervised = {
    state: "starting",
    child: undefined,
    isStopping: false,
    probing: Promise.resolve(),
    ready: Promise.withResolvers<void>(),
    stopping: Promise.withResolvers<void>(),
  };
  const ended = run(self, options).finally(() => {
    self.state = "stopped";
    rmSync(join(options.data, PID_FILE), { force: true });
    lock.release();
  });
  // Whoever waits for the first answer learns that there will be none.
  ended.then(
    () => self.ready.reject(new Error("the primary was stopped before it answered")),
    (thrown) => self.ready.reject(thrown),
  );
  self.ready.promise.catch(() => {});

  return {
    url: urlOf(options),
    pid: () => self.child?.pid,
    state: () => self.state,
    ready: self.ready.promise,
    ended,
    kill: () => self.child?.signal("SIGKILL"),
    pause() {
      if (self.state !== "up") return;
      self.state = "paused";
      self.child?.signal("SIGSTOP");
    },
    resume() {
      if (self.state !== "paused") return;
      self.child?.signal("SIGCONT");
      self.state = "up";
    },
    async stop() {
      if (self.child && self.state === "paused") self.child.signal("SIGCONT");
      self.isStopping = true;
      self.stopping.resolve();
      // A question that meets sqld while it closes opens the database once more, and the log is left dirty.
      await self.probing;
      if (self.child) await options.children.end(self.child, STOP_MS);
      await ended.catch(() => {});
    },
  };
}

const urlOf = ({ listen }: PrimaryOptions): string => `http://${listen}`;

/** One life after the other, until it is stopped; rejects when the folders are no longer those of one dataset. */
async function run(self: Supervised, options: PrimaryOptions): Promise<void> {
  const timings = { ...TIMINGS, ...options.timings };
  await endLeftover(options.data);
  for (let backoffMs = timings.backoffMinMs; !self.isStopping; ) {
    const wasStable = await runOnce(self, options, timings);
    if (wasStable) backoffMs = timings.backoffMinMs;
    await sleep(backoffMs, self.stopping.promise);
    backoffMs = Math.min(backoffMs * 2, timings.backoffMaxMs);
  }
}

/** One life of sqld; true when it was a good one. */
async function runOnce(self: Supervised, options: PrimaryOptions, timings: Timings): Promise<boolean> {
  checkDataset(options);
  const keys = readKeys(options.keys);
  self.state = "starting";
  const child = startSqld(options.children, { ...options, publicKeyPath: keys.publicPath }, (line) =>
    options.say(`sqld: ${line}`),
  );
  self.child = child;
  writeFileSync(join(options.data, PID_FILE), String(child.pid));
  let upAtMs = 0;
  const token = makeToken(keys, { kind: "write" }, Date.now());
  const why = await watch(child, timings, {
    isSuspended: () => self.state === "paused" || self.isStopping,
    probe() {
      const probing = probe(urlOf(options), token, timings.probeMs);
      self.probing = probing;
      return probing;
    },
    onUp() {
      upAtMs = performance.now();
      if (self.state === "starting") self.state = "up";
      self.ready.resolve();
    },
  });
  self.child = undefined;
  self.state = "starting";
  if (!self.isStopping) options.say(`sqld ${why}: it is started again`);
  return upAtMs > 0 && performance.now() - upAtMs > STABLE_MS;
}

type WatchOptions = { isSuspended(): boolean; probe(): Promise<Health>; onUp(): void };

/** Resolves with the reason when the child's life is over; ends it where it does not answer. */
async function watch(child: Child, timings: Timings, options: WatchOptions): Promise<string> {
  const died = child.exited.then((code) => (code === null ? "was killed" : `ended with code ${code}`));
  let [misses, lastGoodMs, isUp] = [0, performance.now(), false];
  while (child.isRunning()) {
    const health = options.isSuspended() ? undefined : await options.probe();
    if (!child.isRunning()) break;
    const nowMs = performance.now();
    // A pause that began while the question was out is no miss either.
    if (!health || health.ok || options.isSuspended()) {
      [misses, lastGoodMs] = [0, nowMs];
      if (health?.ok && !isUp) {
        isUp = true;
        options.onUp();
      }
    } else {
      if (isUp && !health.isSilent) misses += 1;
      const silentMs = isUp ? timings.silentMs : timings.startMs;
      if (misses >= MISSES_MAX || nowMs - lastGoodMs > silentMs) {
        child.signal("SIGKILL");
        await child.exited;
        return `did not answer (${health.why})`;
      }
    }
    await sleep(isUp ? timings.probeEveryMs : START_PROBE_EVERY_MS, died);
  }
  return died;
}

/** Waits so long, or until something happens; no timer is left behind to keep the process. */
async function sleep(ms: number, event: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, event]);
  clearTimeout(timer);
}

/** A server of an earlier life that nobody ended would write the same file. */
async function endLeftover(data: string): Promise<void> {
  const path = join(data, PID_FILE);
  const pid = Number(textOf(path));
  if (!(pid > 1) || !commandOf(pid).includes(resolve(data))) return;
  process.kill(pid, "SIGKILL");
  const deadline = performance.now() + LEFTOVER_MS;
  while (commandOf(pid).includes(resolve(data)) && performance.now() < deadline)
    await Bun.sleep(START_PROBE_EVERY_MS);
}

const commandOf = (pid: number): string =>
  Bun.spawnSync(["ps", "-o", "args=", "-p", String(pid)]).stdout.toString();

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
