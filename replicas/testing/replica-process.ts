// A replica in a process of its own, as a node syncs it but without its proxy: it syncs, prints what it has as JSON lines, and syncs again.
import { writeSync } from "node:fs";
import Libsql from "libsql";
import { messageOf } from "../../db/message.ts";
import { openHandle } from "../../db/read/reader.ts";

const [url = "", path = ""] = process.argv.slice(2);
const RETRY_MS = 50;
const CACHE_KB = 1_000;

let handle: InstanceType<typeof Libsql> | undefined;
for (;;) {
  try {
    handle ??= new Libsql(path, { syncUrl: url, authToken: "a-token" } as never);
    const { frames_synced: frames } = handle.sync() as unknown as { frames_synced: number };
    print({ kind: "synced", frames, mark: newestMark() });
  } catch (thrown) {
    print({ kind: "failed", why: messageOf(thrown) });
    await Bun.sleep(RETRY_MS);
  }
}

/** The newest number in the table `marks`; 0 without one. */
function newestMark(): number {
  const reader = openHandle(path, CACHE_KB);
  try {
    return Number((reader.prepare("SELECT max(id) FROM marks").raw(true).get() as [number | null])[0] ?? 0);
  } finally {
    reader.close();
  }
}

function print(line: object): void {
  // At once: the next sync blocks the thread.
  writeSync(1, `${JSON.stringify(line)}\n`);
}
