// The logs of a cluster: every one is found wherever it lies, no other file is, and a text in one is reported.
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linesWith, logsOf } from "./logs.ts";

const data = mkdtempSync(join(tmpdir(), "insole-logs-"));
const log = `${data}.log`;
afterAll(() => {
  rmSync(data, { recursive: true });
  rmSync(log, { force: true });
});

const put = (path: string, text: string) => writeFileSync(path, text);
mkdirSync(join(data, "nodes", "node-1"), { recursive: true });
mkdirSync(join(data, "primary"));
put(log, "ready\ndoor: refused a token\n");
put(join(data, "nodes", "node-1", "log"), '{"message":"started"}\n{"token":"e30.secret"}\n');
put(join(data, "primary", "sqld.log"), "listening\n");
put(join(data, "primary", "sqld.log.1"), "older\n");
put(join(data, "primary", "wallog"), "secret\n");
put(join(data, "catalogue"), "secret\n");

test("all logs and nothing else", () => {
  expect(
    logsOf({ data, log })
      .map((path) => path.replace(data, ""))
      .toSorted(),
  ).toEqual([".log", "/nodes/node-1/log", "/primary/sqld.log", "/primary/sqld.log.1"]);
});

test("lines with a text are named with their log", () => {
  const logs = logsOf({ data, log });
  expect(linesWith(logs, ["secret", "other"])).toEqual([
    `${join(data, "nodes", "node-1", "log")}: {"token":"e30.secret"}`,
  ]);
  expect(linesWith(logs, ["e31."])).toEqual([]);
  expect(() => linesWith([log], ["secret"])).toThrow("the logs were not found");
});
