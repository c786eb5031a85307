// A group's outcomes as they are read from a server's answer.
import { expect, test } from "bun:test";
import { commitOnServer } from "./hrana.ts";
import type { BatchResult, Pipeline, Step } from "./pipeline.ts";

const done = { cols: [], rows: [], affected_row_count: 1 };

/** A server that does every step but the first savepoint and the steps behind it, which need it. */
const withoutSavepoint: Pipeline = {
  async run(steps: Step[]): Promise<BatchResult> {
    const from = steps.findIndex(({ stmt }) => stmt.sql === "SAVEPOINT member");
    const to = steps.findIndex(({ stmt }) => stmt.sql === "RELEASE member");
    const isSkipped = (index: number) => index >= from && index <= to;
    return {
      step_results: steps.map((_, index) => (isSkipped(index) ? null : done)),
      step_errors: steps.map((_, index) =>
        index === from ? { message: "SQLite error: out of memory" } : null,
      ),
    };
  },
};

test("a member whose savepoint fails is no success, and the members beside it are", async () => {
  const { outcomes } = await commitOnServer(withoutSavepoint, [[{ sql: "first" }], [{ sql: "second" }]]);
  expect(outcomes).toEqual([
    { ok: false, kind: "unknown", message: "SQLite error: out of memory", columns: [] },
    { ok: true, results: [{ changes: 1, rows: [] }] },
  ]);
});
