// The thread that writes the last good copy: as a file of its own, and in place of the one before when it is whole.
import { renameSync, rmSync } from "node:fs";
import { messageOf } from "../../db/message.ts";
import { openHandle } from "../../db/read/reader.ts";
import { datasetOfFile } from "../dataset.ts";

declare const self: Worker;

const CACHE_KB = 2_048;

type Order = { from: string; to: string; dataset: string };

self.onmessage = ({ data: { from, to, dataset } }: MessageEvent<Order>) => {
  const half = `${to}.new`;
  try {
    rmSync(half, { force: true });
    const handle = openHandle(from, CACHE_KB);
    handle.prepare("VACUUM INTO ?").run([half]);
    handle.close();
    if (datasetOfFile(half) !== dataset) throw new Error("the replica holds another dataset");
    renameSync(half, to);
    self.postMessage(null);
  } catch (thrown) {
    rmSync(half, { force: true });
    self.postMessage(messageOf(thrown));
  }
};
