// The supervisor's side of the door: starts its process, hands it what it must know, and starts another when it ended or is silent.
import { join } from "node:path";
import { must } from "../../db/must.ts";
import type { Child, Children } from "./children.ts";
import { type DoorMessage, LISTENING, type SqldLife, type Tls } from "./door/messages.ts";
import { notePid } from "./leftovers.ts";
import type { Health } from "./probe.ts";
import { openStop, repeat, type Stop, watch } from "./supervision.ts";
import type { Timings } from "./timings.ts";
import { asUser, type User } from "./users.ts";

/** What the door is let in by; see `DoorMessage`. */
export type DoorKeys = DoorMessage & { kind: "keys" };

type DoorProcessOptions = {
  data: string;
  listen: string;
  tls: Tls | null;
  children: Children;
  timings: Timings;
  user: User | undefined;
  /** The program of the door. */
  program: readonly string[];
  say(line: string): void;
};

export type DoorProcess = {
  /** Its pid; undefined while it does not listen. */
  pid(): number | undefined;
  /** Resolves when it listens for the first time. */
  ready: Promise<void>;
  /** Resolves when it is stopped; rejects when its process cannot be started. */
  ended: Promise<void>;
  /** Starts it and keeps it running; a second call does nothing. */
  start(): void;
  keys(keys: DoorKeys): void;
  sqld(life: SqldLife): void;
  gone(): void;
  /** Replaces it, in order, by one with this certificate; does nothing where it has it already. */
  renew(tls: Tls): void;
  kill(): void;
  /** Lets it finish what is under way. Never rejects. */
  stop(): Promise<void>;
};

/** The process, and what each new one must know. */
type Supervised = {
  child: Child | undefined;
  isListening: boolean;
  tls: Tls | null;
  keys: DoorKeys | undefined;
  life: SqldLife | undefined;
  stop: Stop;
};

/** The program of a real door. */
export const DOOR_PROGRAM = [process.execPath, "--no-env-file", join(import.meta.dir, "door", "command.ts")];

const MISSES_MAX = 3;

/** Prepares a door; it knows its keys before it is started. */
export function openDoorProcess(options: DoorProcessOptions): DoorProcess {
  const self: Supervised = {
    child: undefined,
    isListening: false,
    tls: options.tls,
    keys: undefined,
    life: undefined,
    stop: openStop(),
  };
  const [ready, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let isStarted = false;
  const tell = (message: DoorMessage) => send(self.child, message);
  const end = async () => {
    const { child } = self;
    if (!child) return;
    tell({ kind: "end" });
    await endWithin(child, options.timings.doorEndMs);
  };
  return {
    pid: () => (self.isListening ? self.child?.pid : undefined),
    ready: ready.promise,
    ended: ended.promise,
    start() {
      if (isStarted) return;
      isStarted = true;
      const run = () => runOnce(self, options, ready.resolve);
      repeat(run, self.stop, options.timings).then(ended.resolve, ended.reject);
    },
    keys(keys) {
      self.keys = keys;
      tell(keys);
    },
    sqld(life) {
      self.life = life;
      tell({ kind: "sqld", ...life });
    },
    gone() {
      self.life = undefined;
      tell({ kind: "gone" });
    },
    renew(tls) {
      if (self.tls?.cert === tls.cert && self.tls.key === tls.key) return;
      self.tls = tls;
      void end();
    },
    kill: () => self.child?.signal("SIGKILL"),
    async stop() {
      self.stop.stop();
      await end();
      if (isStarted) await ended.promise.catch(() => {});
    },
  };
}

/** Runs the door once. */
async function runOnce(self: Supervised, options: DoorProcessOptions, onFirst: () => void): Promise<number> {
  const { data, listen, timings } = options;
  // The last word tells a supervisor after this one whose door it is.
  const child = options.children.start([...asUser(options.user), ...options.program, data], {
    cwd: import.meta.dir,
    env: { NO_COLOR: "1" },
    takesLines: true,
  });
  self.child = child;
  notePid(data, "door", child.pid);
  for (const stream of child.output)
    void readLines(stream, (line) => {
      if (line === LISTENING) self.isListening = self.child === child;
      else options.say(`door: ${line}`);
    });
  const { tls } = self;
  send(child, { kind: "open", listen, tls });
  send(child, must(self.keys, "the keys of the door"));
  if (self.life) send(child, { kind: "sqld", ...self.life });
  let upAtMs = 0;
  const why = await watch(child, {
    everyMs: timings.doorEveryMs,
    startMs: timings.doorStartMs,
    silentMs: Number.POSITIVE_INFINITY,
    missesMax: MISSES_MAX,
    isSuspended: () => self.stop.isStopping() || self.tls !== tls,
    probe: async () =>
      self.isListening
        ? await healthOf(urlOf(nearest(listen), tls), timings.doorMs)
        : { ok: false, why: "it does not listen", isSilent: true },
    onUp() {
      upAtMs = performance.now();
      onFirst();
    },
  });
  self.child = undefined;
  self.isListening = false;
  if (self.tls !== tls) options.say("the door has another certificate and is restarted");
  else if (!self.stop.isStopping()) options.say(`door ${why} and is restarted`);
  return upAtMs;
}

/** The URL of the door at this address. */
export const urlOf = (listen: string, tls: unknown): string => `${tls ? "https" : "http"}://${listen}`;

/** The address by which this machine reaches a door that listens on all of its addresses. */
const nearest = (listen: string): string =>
  listen.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");

async function healthOf(url: string, deadlineMs: number): Promise<Health> {
  try {
    const response = await fetch(`${url}/health`, {
      keepalive: false,
      signal: AbortSignal.timeout(deadlineMs),
      // Nothing secret is sent, and the name in the certificate need not be this address.
      tls: { rejectUnauthorized: false },
    });
    await response.arrayBuffer();
    // Also 503 while sqld does not run.
    return { ok: true };
  } catch (thrown) {
    const isLate = thrown instanceof Error && thrown.name === "TimeoutError";
    return {
      ok: false,
      why: isLate ? `no answer in ${deadlineMs} ms` : "it does not answer",
      isSilent: false,
    };
  }
}

const send = (child: Child | undefined, message: DoorMessage): void => child?.send(JSON.stringify(message));

async function endWithin(child: Child, msMax: number): Promise<void> {
  const killing = setTimeout(() => child.signal("SIGKILL"), msMax);
  await child.exited;
  clearTimeout(killing);
}

async function readLines(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = must(lines.pop(), "the last line");
    for (const line of lines) onLine(line);
  }
}
