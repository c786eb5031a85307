// What the operator reads of refused tokens: the first of each reason in a minute.
import { expect, test } from "bun:test";
import { openRefusedTokens } from "./refused-tokens.ts";

test("a flood of refused tokens is one line a minute for each reason, with their number", () => {
  const lines: string[] = [];
  let nowMs = 0;
  const refused = openRefusedTokens(
    (line) => lines.push(line),
    () => nowMs,
  );
  for (let second = 0; second < 120; second += 1) {
    nowMs = second * 1_000;
    refused.note("ended", "10.0.0.3");
    refused.note("revoked", "10.0.0.4");
  }
  expect(lines).toEqual([
    "refused a token from 10.0.0.3: it has ended",
    "refused a token from 10.0.0.4: it was revoked",
    "refused a token from 10.0.0.3: it has ended (60 times since the last line)",
    "refused a token from 10.0.0.4: it was revoked (60 times since the last line)",
  ]);
  expect(refused.metrics().map(({ value, labels }) => [labels?.reason, value])).toEqual([
    ["ended", 120],
    ["revoked", 120],
  ]);
});
