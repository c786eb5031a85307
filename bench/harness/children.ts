// The child processes of a bench: pinned to cores, their output in files, and all ended with the bench, also by Ctrl-C.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandText } from "./command-text.ts";
import { ROOT } from "./paths.ts";

/** A child that has not ended this long after SIGTERM is killed. */
const END_MS_MAX = 12_000;
const SHOWN_OUTPUT_CHARS = 2_000;

/** A running child; `command` is its exact command, `published` the same for a report. */
export type Child = {
  pid: number;
  command: string;
  published: string;
  outPath: string;
  process: Bun.Subprocess;
};

/** The memory for which Bun's garbage collector sizes the heap, as the package scripts set it (DECISIONS 9). */
const COLLECTOR = { BUN_JSC_forceRAMSize: "134217728" };

/** `cores: null`: not pinned. The environment holds only PATH, HOME, the collector's setting and `env`. */
type StartOptions = {
  env?: Record<string, string>;
  cores: readonly number[] | null;
  /** Part of the harness: it gets the environment of the bench, and its command is not published. */
  isHarness?: true;
};

/** A command of the shop, by the name of its package script. */
type ShopCommand = "start" | "import" | "demo" | "primary" | "cluster";

export type Children = {
  /** A temporary folder, removed with the bench. */
  folder: string;
  /** The new folders in it: the names that published commands give them, by their paths. */
  folders: ReadonlyMap<string, string>;
  /** Makes a new folder in it, whose path begins with this name and ends at random. */
  makeFolder(name: string): string;
  /** The repository whose shop is started; scripts under `bench/` are always those of this one. */
  tree: string;
  /** The same children, with the shop of another repository. */
  at(tree: string): Children;
  /** The published commands since the last call, each once. */
  takeCommands(): string[];
  /** Starts a script of `tree` with the Bun that runs the bench. */
  start(script: readonly string[], options: StartOptions): Child;
  /** Starts a command of the shop in `tree`; its package script names the file, because versions keep it elsewhere. */
  startCommand(command: ShopCommand, args: readonly string[], options: StartOptions): Child;
  /** Starts any program. */
  run(program: readonly string[], options: StartOptions): Child;
  /** Waits for exit code 0 and returns stdout. Throws on any other code, and after `msMax`, when it kills the child. */
  expectEnd(child: Child, msMax: number): Promise<string>;
  end(child: Child): Promise<void>;
  /** Ends all running children. */
  endAll(): Promise<void>;
  /** Ends all running children, refuses to start others, and removes the folder. */
  close(): Promise<void>;
};

/** The state that all starters share. */
type State = {
  folder: string;
  folders: Map<string, string>;
  running: Set<Child>;
  commands: Set<string>;
  started: number;
  isClosing: boolean;
};

/** Opens the children of one bench. */
export function openChildren(): Children {
  const folder = mkdtempSync(join(tmpdir(), "insole-bench-run-"));
  const folders = new Map<string, string>();
  const state: State = {
    folder,
    folders,
    running: new Set(),
    commands: new Set(),
    started: 0,
    isClosing: false,
  };
  const endAll = async (): Promise<void> => void (await Promise.all([...state.running].map(end)));
  const children: Children = {
    folder,
    folders,
    makeFolder(name) {
      const path = mkdtempSync(join(folder, `${name}-`));
      folders.set(path, name);
      return path;
    },
    ...startersOf(state, ROOT),
    at: (tree) => ({ ...children, ...startersOf(state, tree) }),
    takeCommands() {
      const taken = [...state.commands];
      state.commands.clear();
      return taken;
    },
    expectEnd,
    end,
    endAll,
    async close() {
      state.isClosing = true;
      await endAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return children;
}

function startersOf(state: State, tree: string): Pick<Children, "tree" | "run" | "start" | "startCommand"> {
  const start: Children["start"] = (script, options) =>
    spawn(
      state,
      [process.execPath, ...script],
      { ...COLLECTOR, ...options.env },
      options,
      script[0]?.startsWith("bench/") ? ROOT : tree,
    );
  return {
    tree,
    start,
    startCommand: (command, args, options) => start([fileOfCommand(tree, command), ...args], options),
    run: (program, options) => spawn(state, program, options.env ?? {}, options, tree),
  };
}

/** The file that a package script runs, started without the script, whose shell would be the measured process. */
function fileOfCommand(tree: string, command: ShopCommand): string {
  const { scripts } = JSON.parse(readFileSync(join(tree, "package.json"), "utf8"));
  const file = /\bbun (\S+\.ts)\b/.exec(scripts?.[command] ?? "")?.[1];
  if (file === undefined) throw new Error(`${tree} has no package script "${command}" that runs a file`);
  return file;
}

/** Starts a program in a repository; `settings` is the published part of its environment. */
function spawn(
  state: State,
  program: readonly string[],
  settings: Record<string, string>,
  { env = {}, cores, isHarness }: StartOptions,
  tree: string,
): Child {
  if (state.isClosing) throw new Error("the bench is ending");
  state.started += 1;
  const { folder, folders } = state;
  const outPath = join(folder, `${state.started}.out`);
  const pinned = cores === null ? [...program] : ["taskset", "-c", cores.join(","), ...program];
  const subprocess = Bun.spawn(pinned, {
    cwd: tree,
    env: isHarness
      ? { ...process.env, ...env }
      : { PATH: process.env.PATH ?? "", HOME: folder, ...COLLECTOR, ...env },
    stdin: "ignore",
    stdout: Bun.file(outPath),
    stderr: Bun.file(`${outPath}.err`),
  });
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const child: Child = {
    pid: subprocess.pid,
    command: [...assignments, ...pinned].join(" "),
    published: commandText({ program, env: settings, cores, folder, folders, tree }),
    outPath,
    process: subprocess,
  };
  if (!isHarness) state.commands.add(child.published);
  state.running.add(child);
  void subprocess.exited.then(() => state.running.delete(child));
  return child;
}

async function end(child: Child): Promise<void> {
  if (child.process.exitCode !== null || child.process.signalCode !== null) return;
  child.process.kill("SIGTERM");
  const killing = setTimeout(() => child.process.kill("SIGKILL"), END_MS_MAX);
  await child.process.exited;
  clearTimeout(killing);
}

async function expectEnd(child: Child, msMax: number): Promise<string> {
  let isLate = false;
  const killing = setTimeout(() => {
    isLate = true;
    child.process.kill("SIGKILL");
  }, msMax);
  const code = await child.process.exited;
  clearTimeout(killing);
  if (isLate) throw new Error(`not done after ${Math.round(msMax / 1000)} s: ${child.command}`);
  if (code !== 0) throw new Error(`exit code ${code}: ${child.command}\n${outputOf(child)}`);
  return readFileSync(child.outPath, "utf8");
}

/** How often to poll, and when to give up. */
type Polling = { everyMs: number; msMax: number };

/**
 * Probes until there is a value. Throws `fault` with the command and its last output when the child has ended or after
 * `msMax`.
 */
export async function waitFor<T>(
  child: Child,
  fault: string,
  { everyMs, msMax }: Polling,
  probe: () => Promise<T | null> | T | null,
): Promise<T> {
  const deadline = performance.now() + msMax;
  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (child.process.exitCode !== null || performance.now() > deadline)
      throw new Error(`${fault}: ${child.command}\n${outputOf(child)}`);
    await Bun.sleep(everyMs);
  }
}

/** The last output of a child. */
const outputOf = ({ outPath }: Child): string =>
  `${readFileSync(outPath, "utf8")}${readFileSync(`${outPath}.err`, "utf8")}`.slice(-SHOWN_OUTPUT_CHARS);
