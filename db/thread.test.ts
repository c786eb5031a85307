// A worker thread as a function: answers in order, and what happens when the thread dies.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DatabaseError } from "./errors.ts";
import { openThread } from "./thread.ts";

type Question = "life" | "refuse" | "throw" | "throw later" | "exit" | "silence";

// Answers "life" with how many questions this one thread has heard, and dies in the ways that threads die.
const MODULE = `
let path = "";
let heard = 0;
self.onmessage = ({ data: { id, kind, path: given, question } }) => {
  if (kind === "open") path = given;
  if (kind === "open" && path === "bad") return self.postMessage({ id, ok: false, kind: "unknown", message: "no such file", columns: [] });
  if (question === "refuse") return self.postMessage({ id, ok: false, kind: "unique", message: "taken", columns: ["a.b"] });
  if (question === "throw") throw new Error("thrown");
  if (question === "throw later") return void setTimeout(() => { throw new Error("thrown later"); });
  if (question === "exit") return process.exit(3);
  if (question === "silence") return;
  self.postMessage({ id, ok: true, answer: path + " " + (kind === "ask" ? ++heard : 0) });
};`;

const folder = mkdtempSync(join(tmpdir(), "insole-thread-"));
const file = join(folder, "worker.ts");
writeFileSync(file, MODULE);
afterAll(() => rmSync(folder, { recursive: true }));

const open = (path = "shop") => openThread<Question, string>(pathToFileURL(file), path);
const failure = (promise: Promise<string>): Promise<unknown> => promise.catch((thrown) => thrown);

test("opens the path first, then answers one after the other", async () => {
  const thread = open();
  const asked = [thread.ask("life"), thread.ask("life"), thread.ask("life")];
  expect(thread.waiting()).toBe(4);
  expect(await Promise.all(asked)).toEqual(["shop 1", "shop 2", "shop 3"]);
  expect(thread.waiting()).toBe(0);
  await thread.close();
});

test("a refusal comes back as the error it was, to the one who asked", async () => {
  const thread = open();
  const [first, refusal, last] = await Promise.all([
    thread.ask("life"),
    failure(thread.ask("refuse")),
    thread.ask("life"),
  ]);
  expect([first, last]).toEqual(["shop 1", "shop 2"]);
  expect(refusal).toBeInstanceOf(DatabaseError);
  expect(refusal).toMatchObject({ kind: "unique", message: "taken", columns: ["a.b"] });
  await thread.close();
});

describe("a thread that dies takes its questions with it, and the next question starts a new one", () => {
  test.each([
    ["throw", /failed: [\s\S]*thrown/],
    ["throw later", /failed: [\s\S]*thrown later/],
    ["exit", /ended$/],
  ] as const)("by %s", async (death, message) => {
    const thread = open();
    expect(await thread.ask("life")).toBe("shop 1");
    const refusals = await Promise.all([
      failure(thread.ask("silence")),
      failure(thread.ask(death)),
      failure(thread.ask("silence")),
    ]);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ name: "DatabaseError", kind: "uncertain" });
      expect((refusal as DatabaseError).message).toMatch(message);
    }
    expect(thread.waiting()).toBe(0);
    expect(await thread.ask("life")).toBe("shop 1");
    await thread.close();
  });
});

test("a path that cannot be opened refuses every question, and each asks anew", async () => {
  const thread = open("bad");
  for (let at = 0; at < 2; at += 1)
    expect(await failure(thread.ask("life"))).toMatchObject({
      name: "DatabaseError",
      message: "no such file",
    });
  expect(thread.waiting()).toBe(0);
});

test("closing waits for the answers under way and refuses later questions", async () => {
  const thread = open();
  const asked = thread.ask("life");
  const closed = thread.close();
  expect(await failure(thread.ask("life"))).toMatchObject({ kind: "closed" });
  await closed;
  expect(await asked).toBe("shop 1");
  await thread.close();
});

test("closing one that never was asked starts no thread", async () => {
  const thread = openThread<Question, string>(pathToFileURL(join(folder, "nothing.ts")), "shop");
  await thread.close();
  expect(thread.waiting()).toBe(0);
});
