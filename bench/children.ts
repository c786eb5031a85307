// The programs a bench starts: pinned to cores, their output in files, and every one ended, also on Ctrl-C.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The repository. */
export const ROOT = join(import.meta.dir, "..");

/** After SIGTERM a child has this long. */
const END_MS = 12_000;
const SHOWN_OF_OUTPUT = 2_000;

/** A running child; `command` is how one would type it. */
export type Child = { pid: number; command: string; outPath: string; process: Bun.Subprocess };

/** What the package scripts tell Bun's garbage collector; see DECISIONS.md (9). */
const COLLECTOR = { BUN_JSC_forceRAMSize: "134217728" };

/** `cores: null`: wherever the system likes. The environment holds only what is given here. */
export type StartOptions = { env?: Record<string, string>; cores: readonly number[] | null };

export type Children = {
  /** An empty folder that goes with the bench. */
  folder: string;
  /** Runs a script of the repository with this very Bun. */
  start(script: readonly string[], options: StartOptions): Child;
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

/** Opens the list of children of one bench. */
export function openChildren(): Children {
  const folder = mkdtempSync(join(tmpdir(), "insole-bench-run-"));
  const running = new Set<Child>();
  let started = 0;
  let isClosing = false;

  const run = (program: readonly string[], { env = {}, cores }: StartOptions): Child => {
    if (isClosing) throw new Error("the bench is ending");
    started += 1;
    const outPath = join(folder, `${started}.out`);
    const pinned = cores === null ? [...program] : ["taskset", "-c", cores.join(","), ...program];
    const subprocess = Bun.spawn(pinned, {
      cwd: ROOT,
      env: { PATH: process.env.PATH ?? "", HOME: folder, ...COLLECTOR, ...env },
      stdin: "ignore",
      stdout: Bun.file(outPath),
      stderr: Bun.file(`${outPath}.err`),
    });
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const child = {
      pid: subprocess.pid,
      command: [...settings, ...pinned].join(" "),
      outPath,
      process: subprocess,
    };
    running.add(child);
    void subprocess.exited.then(() => running.delete(child));
    return child;
  };
  const end = async (child: Child): Promise<void> => {
    if (child.process.exitCode !== null || child.process.signalCode !== null) return;
    child.process.kill("SIGTERM");
    const killing = setTimeout(() => child.process.kill("SIGKILL"), END_MS);
    await child.process.exited;
    clearTimeout(killing);
  };
  const endAll = async (): Promise<void> => void (await Promise.all([...running].map(end)));

  return {
    folder,
    run,
    start: (script, options) => run([process.execPath, ...script], options),
    async expectEnd(child, msMax) {
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
    },
    end,
    endAll,
    async close() {
      isClosing = true;
      await endAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The last of what a child said. */
export const outputOf = ({ outPath }: Child): string =>
  `${readFileSync(outPath, "utf8")}${readFileSync(`${outPath}.err`, "utf8")}`.slice(-SHOWN_OF_OUTPUT);
