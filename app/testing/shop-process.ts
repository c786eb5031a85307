// The program as a process of its own for tests: killed with SIGKILL, and started again on the same folder.
import { join } from "node:path";
import { booksOf } from "./books.ts";

/** A shop in a process of its own. */
export type ShopProcess = { url: string; pid: number; exited: Promise<unknown>; kill(): Promise<void> };

export type ShopProcesses = {
  databasePath: string;
  /** Starts the program; resolves when it is open. Rejects with what it wrote when it does not start. */
  start(): Promise<ShopProcess>;
  /** Kills what runs, and returns what does not fit in the books; empty when they are right. */
  end(): Promise<string[]>;
};

const MAIN = join(import.meta.dir, "../main.ts");

/** Starts programs in this folder with these settings: one after the other, or several at once. `script` replaces `main.ts`. */
export function openShopProcesses(
  folder: string,
  settings: Record<string, string> = {},
  script: readonly string[] = [MAIN],
): ShopProcesses {
  const children: Bun.Subprocess[] = [];
  const databasePath = join(folder, "insole.db");
  const killed = async (child: Bun.Subprocess): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return {
    databasePath,
    async start() {
      const child = Bun.spawn([process.execPath, ...script], {
        env: { PORT: "0", DATA_DIR: folder, DEMO: "false", LOG_SAMPLE: "0", ...settings },
        stdout: "pipe",
      });
      children.push(child);
      const url = await readUrl(child.stdout);
      return { url, pid: child.pid, exited: child.exited, kill: () => killed(child) };
    },
    async end() {
      await Promise.all(children.map(killed));
      return booksOf(databasePath);
    },
  };
}

/** Reads the log until it names the address of the shop. */
async function readUrl(output: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let log = "";
  // The reader is not cancelled: the shop would end with its next line, which it writes for a request that takes a second.
  const lines = output.pipeThrough(new TextDecoderStream()).getReader();
  for (let read = await lines.read(); !read.done; read = await lines.read()) {
    log += read.value;
    const url = /"shop":"([^"]+)"/.exec(log)?.[1];
    if (url) {
      void drain(lines);
      return url;
    }
  }
  throw new Error(`the shop did not start: ${log}`);
}

/** A pipe that is not read fills up, and the shop then drops its lines. */
async function drain(lines: { read(): Promise<{ done: boolean }> }): Promise<void> {
  while (!(await lines.read()).done);
}
