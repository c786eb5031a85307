// What a command prints about anything thrown: one sentence, without the further advice of the argument parser.
import { expect, test } from "bun:test";
import { parseArgs } from "node:util";
import { messageOf, sentenceOf } from "./message.ts";

const options = { seed: { type: "string" } } as const;

test.each([
  [["--fast"], "Unknown option '--fast' (-h shows the usage)"],
  // The advice begins on a line of its own.
  [["--seed", "--fast"], "Option '--seed' argument is ambiguous (-h shows the usage)"],
])("the arguments %j", (args, sentence) => {
  const refusal = () => {
    try {
      return parseArgs({ args, options });
    } catch (thrown) {
      return sentenceOf(thrown);
    }
  };
  expect(refusal()).toBe(sentence);
});

test("other errors keep their message, and other values are text", () => {
  expect([sentenceOf(new Error("One. Two.")), messageOf("text"), messageOf(7)]).toEqual([
    "One. Two.",
    "text",
    "7",
  ]);
});
