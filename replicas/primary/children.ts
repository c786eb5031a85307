// Child processes of this one: each is the leader of a process group, and none outlives this process, even when it is killed.
import { closeSync, openSync } from "node:fs";

/** How a program is started; it gets only the environment given here. */
type ChildOptions = {
  cwd?: string;
  env: Record<string, string>;
  /** A file for its output, or null for the output of this process; without one the output can be read as streams. */
  outPath?: string | null;
  /** Whether it is sent lines on its standard input, which ends with this process; without it there is no input. */
  takesLines?: boolean;
};

/** A started program. */
export type Child = {
  pid: number;
  /** Resolves with the exit code, or with null where a signal ended it. */
  exited: Promise<number | null>;
  isRunning(): boolean;
  signal(name: NodeJS.Signals): void;
  /** Sends a line to a child that takes lines; one that has ended does not get it. */
  send(line: string): void;
  /** Its output; empty where it goes to a file. */
  output: ReadableStream<Uint8Array>[];
};

export type Children = {
  /** Starts a program. Throws once the children are being closed, or where the program cannot be started. */
  start(program: readonly string[], options: ChildOptions): Child;
  /** Sends the child a signal (SIGTERM) and kills its group after `msMax`. Resolves when the child has ended. */
  end(child: Child, msMax: number, signal?: NodeJS.Signals): Promise<void>;
  /** Removes this folder after the end of all children, also when this process is killed; a second call replaces the first. */
  removeAtEnd(folder: string): void;
  /** Kills the groups of all children and resolves when they have ended; nothing can be started any more. */
  close(): Promise<void>;
};

// The watchdog reads from a pipe. The pipe ends with this process, even after a kill, and the watchdog then kills the groups.
// It runs in a group of its own, so that a signal to ours does not end it. A process that was killed a moment ago may still
// write into the folder.
const WATCHDOG = `trap '' INT TERM HUP
kept=' '
folder=''
while read -r verb what; do
  case "$verb $kept" in
    keep*) kept="$kept$what " ;;
    drop*" $what "*) kept="\${kept%% "$what" *} \${kept#* "$what" }" ;;
    remove*) folder="$what" ;;
  esac
done
for group in $kept; do kill -9 "-$group" 2>/dev/null; done
for try in 1 2 3 4 5; do
  if [ -z "$folder" ] || rm -rf -- "$folder"; then break; fi
  sleep 1
done`;

type Watchdog = {
  /** Takes `keep <group>`, `drop <group>` and `remove <folder>`. */
  send(line: string): void;
  process: Bun.Subprocess<"pipe", "ignore", "ignore">;
};

function startWatchdog(): Watchdog {
  const watchdog = Bun.spawn(["sh", "-c", WATCHDOG], {
    detached: true,
    env: {},
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
  });
  return {
    send(line) {
      watchdog.stdin.write(`${line}\n`);
      watchdog.stdin.flush();
    },
    process: watchdog,
  };
}

/** Ends this process's own group with this process, also when it is killed; does nothing where it leads none. */
export function endGroupWithThisProcess(): void {
  try {
    process.kill(-process.pid, 0);
  } catch {
    // There is no group of its number: it belongs to that of another process.
    return;
  }
  const watchdog = startWatchdog();
  watchdog.send(`keep ${process.pid}`);
  watchdog.process.unref();
}

/** Opens an empty list of children and starts their watchdog. */
export function openChildren(): Children {
  const { send, process: watchdog } = startWatchdog();
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
      if (isClosing) throw new Error("no program is started any more: the children are being closed");
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
    removeAtEnd: (folder) => send(`remove ${folder}`),
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
  { cwd, env, outPath, takesLines = false }: ChildOptions,
  onStart: (pid: number) => void,
): Child {
  const out = outputTo(outPath);
  const subprocess = Bun.spawn([...program], {
    ...(cwd === undefined ? {} : { cwd }),
    env,
    detached: true,
    stdin: takesLines ? "pipe" : "ignore",
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
    send: (line) => void write(subprocess.stdin, `${line}\n`),
    output: [subprocess.stdout, subprocess.stderr].filter((each) => each instanceof ReadableStream),
  };
}

/** Writes to the input of a child. Never rejects: the pipe of a child that has just ended is closed. */
async function write(input: Bun.FileSink | undefined, text: string): Promise<void> {
  try {
    await input?.write(text);
    await input?.flush();
  } catch {
    // The end of the child is noticed anyway.
  }
}

function outputTo(path: string | null | undefined): "pipe" | "inherit" | number {
  if (path === undefined) return "pipe";
  return path === null ? "inherit" : openSync(path, "a", 0o600);
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // No process of the group is left.
  }
}
