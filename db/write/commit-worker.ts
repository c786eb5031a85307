// The thread that owns the commits of a file, so that making them durable never holds up the serving thread.
import type { Statement } from "../database.ts";
import { serveThread } from "../thread-worker.ts";
import { type Outcome, openCommitter } from "./commit.ts";

declare const self: Worker;

serveThread<Statement[][], Outcome[]>(self, (path) => {
  const committer = openCommitter(path);
  return { call: committer.commit, close: committer.close };
});
