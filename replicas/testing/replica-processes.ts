// Replicas in processes of their own, which sync without a pause: what each of them has, and when it got it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../db/until.ts";

export type ReplicaProcess = {
  path: string;
  /** The newest number in `marks` that it has read, its syncs, and the failures of syncs. */
  state: { mark: number; syncs: number; failures: string[] };
  /** Resolves when it has read this mark. */
  reaches(mark: number): Promise<void>;
  /** Kills it, wherever it is in a sync, and starts it again on the same file. */
  restart(): Promise<void>;
};

export type ReplicaProcesses = {
  start(url: string): ReplicaProcess;
  /** Kills them and removes their files. */
  close(): Promise<void>;
};

type Line = { kind: "synced"; frames: number; mark: number } | { kind: "failed"; why: string };

/** Opens a folder for replicas. */
export function openReplicaProcesses(): ReplicaProcesses {
  const folder = mkdtempSync(join(tmpdir(), "insole-replicas-"));
  const replicas: (() => Bun.Subprocess)[] = [];
  return {
    start(url) {
      const path = join(folder, `${replicas.length}.db`);
      const state: ReplicaProcess["state"] = { mark: 0, syncs: 0, failures: [] };
      let child = startProgram(url, path, state);
      replicas.push(() => child);
      return {
        path,
        state,
        async reaches(mark) {
          await until(`mark ${mark} in a replica`, () => state.mark >= mark);
        },
        async restart() {
          child.kill("SIGKILL");
          await child.exited;
          child = startProgram(url, path, state);
        },
      };
    },
    async close() {
      const children = replicas.map((child) => child());
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map(({ exited }) => exited));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function startProgram(url: string, path: string, state: ReplicaProcess["state"]): Bun.Subprocess {
  const program = [process.execPath, join(import.meta.dir, "replica-process.ts"), url, path];
  const env = { ...process.env, RUST_LOG: "off" };
  const child = Bun.spawn(program, { stdio: ["ignore", "pipe", "ignore"], env });
  void follow(child.stdout, (line) => {
    if (line.kind === "failed") {
      state.failures.push(line.why);
      return;
    }
    state.syncs += 1;
    state.mark = line.mark;
  });
  return child;
}

async function follow(output: ReadableStream<Uint8Array>, onLine: (line: Line) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of output) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(JSON.parse(line) as Line);
  }
}
