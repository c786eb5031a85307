// A worker thread as a function: results in order, and what happens when the thread ends.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DatabaseError } from "./errors.ts";
import { openThread } from "./thread.ts";

type Input = "count" | "refuse" | "throw" | "throw later" | "exit" | "silence";

// Answers "count" with the number of calls that this one thread has had; other inputs end it in the ways that threads end.
const MODULE = `
let path = "";
let calls = 0;
self.onmessage = ({ data: { id, kind, path: given, input } }) => {
  if (kind === "open") path = given;
  if (kind === "open" && path === "bad") return self.postMessage({ id, ok: false, kind: "unknown", message: "no such file", columns: [] });
  if (input === "refuse") return self.postMessage({ id, ok: false, kind: "unique", message: "taken", columns: ["a.b"] });
  if (input === "throw") throw new Error("thrown");
  if (input === "throw later") return void setTimeout(() => { throw new Error("thrown later"); });
  if (input === "exit") return process.exit(3);
  if (input === "silence") return;
  self.postMessage({ id, ok: true, output: path + " " + (kind === "call" ? ++calls : 0) });
};`;

const folder = mkdtempSync(join(tmpdir(), "insole-thread-"));
const file = join(folder, "worker.ts");
writeFileSync(file, MODULE);
afterAll(() => rmSync(folder, { recursive: true }));

const open = (path = "shop") => openThread<Input, string>(pathToFileURL(file), path);
const failure = (promise: Promise<string>): Promise<unknown> => promise.catch((thrown) => thrown);

test("opens the path first, then answers one after the other", async () => {
  const thread = open();
  const calls = [thread.call("count"), thread.call("count"), thread.call("count")];
  expect(thread.waiting()).toBe(4);
  expect(await Promise.all(calls)).toEqual(["shop 1", "shop 2", "shop 3"]);
  expect(thread.waiting()).toBe(0);
  await thread.close();
});

test("an error of the thread rejects the call that caused it, and no other", async () => {
  const thread = open();
  const [first, refusal, last] = await Promise.all([
    thread.call("count"),
    failure(thread.call("refuse")),
    thread.call("count"),
  ]);
  expect([first, last]).toEqual(["shop 1", "shop 2"]);
  expect(refusal).toBeInstanceOf(DatabaseError);
  expect(refusal).toMatchObject({ kind: "unique", message: "taken", columns: ["a.b"] });
  await thread.close();
});

describe("a thread that ends rejects its calls, and the next call starts a new one", () => {
  test.each([
    ["throw", /failed: [\s\S]*thrown/],
    ["throw later", /failed: [\s\S]*thrown later/],
    ["exit", /ended$/],
  ] as const)("by %s", async (input, message) => {
    const thread = open();
    expect(await thread.call("count")).toBe("shop 1");
    const refusals = await Promise.all([
      failure(thread.call("silence")),
      failure(thread.call(input)),
      failure(thread.call("silence")),
    ]);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ name: "DatabaseError", kind: "uncertain" });
      expect((refusal as DatabaseError).message).toMatch(message);
    }
    expect(thread.waiting()).toBe(0);
    expect(await thread.call("count")).toBe("shop 1");
    await thread.close();
  });
});

test("a path that cannot be opened rejects every call, and each call tries again", async () => {
  const thread = open("bad");
  for (let round = 0; round < 2; round += 1)
    expect(await failure(thread.call("count"))).toMatchObject({
      name: "DatabaseError",
      message: "no such file",
    });
  expect(thread.waiting()).toBe(0);
});

test("closing waits for the calls under way and rejects later ones", async () => {
  const thread = open();
  const call = thread.call("count");
  const closed = thread.close();
  expect(await failure(thread.call("count"))).toMatchObject({ kind: "closed" });
  await closed;
  expect(await call).toBe("shop 1");
  await thread.close();
});

test("closing without a call starts no thread", async () => {
  const thread = openThread<Input, string>(pathToFileURL(join(folder, "nothing.ts")), "shop");
  await thread.close();
  expect(thread.waiting()).toBe(0);
});
