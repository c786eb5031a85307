// A commit with an uncertain outcome, on a real file: a write that was done is not repeated, one that was not is done once.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseError } from "../errors.ts";
import { openHandle, openReader } from "../read/reader.ts";
import { migrate } from "../schema/migrate.ts";
import { failure, word } from "../testing/contract-parts.ts";
import { openCommitter } from "./commit.ts";
import { FIND_DONE, openWriteQueue } from "./queue.ts";

test("the queue looks for the write in the file before it retries", async () => {
  const folder = mkdtempSync(join(tmpdir(), "insole-uncertain-"));
  const path = join(folder, "insole.db");
  migrate(path);
  const [committer, handle] = [openCommitter(path), openHandle(path, 1_000)];
  const reader = openReader(handle);
  const lost = new DatabaseError("uncertain", "the answer was lost");
  // The answers to the first two commits are lost: one after it was done, one before. Later ones are answered.
  const commits = ["done", "not done"];
  const queue = openWriteQueue(
    async (group) => {
      const commit = commits.shift();
      if (commit === "not done") throw lost;
      const outcomes = committer.commit(group);
      if (commit === "done") throw lost;
      return outcomes;
    },
    { findDone: (ids) => reader.all<[string]>(FIND_DONE, JSON.stringify(ids)).map(([id]) => id) },
  );
  expect(await failure(queue.write([word("stands")], "w1"))).toMatchObject({ kind: "uncertain" });
  expect(await failure(queue.write([word("again")], "w2"))).toBe("it was done");
  expect(reader.all("SELECT word FROM words ORDER BY word")).toEqual([["again"], ["stands"]]);
  expect(reader.all("SELECT id FROM writes ORDER BY id")).toEqual([["w1"], ["w2"]]);
  handle.close();
  committer.close();
  rmSync(folder, { recursive: true });
});
