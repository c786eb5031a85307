// A group's outcomes as they are read from a server's answer.
import { expect, test } from "bun:test";
import { expectRefusal, failure } from "../testing/contract-parts.ts";
import { commitOnServer, queryServer } from "./hrana.ts";
import type { BatchResult, Pipeline, Step } from "./pipeline.ts";

const done = { cols: [], rows: [], affected_row_count: 1 };

/** A server that does every step but the first savepoint and the steps behind it, which need it. */
const withoutSavepoint: Pipeline = {
  async run(steps: Step[]): Promise<BatchResult> {
    const from = steps.findIndex(({ stmt }) => stmt.sql.startsWith("SAVEPOINT member"));
    const to = steps.findIndex(({ stmt }) => stmt.sql.startsWith("RELEASE member"));
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

test.each([
  ["SQLite error: interrupted", "busy"],
  ["SQLite error: disk I/O error", "busy"],
  ["the stream was closed", "busy"],
  ["SQLite error: UNIQUE constraint failed: words.word", "unique"],
  ["SQL string could not be parsed: near SELEC", "unknown"],
])("the error '%s' of a server is %s", async (message, kind) => {
  const columns = kind === "unique" ? ["words.word"] : [];
  /** A server on which the statement `bad` alone fails. */
  const failing: Pipeline = {
    async run(steps) {
      const isBad = ({ stmt }: Step) => stmt.sql === "bad";
      const dataset = { ...done, rows: [[{ type: "text", value: "ours" } as const]] };
      return {
        step_results: steps.map((step) => (isBad(step) ? null : dataset)),
        step_errors: steps.map((step) => (isBad(step) ? { message } : null)),
      };
    },
  };
  const { outcomes } = await commitOnServer(failing, [[{ sql: "bad" }]]);
  expect(outcomes).toEqual([{ ok: false, kind: kind as never, message, columns }]);
  expectRefusal(await failure(queryServer(failing, [{ sql: "bad" }])), kind as never, columns);
});
