// The supervisor's side of sqld: checks the dataset before each start, probes the write lock, and restarts sqld when it ended or hangs.
import { freePort, isFree } from "../../db/ports.ts";
import type { Child, Children } from "./children.ts";
import { checkDataset, type Folders } from "./dataset.ts";
import type { SqldLife } from "./door/messages.ts";
import { notePid } from "./leftovers.ts";
import { probe } from "./probe.ts";
import { endSqld, startSqld } from "./sqld.ts";
import { openStop, repeat, type Stop, watch } from "./supervision.ts";
import type { Timings } from "./timings.ts";
import type { User } from "./users.ts";

/** The state of sqld. */
export type SqldState = "starting" | "up" | "paused" | "stopped";

type SqldProcessOptions = Folders & {
  children: Children;
  timings: Timings;
  user: User | undefined;
  say(line: string): void;
  /** Called at each start, once the dataset is known to be the right one. */
  onStart(): void;
  /** Called when sqld can write. */
  onUp(life: SqldLife): void;
  /** Called when sqld has ended. */
  onGone(): void;
};

export type SqldProcess = {
  pid(): number | undefined;
  state(): SqldState;
  /** Its address and tokens; undefined while it does not run. */
  life(): SqldLife | undefined;
  /** Starts it and keeps it running. */
  start(): void;
  /** Resolves when it is stopped; rejects with one sentence when it may not be started again. */
  ended: Promise<void>;
  kill(): void;
  pause(): void;
  resume(): void;
  /** Ends it in order, so that its log stays. Never rejects. */
  stop(): Promise<void>;
};

/** What is known of sqld from one run to the next. */
type Supervised = {
  state: SqldState;
  child: Child | undefined;
  life: SqldLife | undefined;
  port: number | undefined;
  /** The probe that is under way. */
  probing: Promise<unknown>;
  stop: Stop;
};

const MISSES_MAX = 2;
/** sqld ends within its shutdown timeout of 2 s, or later on a disk that is slow to store its log. */
const STOP_MS = 20_000;

/** Prepares sqld. */
export function openSqldProcess(options: SqldProcessOptions): SqldProcess {
  const self: Supervised = {
    state: "starting",
    child: undefined,
    life: undefined,
    port: undefined,
    probing: Promise.resolve(),
    stop: openStop(),
  };
  const ended = Promise.withResolvers<void>();
  let isStarted = false;
  return {
    pid: () => self.child?.pid,
    state: () => self.state,
    life: () => self.life,
    start() {
      isStarted = true;
      repeat(() => runOnce(self, options), self.stop, options.timings)
        .finally(() => {
          self.state = "stopped";
        })
        .then(ended.resolve, ended.reject);
    },
    ended: ended.promise,
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
      self.stop.stop();
      // A probe that reaches sqld while it closes would open the database again and leave the log dirty.
      await self.probing;
      if (self.child) await endSqld(self.child, options.children, STOP_MS);
      if (isStarted) await ended.promise.catch(() => {});
    },
  };
}

/** Runs sqld once. Rejects when data and keys no longer belong together. */
async function runOnce(self: Supervised, options: SqldProcessOptions): Promise<number> {
  const { data, user, timings } = options;
  checkDataset(options, user);
  self.state = "starting";
  // The same port again where it is free: each process has a limited number of them.
  self.port = self.port !== undefined && isFree(self.port) ? self.port : freePort();
  const { child, life } = startSqld(options.children, { data, port: self.port, user }, (line) =>
    options.say(`sqld: ${line}`),
  );
  self.child = child;
  self.life = life;
  notePid(data, "sqld", child.pid);
  options.onStart();
  let upAtMs = 0;
  const why = await watch(child, {
    everyMs: timings.probeEveryMs,
    startMs: timings.startMs,
    silentMs: timings.silentMs,
    missesMax: MISSES_MAX,
    isSuspended: () => self.state === "paused" || self.stop.isStopping(),
    probe() {
      const probing = probe(life.url, life.writeToken, timings.probeMs);
      self.probing = probing;
      return probing;
    },
    onUp() {
      upAtMs = performance.now();
      if (self.state === "starting") self.state = "up";
      options.onUp(life);
    },
  });
  self.child = undefined;
  self.life = undefined;
  self.state = "starting";
  options.onGone();
  if (!self.stop.isStopping()) options.say(`sqld ${why} and is restarted`);
  return upAtMs;
}
