// The thread that writes the last good copy: to a new file, which replaces the copy before once it is complete.
import { renameSync, rmSync } from "node:fs";
import { messageOf } from "../../db/message.ts";
import { openHandle } from "../../db/read/reader.ts";
import { datasetOfFile } from "../dataset.ts";

declare const self: Worker;

const CACHE_KB = 2_048;

type Order = { from: string; to: string; dataset: string };

self.onmessage = ({ data: { from, to, dataset } }: MessageEvent<Order>) => {
  const unfinished = `${to}.new`;
  try {
    rmSync(unfinished, { force: true });
    const handle = openHandle(from, CACHE_KB);
    handle.prepare("VACUUM INTO ?").run([unfinished]);
    handle.close();
    if (datasetOfFile(unfinished) !== dataset) throw new Error("the replica holds another dataset");
    renameSync(unfinished, to);
    self.postMessage(null);
  } catch (thrown) {
    rmSync(unfinished, { force: true });
    self.postMessage(messageOf(thrown));
  }
};
