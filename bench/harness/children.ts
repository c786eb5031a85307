// The programs a bench starts: pinned to cores, their output in files, and every one ended, also on Ctrl-C.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { typed } from "./command-text.ts";
import { ROOT } from "./paths.ts";

/** After SIGTERM a child has this long. */
const END_MS = 12_000;
const SHOWN_OF_OUTPUT = 2_000;

/** A running child; `command` is what was started, `typed` the same as it is published. */
export type Child = {
  pid: number;
  command: string;
  typed: string;
  outPath: string;
  process: Bun.Subprocess;
};

/** What the package scripts tell Bun's garbage collector; see DECISIONS.md (9). */
const COLLECTOR = { BUN_JSC_forceRAMSize: "134217728" };

/** `cores: null`: wherever the system likes. The environment holds only what is given here. */
export type StartOptions = {
  env?: Record<string, string>;
  cores: readonly number[] | null;
  /** The program gets the bench's own environment as well, and is not told of in the results: it measures nothing. */
  isOurs?: true;
};

/** A command of the shop, by the name of its package script. */
export type ShopCommand = "start" | "import" | "demo" | "primary" | "cluster";

export type Children = {
  /** An empty folder that goes with the bench. */
  folder: string;
  /** The repository whose shop is started; what lies under `bench/` is always this one's. */
  tree: string;
  /** The same list, but the shop is that of another repository. */
  at(tree: string): Children;
  /** The commands since the last call, without repetitions. */
  takeCommands(): string[];
  /** Runs a script of the repository with this very Bun. */
  start(script: readonly string[], options: StartOptions): Child;
  /** Runs a command of the shop in `tree`, whose package script names its file: versions keep it in different folders. */
  startCommand(command: ShopCommand, args: readonly string[], options: StartOptions): Child;
  /** Runs any program. */
  run(program: readonly string[], options: StartOptions): Child;
  /** Waits for the end, which must be a good one; returns what was printed. Throws after `msMax`, and ends the child. */
  expectEnd(child: Child, msMax: number): Promise<string>;
  end(child: Child): Promise<void>;
  /** Ends what still runs. */
  endAll(): Promise<void>;
  /** Ends what still runs, starts nothing any more, and removes the folder. */
  close(): Promise<void>;
};

/** What the list of children knows of itself. */
type State = {
  folder: string;
  running: Set<Child>;
  commands: Set<string>;
  started: number;
  isClosing: boolean;
};

/** Opens the list of children of one bench. */
export function openChildren(): Children {
  const folder = mkdtempSync(join(tmpdir(), "insole-bench-run-"));
  const state: State = { folder, running: new Set(), commands: new Set(), started: 0, isClosing: false };
  const endAll = async (): Promise<void> => void (await Promise.all([...state.running].map(end)));
  const children: Children = {
    folder,
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

/** The file that a package script runs. The script itself is not run: its shell would have the pid that is measured. */
function fileOfCommand(tree: string, command: ShopCommand): string {
  const { scripts } = JSON.parse(readFileSync(join(tree, "package.json"), "utf8"));
  const file = /\bbun (\S+\.ts)\b/.exec(scripts?.[command] ?? "")?.[1];
  if (file === undefined) throw new Error(`${tree} has no package script "${command}" that runs a file`);
  return file;
}

/** Starts a program in a repository; `told` is the part of its environment that the results tell of. */
function spawn(
  state: State,
  program: readonly string[],
  told: Record<string, string>,
  { env = {}, cores, isOurs }: StartOptions,
  tree: string,
): Child {
  if (state.isClosing) throw new Error("the bench is ending");
  state.started += 1;
  const { folder } = state;
  const outPath = join(folder, `${state.started}.out`);
  const pinned = cores === null ? [...program] : ["taskset", "-c", cores.join(","), ...program];
  const subprocess = Bun.spawn(pinned, {
    cwd: tree,
    env: isOurs
      ? { ...process.env, ...env }
      : { PATH: process.env.PATH ?? "", HOME: folder, ...COLLECTOR, ...env },
    stdin: "ignore",
    stdout: Bun.file(outPath),
    stderr: Bun.file(`${outPath}.err`),
  });
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const child: Child = {
    pid: subprocess.pid,
    command: [...settings, ...pinned].join(" "),
    typed: typed({ program, env: told, cores, folder, tree }),
    outPath,
    process: subprocess,
  };
  if (!isOurs) state.commands.add(child.typed);
  state.running.add(child);
  void subprocess.exited.then(() => state.running.delete(child));
  return child;
}

async function end(child: Child): Promise<void> {
  if (child.process.exitCode !== null || child.process.signalCode !== null) return;
  child.process.kill("SIGTERM");
  const killing = setTimeout(() => child.process.kill("SIGKILL"), END_MS);
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
export type Polling = { everyMs: number; msMax: number };

/**
 * Probes until there is a value. Throws `fault` with the command and its last output when the child has ended or `msMax`
 * is over.
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
export const outputOf = ({ outPath }: Child): string =>
  `${readFileSync(outPath, "utf8")}${readFileSync(`${outPath}.err`, "utf8")}`.slice(-SHOWN_OF_OUTPUT);
