// A node's warnings of tokens that end, by a clock of the test.
import { afterEach, describe, expect, test } from "bun:test";
import { until } from "../../db/until.ts";
import { openTokenWatch, type TokenWatch } from "./tokens.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2030, 0, 1);
const END = "2030-01-15T00:00:00.000Z";

const tokenOf = (claims: unknown): string =>
  `head.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.mac`;
const endingIn = (days: number): string => tokenOf({ exp: (NOW_MS + days * DAY_MS) / 1_000 });

let watch: TokenWatch | undefined;
afterEach(() => watch?.stop());

/** Watches the tokens from `nowMs` on; returns what was logged. */
function watched(write: string, sync: string, now = () => NOW_MS, everyMs = DAY_MS): string[] {
  const lines: string[] = [];
  const log = (level: string, message: string, facts: Record<string, unknown> = {}) =>
    void lines.push(`${level} ${facts.token} ${facts.endsAt}: ${/ends soon|has ended/.exec(message)?.[0]}`);
  watch = openTokenWatch({ write, sync }, log, { now, everyMs });
  return lines;
}

test.each([
  [endingIn(15), endingIn(90), []],
  [endingIn(14), endingIn(14), []],
  [endingIn(13), endingIn(90), ["warn write 2030-01-14T00:00:00.000Z: ends soon"]],
  [endingIn(90), endingIn(1), ["warn sync 2030-01-02T00:00:00.000Z: ends soon"]],
  [endingIn(0), endingIn(90), ["error write 2030-01-01T00:00:00.000Z: has ended"]],
  [endingIn(-400), endingIn(90), ["error write 2028-11-27T00:00:00.000Z: has ended"]],
  [tokenOf({}), tokenOf({ a: "rw" }), []],
  // Not tokens of ours: the primary decides.
  ["", "", []],
  ["a", "a.b", []],
  ["a.b.c", "...", []],
  [tokenOf({ exp: "soon" }), tokenOf({ exp: null }), []],
  [tokenOf({ exp: 1e30 }), tokenOf([1]), []],
])("%j and %j", (write, sync, lines) => {
  expect(watched(write, sync)).toEqual(lines);
});

test("says when the tokens end, or that they do not", () => {
  watched(endingIn(14), tokenOf({ a: "ro" }));
  expect(watch?.endsAt()).toEqual({ writeTokenEndsAt: END, syncTokenEndsAt: null });
});

describe("a node that runs for months", () => {
  test("is warned when the time has come", async () => {
    let nowMs = NOW_MS;
    const lines = watched(endingIn(90), tokenOf({}), () => nowMs, 5);
    expect(lines).toEqual([]);
    nowMs = NOW_MS + 77 * DAY_MS;
    await until("the warning", () => lines.some((line) => line.includes("ends soon")));
    nowMs = NOW_MS + 91 * DAY_MS;
    await until("the error", () => lines.some((line) => line.includes("has ended")));
  });
});
