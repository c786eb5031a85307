// The streams of a pipeline on a real server: how many are kept for the next batches, and that the others are closed.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { expectRefusal, failure } from "../testing/contract-parts.ts";
import { openRelay } from "../testing/relay.ts";
import { openTestServer, type TestServer } from "../testing/server.ts";
import { openPipeline, type Step } from "./pipeline.ts";

const LONG_MS = 30_000;
const IDLE_TRANSACTION_MS = 5_000;
const stepOf = (sql: string): Step => ({ condition: null, stmt: { sql, args: [], want_rows: true } });
const ONE = [stepOf("SELECT 1")];
let server: TestServer;
let relay: ReturnType<typeof openRelay>;
beforeAll(async () => {
  server = await openTestServer(null);
});
afterAll(() => server.remove());
beforeEach(() => {
  relay = openRelay(server);
});
afterEach(() => relay.close());

/** What each batch did with its stream: whether it continued one, and whether it closed it. */
const streams = () =>
  relay.batches.map((batch) => {
    const { baton, requests } = JSON.parse(batch) as { baton: string | null; requests: { type: string }[] };
    return { continued: baton !== null, closed: requests.at(-1)?.type === "close" };
  });

test("without kept streams every batch closes its own: the server has room for 128", async () => {
  const pipeline = openPipeline(relay, { ms: LONG_MS, keptMax: 0 });
  for (let index = 0; index < 3; index += 1) await pipeline.run(ONE);
  expect(streams()).toEqual(Array(3).fill({ continued: false, closed: true }));
});

test("a kept stream is continued by the next batch; of two at once the second closes its own", async () => {
  const pipeline = openPipeline(relay, { ms: LONG_MS, keptMax: 1 });
  await pipeline.run(ONE);
  await pipeline.run(ONE);
  expect(streams()).toEqual([
    { continued: false, closed: false },
    { continued: true, closed: false },
  ]);
  await Promise.all([pipeline.run(ONE), pipeline.run(ONE)]);
  const [kept, ...others] = streams()
    .slice(2)
    .sort((one, other) => Number(one.closed) - Number(other.closed));
  expect(kept).toEqual({ continued: true, closed: false });
  expect(others).toEqual([{ continued: false, closed: true }]);
  await pipeline.run(ONE);
  expect(streams()[4]).toEqual({ continued: true, closed: false });
});

test("a stream that the server has forgotten is opened anew, and the batch is done", async () => {
  const pipeline = openPipeline(relay, { ms: LONG_MS, keptMax: 1 });
  await pipeline.run(ONE);
  await server.stop("SIGKILL");
  await server.start();
  const { step_results: results } = await pipeline.run(ONE);
  expect(results[0]?.rows).toEqual([[{ type: "integer", value: "1" }]]);
  expect(streams().map(({ continued }) => continued)).toEqual([false, true, false]);
});

test("a stream that a batch leaves inside a transaction is closed: the next writer has the lock at once", async () => {
  const pipeline = openPipeline(relay, { ms: LONG_MS, keptMax: 1 });
  const sixteenMegabytes = "SELECT printf('%1000000c', 'x') FROM generate_series(1, 16)";
  for (const sql of [sixteenMegabytes, "SELECT 1"]) {
    const steps = ["BEGIN IMMEDIATE", sql].map(stepOf);
    const outcome = await pipeline.run(steps).then(
      () => "done",
      (thrown) => `${thrown.kind}: ${thrown.message}`,
    );
    expect(outcome).toBe(sql === "SELECT 1" ? "done" : "failed: Response is too large");
    const startedAt = performance.now();
    await openPipeline(server, { ms: LONG_MS, keptMax: 0 }).run(["BEGIN IMMEDIATE", "COMMIT"].map(stepOf));
    // sqld undoes an idle transaction after five seconds.
    expect(performance.now() - startedAt).toBeLessThan(IDLE_TRANSACTION_MS / 2);
    await pipeline.run(ONE);
  }
  expect(streams()).toEqual([
    { continued: false, closed: false },
    { continued: true, closed: true },
    { continued: false, closed: false },
    { continued: true, closed: false },
    { continued: true, closed: true },
    { continued: false, closed: false },
  ]);
});

test("a batch that sqld cannot read has failed, and was not done", async () => {
  const pipeline = openPipeline(server, { ms: LONG_MS, keptMax: 1 });
  const faulty = {
    condition: { type: "ok", step: 7 } as const,
    stmt: { sql: "SELECT 1", args: [], want_rows: true },
  };
  expectRefusal(await failure(pipeline.run([faulty])), "failed");
});
