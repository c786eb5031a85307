// The edge of a cluster: NGINX with the shipped configuration, generated from the list of nodes.
import { mkdtempSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Child, Children } from "../primary/children.ts";
import { type ClusterFolder, ROOT } from "./folder.ts";

/** The edge's ports and folder. */
type EdgeOptions = { port: number; statusPort: number; folder: ClusterFolder; children: Children };

export type Edge = {
  url: string;
  pid(): number | undefined;
  /** Starts NGINX with this list unless it runs, and waits until it answers. Throws one sentence when it does not start. */
  start(addresses: readonly string[]): Promise<void>;
  /** Writes the configuration for this list, without a reload. Throws one sentence when it cannot be generated. */
  write(addresses: readonly string[]): void;
  /** Writes the configuration and reloads NGINX. Throws one sentence when NGINX refuses it. */
  reload(addresses: readonly string[]): void;
  /** Whether NGINX was last loaded with this node. */
  knows(address: string): boolean;
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
  /** Ends NGINX after the requests under way. */
  stop(): Promise<void>;
};

const ANSWER_MS_MAX = 10_000;
const PROBE_EVERY_MS = 10;
const STOP_MS = 5_000;
/** Folders of NGINX that are usually missing in `PATH`. */
export const NGINX_PATHS = "/usr/sbin:/usr/local/sbin:/opt/homebrew/bin";

/** The path of nginx, looked for in this `PATH` and the usual folders; null where it is not installed. */
export const findNginx = (path: string): string | null =>
  Bun.which("nginx", { PATH: `${path}:${NGINX_PATHS}` });

/** Small, because twelve nodes share the machine's memory. */
const CACHE_BYTES = "128m";
/** Where Linux keeps files in memory, and the free bytes there that the cache may take a part of. */
const MEMORY = "/dev/shm";
const MEMORY_BYTES_MIN = 512 * 1024 * 1024;

/** Whether files fit into the machine's memory: a cache on a disk slows down when many entries are replaced. */
function hasMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= MEMORY_BYTES_MIN;
  } catch {
    // Another system, or one without files in memory.
    return false;
  }
}

/** The folder of the edge's cache: in memory where that is possible, and then removed with the children. */
function cacheFolder({ edge }: ClusterFolder, children: Children): string {
  if (!hasMemory()) return join(edge, "cache");
  const cache = mkdtempSync(join(MEMORY, "insole-edge-"));
  children.removeAtEnd(cache);
  return cache;
}

/** The command that writes the configuration for the file of nodes. */
const generateCommand = (
  { port, statusPort, folder }: Omit<EdgeOptions, "children">,
  cache: string,
): readonly string[] => [
  "nginx/generate",
  "--out",
  folder.edge,
  "--nodes",
  folder.nodesFile,
  "--listen",
  `127.0.0.1:${port}`,
  "--status-listen",
  `127.0.0.1:${statusPort}`,
  "--exempt",
  folder.exemptFile,
  "--cache-dir",
  cache,
  "--cache-bytes",
  CACHE_BYTES,
];

/** Describes the edge and makes the folder of its cache, without a start; programs are looked for in `path`. */
export function openEdge({ port, statusPort, folder, children }: EdgeOptions, path: string): Edge {
  const url = `http://127.0.0.1:${port}`;
  const env = { PATH: `${path}:${NGINX_PATHS}` };
  const generate = generateCommand({ port, statusPort, folder }, cacheFolder(folder, children));
  const nginx = ["nginx", "-p", folder.edge, "-c", join(folder.edge, "nginx.conf")];
  let child: Child | undefined;
  let loaded: readonly string[] = [];

  const write = (addresses: readonly string[]) => {
    writeFileSync(folder.nodesFile, addresses.map((address) => `${address}\n`).join(""));
    runToEnd(env, generate);
  };

  return {
    url,
    pid: () => child?.pid,
    write,
    knows: (address) => loaded.includes(address),
    async start(addresses) {
      if (child) return;
      if (!findNginx(path))
        throw new Error(
          "nginx is not installed: apt-get install nginx, or run without an edge with --no-edge",
        );
      write(addresses);
      const started = children.start([...nginx, "-g", "daemon off;"], {
        env,
        cwd: folder.edge,
        outPath: join(folder.edge, "out.log"),
      });
      child = started;
      void started.exited.then(() => {
        if (child === started) child = undefined;
      });
      await untilAnswer(started, url, join(folder.edge, "out.log"));
      loaded = addresses;
    },
    reload(addresses) {
      write(addresses);
      runToEnd(env, [...nginx, "-t", "-q"]);
      child?.signal("SIGHUP");
      if (child) loaded = addresses;
    },
    pause: () => child?.signal("SIGSTOP"),
    resume: () => child?.signal("SIGCONT"),
    async kill() {
      child?.signal("SIGKILL");
      await child?.exited;
    },
    async stop() {
      // After SIGQUIT NGINX finishes the requests under way.
      if (child) await children.end(child, STOP_MS, "SIGQUIT");
    },
  };
}

/** Waits for any answer: the nodes may not be ready yet. */
async function untilAnswer(child: Child, url: string, logPath: string): Promise<void> {
  const deadline = performance.now() + ANSWER_MS_MAX;
  while (performance.now() < deadline && child.isRunning()) {
    const answer = await fetch(`${url}/nothing`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) }).catch(
      () => null,
    );
    await answer?.arrayBuffer().catch(() => null);
    if (answer) return;
    await Promise.race([child.exited, Bun.sleep(PROBE_EVERY_MS)]);
  }
  throw new Error(`NGINX does not answer on ${url}: see ${logPath}`);
}

/** Runs a program of the repository. Throws one sentence with its output when it fails. */
function runToEnd(env: Record<string, string>, program: readonly string[]): void {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...program], { cwd: ROOT, env });
  if (exitCode !== 0) throw new Error(`${program[0]} failed: ${stderr}${stdout}`.trim());
}
