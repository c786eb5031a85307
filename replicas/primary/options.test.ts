// The command lines that `bun run primary` takes, and those that it refuses in one sentence.
import { expect, test } from "bun:test";
import { isLoopback, readOptions } from "./options.ts";

test.each([
  [["start"], "start is not a command"],
  [["--from", "a.db"], "--from goes with --init"],
  [["--init", "--restore", "a.db"], "--init and --restore exclude each other"],
  [["--no-start"], "--no-start goes with --init or --restore"],
  [["--write"], "--write, --read and --days go with the command token"],
  [["token", "--write", "--read"], "--write and --read exclude each other: make two tokens"],
  ...["0", "3651", "1e2", "1.5", " 90", "90 ", "+9", "٩", "0x10", "", "never", "9999999999999999999999"].map(
    (days): [string[], string] => [
      ["token", "--write", "--days", days],
      `--days is ${days}: it must be a whole number from 1 to 3650`,
    ],
  ),
  [["token", "--days", "3651"], "--days is 3651: it must be a whole number from 1 to 3650"],
  [["token", "--days", "0"], "--days is 0: it must be a whole number from 1 to 3650"],
  [["--listen", "8080"], "--listen is 8080: it must be an address and a port such as 10.0.0.5:8080"],
  [
    ["--listen", "127.0.0.1:0"],
    "--listen is 127.0.0.1:0: it must be an address and a port such as 10.0.0.5:8080",
  ],
  [
    ["--listen", "10.0.0.5:65536"],
    "--listen is 10.0.0.5:65536: it must be an address and a port such as 10.0.0.5:8080",
  ],
  [["token", "more"], "token more is not a command"],
  [["rotate", "revoke"], "rotate revoke is not a command"],
  [["rotate", "--days", "3"], "--write, --read and --days go with the command token"],
  [["revoke", "--read"], "--write, --read and --days go with the command token"],
  [["revoke", "--finish"], "--finish goes with the command rotate"],
  [["token", "--finish"], "--finish goes with the command rotate"],
  [["--tls-cert", "c.pem"], "--tls-cert and --tls-key go together"],
  [["--tls-key", "k.pem"], "--tls-cert and --tls-key go together"],
  [["--sqld-user", "a"], "--sqld-user and --door-user go together"],
  [["--door-user", "a"], "--sqld-user and --door-user go together"],
  [["--revoke", "t"], "--revoke goes with the command token"],
  [["rotate", "--revoke", "t"], "--revoke goes with the command token"],
  [["token", "--revoke", "t", "--read"], "--revoke excludes --write, --read and --days"],
  [["token", "--revoke", "t", "--days", "3"], "--revoke excludes --write, --read and --days"],
  [["--finish"], "--finish goes with the command rotate"],
  [["Rotate"], "Rotate is not a command"],
])("refuses %j", (words, sentence) => {
  expect(() => readOptions(words)).toThrow(sentence);
});

test("without options the primary listens on loopback only", () => {
  expect(readOptions([])).toEqual({
    kind: "run",
    data: "data/primary",
    keys: "data/primary-keys",
    listen: "127.0.0.1:8080",
    tls: undefined,
    users: undefined,
    setup: undefined,
    start: true,
  });
});

test("parses a valid command line", () => {
  expect(readOptions(["token", "--read", "--days", "30"])).toMatchObject({
    grant: { kind: "read", days: 30 },
  });
  expect(readOptions(["token"])).toMatchObject({ grant: { kind: "read", days: 90 } });
  expect(readOptions(["token", "--write"])).toMatchObject({ grant: { kind: "write", days: 90 } });
  expect(readOptions(["token", "--write", "--days", "3650"])).toMatchObject({
    grant: { kind: "write", days: 3_650 },
  });
  expect(readOptions(["rotate", "--keys", "k"])).toEqual({ kind: "change", keys: "k", change: "add" });
  expect(readOptions(["rotate", "--finish"])).toMatchObject({ change: "finish", keys: "data/primary-keys" });
  expect(readOptions(["revoke"])).toEqual({ kind: "change", keys: "data/primary-keys", change: "revoke" });
  expect(readOptions(["token", "--revoke", "-", "--keys", "k"])).toEqual({
    kind: "revoke",
    keys: "k",
    token: "-",
  });
  expect(readOptions(["--tls-cert", "c.pem", "--tls-key", "k.pem"])).toMatchObject({
    tls: { cert: "c.pem", key: "k.pem" },
  });
  expect(readOptions(["--sqld-user", "a", "--door-user", "b"])).toMatchObject({
    users: { sqld: "a", door: "b" },
  });
  expect(readOptions(["--restore", "r.db", "--listen", "[::1]:9000"])).toMatchObject({
    setup: { kind: "restore", from: "r.db" },
    listen: "[::1]:9000",
    start: true,
  });
  expect(readOptions(["--init", "--from", "a.db", "--no-start", "--listen", "10.0.0.5:65535"])).toMatchObject(
    {
      setup: { kind: "init", from: "a.db" },
      listen: "10.0.0.5:65535",
      start: false,
    },
  );
});

test.each([
  ["127.0.0.1:8080", true],
  ["127.1.2.3:8080", true],
  ["localhost:8080", true],
  ["[::1]:8080", true],
  ["10.0.0.5:8080", false],
  ["0.0.0.0:8080", false],
  ["[::]:8080", false],
  ["127.example.com:8080", false],
  ["localhost.example.com:8080", false],
])("%s is reached from this machine only: %p", (listen, isAlone) => {
  expect(isLoopback(listen)).toBe(isAlone);
});
