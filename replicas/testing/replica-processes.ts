// Replicas in processes of their own, which sync without a pause: what each of them has, and when it got it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../db/until.ts";

export type ReplicaProcess = {
  path: string;
  /** The newest number in `marks` that it has read, its syncs, and the failures of syncs. */
  state: { mark: number; syncs: number; failures: string[] };
  pid: number;
  /** Resolves when it has read this mark. */
  reaches(mark: number): Promise<void>;
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
  const children: Bun.Subprocess[] = [];
  return {
    start(url) {
      const path = join(folder, `${children.length}.db`);
      const program = [process.execPath, join(import.meta.dir, "replica-process.ts"), url, path];
      const env = { ...process.env, RUST_LOG: "off" };
      const child = Bun.spawn(program, { stdio: ["ignore", "pipe", "ignore"], env });
      children.push(child);
      const state: ReplicaProcess["state"] = { mark: 0, syncs: 0, failures: [] };
      void follow(child.stdout, (line) => {
        if (line.kind === "failed") {
          state.failures.push(line.why);
          return;
        }
        state.syncs += 1;
        state.mark = line.mark;
      });
      return {
        path,
        state,
        pid: child.pid,
        async reaches(mark) {
          await until(`mark ${mark} in a replica`, () => state.mark >= mark);
        },
      };
    },
    async close() {
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map(({ exited }) => exited));
      rmSync(folder, { recursive: true, force: true });
    },
  };
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
