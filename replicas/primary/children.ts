// The programs that one process starts: each in a group of its own, and none outlives that process, even when it is killed.
import { closeSync, openSync } from "node:fs";

/** How a program is started; it sees only the environment given here. */
export type ChildOptions = {
  cwd?: string;
  env: Record<string, string>;
  /** A file for everything it says; without one its output can be read as a stream. */
  outPath?: string;
};

/** A started program. */
export type Child = {
  pid: number;
  /** Its exit code, or null where a signal ended it. */
  exited: Promise<number | null>;
  isRunning(): boolean;
  signal(name: NodeJS.Signals): void;
  /** What it says, where no file takes it. */
  output: ReadableStream<Uint8Array>[];
};

export type Children = {
  /** Throws when everything is ending. */
  start(program: readonly string[], options: ChildOptions): Child;
  /** Asks the child to end (SIGTERM unless told otherwise) and kills its whole group after `msMax`. */
  end(child: Child, msMax: number, signal?: NodeJS.Signals): Promise<void>;
  /** Kills what still runs, and starts nothing any more. */
  close(): Promise<void>;
};

// It holds the other end of a pipe: when this process is gone, however it went, the pipe ends and so do the groups.
// In a group of its own, so that what ends this process does not end it too.
const WATCHDOG = `trap '' INT TERM HUP
kept=' '
while read -r verb group; do
  case "$verb $kept" in
    keep*) kept="$kept$group " ;;
    drop*" $group "*) kept="\${kept%% "$group" *} \${kept#* "$group" }" ;;
  esac
done
for group in $kept; do kill -9 "-$group" 2>/dev/null; done`;

/** Opens the list of children of this process. */
export function openChildren(): Children {
  const watchdog = Bun.spawn(["sh", "-c", WATCHDOG], {
    detached: true,
    env: {},
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
  });
  const send = (line: string) => {
    watchdog.stdin.write(`${line}\n`);
    watchdog.stdin.flush();
  };
  const running = new Set<Child>();
  let isClosing = false;

  const end: Children["end"] = async (child, msMax, signal = "SIGTERM") => {
    if (!child.isRunning()) return;
    child.signal(signal);
    const killing = setTimeout(() => killGroup(child.pid), msMax);
    await child.exited;
    clearTimeout(killing);
  };

  return {
    start(program, options) {
      if (isClosing) throw new Error("everything is ending");
      const child = spawn(program, options, (pid) => send(`keep ${pid}`));
      running.add(child);
      void child.exited.then(() => {
        // NGINX's workers outlive a killed master.
        killGroup(child.pid);
        running.delete(child);
        send(`drop ${child.pid}`);
      });
      return child;
    },
    end,
    async close() {
      isClosing = true;
      await Promise.all(
        [...running].map((child) => {
          killGroup(child.pid);
          return child.exited;
        }),
      );
      watchdog.stdin.end();
      await watchdog.exited;
    },
  };
}

function spawn(
  program: readonly string[],
  { cwd, env, outPath }: ChildOptions,
  onStart: (pid: number) => void,
): Child {
  const out = outPath === undefined ? ("pipe" as const) : openSync(outPath, "a", 0o600);
  const subprocess = Bun.spawn([...program], {
    ...(cwd === undefined ? {} : { cwd }),
    env,
    detached: true,
    stdin: "ignore",
    stdout: out,
    stderr: out,
  });
  onStart(subprocess.pid);
  if (typeof out === "number") closeSync(out);
  const { pid } = subprocess;
  return {
    pid,
    exited: subprocess.exited.then(() => subprocess.exitCode),
    isRunning: () => subprocess.exitCode === null && subprocess.signalCode === null,
    signal: (name) => void subprocess.kill(name),
    output: [subprocess.stdout, subprocess.stderr].filter((each) => each instanceof ReadableStream),
  };
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // Nobody of it is left.
  }
}
