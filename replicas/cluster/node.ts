// The process of one node of a cluster: the shop with its own replica, on a port that stays the same.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Child, Children } from "../primary/children.ts";
import { ROOT } from "./folder.ts";

/** The state of a node's process; `down` lasts until `start`. */
type NodeState = "starting" | "ready" | "paused" | "draining" | "down";

/** How nodes are started: the program, and the environment that all nodes share. */
export type NodeSettings = {
  program: readonly string[];
  env: Record<string, string>;
  children: Children;
  say(line: string): void;
};

export type Node = {
  number: number;
  name: string;
  url: string;
  /** `host:port`, as in the edge's list. */
  address: string;
  state(): NodeState;
  pid(): number | undefined;
  /** The time since the node became ready; 0 before that. */
  readyForMs(): number;
  /**
   * Starts the node unless it runs, and waits until it is ready. Throws one sentence with the end of its log when it ends
   * before.
   */
  start(): Promise<void>;
  /** Ends the node after the requests under way. */
  drain(): Promise<void>;
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
};

/** The exit code with which a node asks for a restart. */
const RESTART_EXIT_CODE = 75;
/** Long, because twelve nodes may fetch a big shop at once. */
const READY_MS_MAX = 180_000;
const PROBE_EVERY_MS = 25;
const PROBE_MS = 2_000;
/** A node waits up to 10 s for the requests under way. */
const DRAIN_MS = 15_000;
const LOG_CHARS_SHOWN = 600;

/** Describes a node without starting it. */
export function openNode(number: number, port: number, folder: string, settings: NodeSettings): Node {
  const name = `node-${number}`;
  const address = `127.0.0.1:${port}`;
  const url = `http://${address}`;
  const logPath = join(folder, "log");
  let state: NodeState = "down";
  let child: Child | undefined;
  let readyAtMs: number | undefined;

  const launch = async (): Promise<void> => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    state = "starting";
    const started = settings.children.start(settings.program, {
      cwd: ROOT,
      env: { ...settings.env, ...ownSettings(folder, port) },
      outPath: logPath,
    });
    child = started;
    void started.exited.then((code) => onExit(started, code));
    await untilReady(started, url, () => `${name} did not start: ${endOfLog(logPath)}`);
    if (child !== started || state !== "starting") return;
    state = "ready";
    readyAtMs = performance.now();
  };

  const onExit = (ended: Child, code: number | null) => {
    if (child !== ended) return;
    child = undefined;
    const stateBefore = state;
    state = "down";
    if (stateBefore === "draining") return;
    settings.say(`${name} ${code === null ? "was killed" : `ended with code ${code}`}`);
    if (code === RESTART_EXIT_CODE && stateBefore !== "starting")
      launch().catch((thrown: Error) => settings.say(thrown.message));
  };

  const node: Node = {
    number,
    name,
    url,
    address,
    state: () => state,
    pid: () => child?.pid,
    readyForMs: () => (readyAtMs === undefined ? 0 : performance.now() - readyAtMs),
    async start() {
      if (!child) await launch();
    },
    async drain() {
      if (!child) return;
      node.resume();
      state = "draining";
      await settings.children.end(child, DRAIN_MS);
    },
    async kill() {
      child?.signal("SIGKILL");
      await child?.exited;
    },
    pause() {
      if (state !== "ready") return;
      state = "paused";
      child?.signal("SIGSTOP");
    },
    resume() {
      if (state !== "paused") return;
      child?.signal("SIGCONT");
      state = "ready";
    },
  };
  return node;
}

const ownSettings = (folder: string, port: number): Record<string, string> => ({
  DATA_DIR: folder,
  REPLICA_PATH: join(folder, "replica.db"),
  HOST: "127.0.0.1",
  PORT: String(port),
});

async function untilReady(child: Child, url: string, why: () => string): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX;
  while (performance.now() < deadline) {
    if (!child.isRunning()) throw new Error(why());
    // The node does not listen at first.
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PROBE_MS) }).catch(() => null);
    await answer?.arrayBuffer().catch(() => null);
    if (answer?.status === 200) return;
    await Promise.race([child.exited, Bun.sleep(PROBE_EVERY_MS)]);
  }
  throw new Error(why());
}

function endOfLog(path: string): string {
  const text = readFileSync(path, "utf8").trimEnd().slice(-LOG_CHARS_SHOWN);
  return text === "" ? `its log is empty (${path})` : text;
}
