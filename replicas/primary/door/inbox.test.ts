// What the supervisor may say, and how the door's process begins and ends.
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { freePort } from "../../../db/ports.ts";
import { until } from "../../../db/until.ts";
import { openSigner } from "../../testing/door.ts";
import { linesOf, readMessage } from "./inbox.ts";
import { type DoorMessage, LISTENING } from "./messages.ts";

const keys: DoorMessage = {
  kind: "keys",
  datasetId: "shop",
  publicKeys: [openSigner().publicPem],
  revoked: [],
};
const MESSAGES: DoorMessage[] = [
  { kind: "open", listen: "127.0.0.1:8080", tls: null },
  { kind: "open", listen: "[::1]:8080", tls: { cert: "a", key: "b" } },
  keys,
  { kind: "sqld", url: "http://127.0.0.1:1", writeToken: "a", readToken: "b" },
  { kind: "gone" },
  { kind: "end" },
];

test("messages are read as they were said", () => {
  expect(MESSAGES.map((message) => readMessage(JSON.stringify(message)))).toEqual(MESSAGES);
});

const SECRET = "SECRET";
const BAD: [string, string][] = [
  ["", "not JSON"],
  [`{"kind":"open"${SECRET}`, "not JSON"],
  ["null", "no message"],
  [`"${SECRET}"`, "no message"],
  [`{"kind":"${SECRET}"}`, "no message"],
  [`{"kind":"constructor"}`, "no message"],
  [`{"kind":"open","listen":"a:1"}`, "/tls"],
  [`{"kind":"open","listen":1,"tls":null}`, "/listen"],
  [`{"kind":"keys","datasetId":"","publicKeys":["${SECRET}"],"revoked":[]}`, "/datasetId"],
  [`{"kind":"keys","datasetId":"a","publicKeys":[],"revoked":[]}`, "/publicKeys"],
  [`{"kind":"keys","datasetId":"a","publicKeys":["a"],"revoked":[1]}`, "/revoked/0"],
  [`{"kind":"sqld","url":"a","writeToken":"${SECRET}","readToken":null}`, "/readToken"],
  [`{"kind":"gone","more":"${SECRET}"}`, "/more"],
];
test.each(BAD)("%s is refused in one sentence that repeats nothing of it", (line, named) => {
  const read = () => readMessage(line);
  expect(read).toThrow(named);
  expect(read).toThrow(new RegExp(`^(?!.*${SECRET})[^\\n]+$`));
});

test("lines are put together from the pieces in which they come", async () => {
  const pieces = ["on", "e\ntw", "o\n\nthr\u00e9", "e\nunfinished"].map((piece) =>
    new TextEncoder().encode(piece),
  );
  const lines: string[] = [];
  for await (const line of linesOf(new Blob(pieces).stream())) lines.push(line);
  expect(lines).toEqual(["one", "two", "", "thr\u00e9e"]);
});

describe("the process", () => {
  const started: ReturnType<typeof start>[] = [];
  afterEach(async () => {
    for (const { child } of started.splice(0)) {
      child.kill("SIGKILL");
      await child.exited;
    }
  });
  function start(...messages: (DoorMessage | string)[]) {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "command.ts")], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      env: {},
    });
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      void (async () => {
        for await (const line of linesOf(stream)) lines.push(line);
      })();
    const say = (message: DoorMessage | string) => {
      child.stdin.write(`${typeof message === "string" ? message : JSON.stringify(message)}\n`);
      child.stdin.flush();
    };
    for (const message of messages) say(message);
    return { child, lines, say };
  }
  const begin = (...messages: (DoorMessage | string)[]) => {
    const one = start(...messages);
    started.push(one);
    return one;
  };
  const opening = (port: number): DoorMessage => ({ kind: "open", listen: `127.0.0.1:${port}`, tls: null });
  const listens = (lines: string[]) => until("the door listens", () => lines.includes(LISTENING));

  test("says once that it listens, then lines for the operator, and ends in order", async () => {
    const port = freePort();
    const { child, lines, say } = begin(opening(port), keys);
    await listens(lines);
    const headers = { authorization: "Bearer garbage" };
    for (let count = 0; count < 3; count += 1)
      expect((await fetch(`http://127.0.0.1:${port}/dataset`, { headers })).status).toBe(401);
    say({ kind: "end" });
    expect(await child.exited).toBe(0);
    await until("its lines", () => lines.length === 2);
    expect(lines).toEqual([LISTENING, "refused a token from 127.0.0.1: it is no token"]);
  });

  test("ends when the supervisor has ended", async () => {
    const { child, lines } = begin(opening(freePort()), keys);
    await listens(lines);
    child.stdin.end();
    expect(await child.exited).toBe(0);
  });

  test("ends with one sentence after a line that it cannot read, and after a key that is none", async () => {
    const cases: [DoorMessage | string, string][] = [
      ["nonsense", "the door ends: a line from the supervisor is not JSON"],
      [
        { ...keys, publicKeys: ["none"] },
        "the door ends: a key for checking tokens is not an Ed25519 public key in PEM",
      ],
    ];
    for (const [message, sentence] of cases) {
      const { child, lines, say } = begin(opening(freePort()));
      await listens(lines);
      say(message);
      expect(await child.exited).toBe(1);
      await until("its lines", () => lines.length === 2);
      expect(lines).toEqual([LISTENING, sentence]);
    }
  });

  test("ends with one sentence where it cannot listen", async () => {
    const port = freePort();
    const first = begin(opening(port));
    await listens(first.lines);
    for (const message of [opening(port), { ...opening(port), listen: "nowhere" }]) {
      const { child, lines } = begin(message);
      expect(await child.exited).toBe(1);
      await until("its line", () => lines.length === 1);
      expect(lines[0]).toMatch(/^the door ends: [^\n]*(in use|address and a port)/);
    }
  });
});
