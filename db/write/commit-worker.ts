// The thread that owns the commits of a file, so that making them durable never holds up the serving thread.
import type { Statement } from "../database.ts";
import { toDatabaseError } from "../errors.ts";
import type { Request } from "../thread.ts";
import { type Committer, openCommitter } from "./commit.ts";

declare const self: Worker;

let committer: Committer | undefined;

self.onmessage = ({ data }: MessageEvent<Request<Statement[][]>>) => {
  try {
    if (data.kind === "open") committer = openCommitter(data.path);
    if (data.kind === "close") committer?.close();
    const answer = data.kind === "ask" ? committer?.commit(data.question) : null;
    self.postMessage({ id: data.id, ok: true, answer });
  } catch (thrown) {
    const { kind, message, columns } = toDatabaseError(thrown);
    self.postMessage({ id: data.id, ok: false, kind, message, columns });
  }
};
