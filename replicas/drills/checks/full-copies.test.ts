// Replicas that went on in their log, that stayed where they were, and that begin another one.
import { expect, test } from "bun:test";
import { notContinued } from "./full-copies.ts";

const at = (log: string, frame: bigint) => new Map([["node-1", { log, frame }]]);

test.each([
  ["further in the same log", at("a", 8n), []],
  ["at the same frame", at("a", 7n), ["node-1 stays at frame 7"]],
  ["in another log", at("b", 9n), ["node-1 follows the log b instead of a"]],
  ["gone", new Map(), ["node-1 follows the log undefined instead of a"]],
])("a replica that is %s", (_, after, expected) => {
  expect(notContinued(at("a", 7n), after)).toEqual(expected);
});
