// Keeps a primary running: checks the dataset before each start, probes the write lock every two seconds, and restarts sqld
// when it ended or hangs.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Child, Children } from "./children.ts";
import { checkDataset, type Folders } from "./dataset.ts";
import { makeToken, readKeys, TOKEN_DAYS_MAX } from "./keys.ts";
import { lockFolder } from "./lock.ts";
import { type Health, probe } from "./probe.ts";
import { endSqld, startSqld } from "./sqld.ts";

/** Times in milliseconds; tests shorten them. */
export type Timings = {
  probeEveryMs: number;
  /** The longest time for one answer. */
  probeMs: number;
  /** The longest time from the start to the first answer; reading a big log takes long. */
  startMs: number;
  /** The longest silence; it is long because after a kill every replica has to fetch everything again. */
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
/** sqld ends within its shutdown timeout of 2 s, or later on a disk that is slow to store its log. */
const STOP_MS = 20_000;
/** sqld that ends sooner than this after its first answer is restarted with a growing delay. */
const STABLE_MS = 1_000;
const LEFTOVER_MS = 5_000;
const PID_FILE = "sqld.pid";

/** The state of a primary. */
type PrimaryState = "starting" | "up" | "paused" | "stopped";

/** A supervised primary; `listen` is `host:port`. */
type PrimaryOptions = Folders & {
  listen: string;
  children: Children;
  say(line: string): void;
  timings?: Partial<Timings>;
};

export type Primary = {
  url: string;
  /** The pid of sqld; undefined while it does not run. */
  pid(): number | undefined;
  state(): PrimaryState;
  /** Resolves when the primary can write for the first time; rejects when it ends before. */
  ready: Promise<void>;
  /** Resolves when the primary is stopped; rejects with one sentence when sqld may not be started again. */
  ended: Promise<void>;
  /** Kills sqld, which is then restarted. */
  kill(): void;
  /** Freezes sqld without restarting it. */
  pause(): void;
  resume(): void;
  /** Ends sqld in order, so that its log stays. Never rejects. */
  stop(): Promise<void>;
};

/** What a supervisor knows of sqld from one run to the next. */
type Supervised = {
  state: PrimaryState;
  child: Child | undefined;
  isStopping: boolean;
  /** The probe that is under way. */
  probing: Promise<unknown>;
  ready: PromiseWithResolvers<void>;
  stopping: PromiseWithResolvers<void>;
};

/** Starts a primary and keeps it running. Throws one sentence when the data folder is in use. */
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
  // There will be no first answer any more.
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
      // A probe that reaches sqld while it closes would open the database again and leave the log dirty.
      await self.probing;
      if (self.child) await endSqld(self.child, options.children, STOP_MS);
      await ended.catch(() => {});
    },
  };
}

const urlOf = ({ listen }: PrimaryOptions): string => `http://${listen}`;

/** Runs sqld again and again until it is stopped. Rejects when data and keys no longer belong together. */
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

/** Runs sqld once. Resolves with whether the run was a stable one. */
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
  const hasNewKeys = () => keysChanged(options.keys, keys);
  const token = makeToken(keys, { kind: "write", days: TOKEN_DAYS_MAX }, Date.now());
  const why = await watch(child, timings, {
    hasNewKeys,
    end: () => endSqld(child, options.children, STOP_MS),
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
  if (!self.isStopping) options.say(`sqld ${why} and is restarted`);
  return upAtMs > 0 && performance.now() - upAtMs > STABLE_MS;
}

type WatchOptions = {
  isSuspended(): boolean;
  hasNewKeys(): boolean;
  /** Ends the child in order. */
  end(): Promise<void>;
  probe(): Promise<Health>;
  onUp(): void;
};

/** Whether the folder now has other public keys, and is whole: sqld reads them at its start only. */
function keysChanged(folder: string, { accepted, datasetId }: ReturnType<typeof readKeys>): boolean {
  try {
    const now = readKeys(folder);
    return now.accepted !== accepted && now.datasetId === datasetId;
  } catch {
    // Half a folder is no reason to stop a primary that runs; its next start says what is wrong.
    return false;
  }
}

/** Resolves with the reason when the child has ended; kills a child that hangs. */
async function watch(child: Child, timings: Timings, options: WatchOptions): Promise<string> {
  const died = child.exited.then((code) => (code === null ? "was killed" : `ended with code ${code}`));
  let [misses, lastGoodMs, isUp] = [0, performance.now(), false];
  while (child.isRunning()) {
    if (!options.isSuspended() && options.hasNewKeys()) {
      await options.end();
      return "has new keys";
    }
    const health = options.isSuspended() ? undefined : await options.probe();
    if (!child.isRunning()) break;
    const nowMs = performance.now();
    // A pause that began during the probe is no miss either.
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

/** Waits `ms`, or until the event; leaves no timer behind that would keep the process alive. */
async function sleep(ms: number, event: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, event]);
  clearTimeout(timer);
}

/** Kills an sqld that an earlier supervisor left behind, because it would write the same file. */
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
