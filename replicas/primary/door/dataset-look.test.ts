// How the door learns which dataset the server holds: one question for all, kept shortly, never from one life to the next.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { until } from "../../../db/until.ts";
import { type DatasetLook, openDatasetLook } from "./dataset-look.ts";
import { type Lives, openLives } from "./lives.ts";

const text = (value: string) => ({ type: "text", value });
let questions: { authorization: string | null; sql: string }[];
let rows: unknown[][];
let answering: PromiseWithResolvers<void>;
let server: Bun.Server<undefined>;
let lives: Lives;
let nowMs: number;
let look: DatasetLook;
const begin = (readToken: string) => lives.begin({ url: String(server.url), writeToken: "never", readToken });

async function answer(request: Request): Promise<Response> {
  const { requests } = (await request.json()) as {
    requests: { batch: { steps: { stmt: { sql: string } }[] } }[];
  };
  const sql = requests[0]?.batch.steps[0]?.stmt.sql ?? "";
  questions.push({ authorization: request.headers.get("authorization"), sql });
  await answering.promise;
  const result = { step_results: [{ cols: [], rows, affected_row_count: 0 }], step_errors: [null] };
  return Response.json({ baton: null, results: [{ type: "ok", response: { type: "batch", result } }] });
}

beforeEach(() => {
  [questions, rows, nowMs] = [[], [[text("shop"), text("one")]], 0];
  answering = Promise.withResolvers<void>();
  answering.resolve();
  server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  lives = openLives();
  begin("life-1");
  look = openDatasetLook(lives, () => nowMs);
});
afterEach(async () => {
  answering.resolve();
  await server.stop(true);
});

test("all who ask at once share one question, by the token that only reads", async () => {
  answering = Promise.withResolvers();
  const replies = Array.from({ length: 12 }, () => look.reply());
  await until("the question", () => questions.length > 0);
  answering.resolve();
  expect(await Promise.all(replies)).toEqual(replies.map(() => ({ id: "shop", generation: "one" })));
  expect(questions).toEqual([{ authorization: "Bearer life-1", sql: "SELECT id, generation FROM dataset" }]);
});

test("an answer is kept for 250 ms", async () => {
  for (const [ms, count] of [
    [0, 1],
    [249, 1],
    [250, 2],
  ] as const) {
    nowMs = ms;
    await look.reply();
    expect([ms, questions.length]).toEqual([ms, count]);
  }
});

test("nothing is kept from one life to the next, nor a question under way", async () => {
  await look.reply();
  rows = [[text("shop"), text("two")]];
  begin("life-2");
  expect((await look.reply()).generation).toBe("two");
  answering = Promise.withResolvers();
  nowMs = 250;
  const cut = look.reply();
  await until("the question", () => questions.length === 3);
  lives.end();
  await expect(cut).rejects.toMatchObject({ kind: "unreachable" });
  await expect(look.reply()).rejects.toMatchObject({ kind: "unreachable" });
  begin("life-3");
  const reply = look.reply();
  await until("the next question", () => questions.length === 4);
  answering.resolve();
  expect(await reply).toEqual({ id: "shop", generation: "two" });
  expect(questions.map(({ authorization }) => authorization?.slice(-1)).join("")).toBe("1223");
});

test("a failure is not kept", async () => {
  const { port = 0 } = server;
  await server.stop(true);
  await expect(look.reply()).rejects.toMatchObject({ kind: "unreachable" });
  server = Bun.serve({ hostname: "127.0.0.1", port, fetch: answer });
  expect(await look.reply()).toEqual({ id: "shop", generation: "one" });
});

test.each([
  ["no row", []],
  ["an id that is no text", [[{ type: "null" }, text("one")]]],
])("a server with %s is not up", async (_, found) => {
  rows = found;
  await expect(look.reply()).rejects.toMatchObject({
    kind: "unreachable",
    message: "the primary holds no dataset",
  });
});

test("a question leaves no listener at the life", async () => {
  const { ended } = lives.current() ?? {};
  let listeners = 0;
  const count = (name: "addEventListener" | "removeEventListener", step: number) => {
    const original = ended?.[name].bind(ended);
    Object.assign(ended ?? {}, {
      [name]: (...args: Parameters<AbortSignal["addEventListener"]>) => {
        listeners += step;
        original?.(...args);
      },
    });
  };
  count("addEventListener", 1);
  count("removeEventListener", -1);
  await look.reply();
  expect(questions.length).toBe(1);
  expect(listeners).toBe(0);
});
