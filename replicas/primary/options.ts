// The command line of `bun run primary`.
import { parseArgs } from "node:util";
import type { CertificateFiles } from "./certificate.ts";
import { type Grant, TOKEN_DAYS, TOKEN_DAYS_MAX } from "./keys.ts";
import type { KeyChange } from "./rotation.ts";

export const USAGE = `usage: bun run primary [--data DIR] [--keys DIR] [--listen HOST:PORT] [--tls-cert FILE --tls-key FILE]
       bun run primary --init [--from FILE] [--no-start] ...     create the dataset and its keys first
       bun run primary --restore FILE [--no-start] ...           restore a copy first
       bun run primary token [--keys DIR] [--write | --read] [--days 90]
       bun run primary token [--keys DIR] --revoke T             end one token
       bun run primary rotate [--keys DIR] [--finish]            change the keys while all nodes keep working
       bun run primary revoke [--keys DIR]                       end every token at once

Runs the libSQL server that all nodes write to, on loopback, and the door in front of it, which checks tokens and all that
nodes send; restarts each of them when it ends or hangs. Refuses data that does not belong to the dataset of the keys.
  --data DIR      the server's folder                                        (data/primary)
  --keys DIR      the dataset's id and its key pair: keep a backup           (data/primary-keys)
  --listen A      the address of the door: private, never public             (127.0.0.1:8080)
  --tls-cert F    the door's certificate, with its chain, and its private
  --tls-key F     key, both as PEM; renewed files are taken within seconds   (plain HTTP)
  --sqld-user U   as root: the users that sqld and the door run as, by name
  --door-user U   or uid:gid; the data folder then belongs to sqld's user    (all as one user)
  --init          creates a dataset: empty, or with --from a copy of a single machine's file (data/insole.db)
  --restore FILE  replaces the data by this copy (a backup, or a node's replica.db) as a new generation;
                  the data before is kept in DIR/before-restore
  --no-start      ends after --init or --restore
  token           prints a token for nodes, --write or --read, which ends after --days (${TOKEN_DAYS}; at most ${TOKEN_DAYS_MAX}).
                  A node gets DATABASE_AUTH_TOKEN=<write>,<read>. The token's id goes to the error output
  --revoke T      ends one token, given by its id, as itself, or as - from the standard input
  rotate          adds a key that signs from now on; tokens of the one before stay valid until rotate --finish
  revoke          replaces the key: every token made before is refused, and every node needs new ones.
                  A running primary takes all of these within a second. Data and dataset stay as they are`;

/** A parsed command line. */
export type PrimaryCommand =
  | { kind: "help" }
  | { kind: "token"; keys: string; grant: Grant }
  | { kind: "change"; keys: string; change: KeyChange }
  | { kind: "revoke"; keys: string; token: string }
  | {
      kind: "run";
      data: string;
      keys: string;
      listen: string;
      tls: CertificateFiles | undefined;
      users: { sqld: string; door: string } | undefined;
      setup: { kind: "init"; from: string | undefined } | { kind: "restore"; from: string } | undefined;
      start: boolean;
    };

const WORDS = ["token", "rotate", "revoke"];
const KEYS_DEFAULT = "data/primary-keys";

const LOOPBACK = /^(127(\.\d+){3}|localhost|\[::1\]):\d+$/;

/** Whether only this machine reaches the address. */
export const isLoopback = (listen: string): boolean => LOOPBACK.test(listen);

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      data: { type: "string", default: "data/primary" },
      keys: { type: "string", default: KEYS_DEFAULT },
      listen: { type: "string", default: "127.0.0.1:8080" },
      "tls-cert": { type: "string" },
      "tls-key": { type: "string" },
      "sqld-user": { type: "string" },
      "door-user": { type: "string" },
      init: { type: "boolean", default: false },
      from: { type: "string" },
      restore: { type: "string" },
      "no-start": { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      read: { type: "boolean", default: false },
      days: { type: "string" },
      revoke: { type: "string" },
      finish: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });

type Values = ReturnType<typeof parse>["values"];

/** Parses the arguments. Throws one sentence, or the parser's own error, when they are not valid. */
export function readOptions(args: readonly string[]): PrimaryCommand {
  const { values, positionals } = parse(args);
  if (values.help) return { kind: "help" };
  const [word, ...more] = positionals;
  if (more.length > 0 || (word !== undefined && !WORDS.includes(word)))
    throw new Error(`${positionals.join(" ")} is not a command`);
  if (values.finish && word !== "rotate") throw new Error("--finish goes with the command rotate");
  if (word === "token") return tokenCommand(values);
  if (isGrant(values)) throw new Error("--write, --read and --days go with the command token");
  if (values.revoke !== undefined) throw new Error("--revoke goes with the command token");
  if (word === "rotate")
    return { kind: "change", keys: values.keys, change: values.finish ? "finish" : "add" };
  if (word === "revoke") return { kind: "change", keys: values.keys, change: "revoke" };
  return runCommand(values);
}

const isGrant = ({ write, read, days }: Values): boolean => write || read || days !== undefined;

function tokenCommand(values: Values): PrimaryCommand {
  if (values.revoke === undefined) return { kind: "token", keys: values.keys, grant: grantOf(values) };
  if (isGrant(values)) throw new Error("--revoke excludes --write, --read and --days");
  return { kind: "revoke", keys: values.keys, token: values.revoke };
}

function runCommand(values: Values): PrimaryCommand {
  const { init, from, restore, data, keys, listen } = values;
  if (init && restore !== undefined) throw new Error("--init and --restore exclude each other");
  if (from !== undefined && !init) throw new Error("--from goes with --init");
  if (values["no-start"] && !init && restore === undefined)
    throw new Error("--no-start goes with --init or --restore");
  checkListen(listen);
  const [cert, key] = both(values, "tls-cert", "tls-key");
  const [sqld, door] = both(values, "sqld-user", "door-user");
  return {
    kind: "run",
    data,
    keys,
    listen,
    tls: cert === undefined || key === undefined ? undefined : { cert, key },
    users: sqld === undefined || door === undefined ? undefined : { sqld, door },
    setup: init
      ? { kind: "init", from }
      : restore === undefined
        ? undefined
        : { kind: "restore", from: restore },
    start: !values["no-start"],
  };
}

type Optional = "tls-cert" | "tls-key" | "sqld-user" | "door-user";

/** The values of two options that go together. */
function both(values: Values, one: Optional, other: Optional): [string | undefined, string | undefined] {
  if ((values[one] === undefined) !== (values[other] === undefined))
    throw new Error(`--${one} and --${other} go together`);
  return [values[one], values[other]];
}

function grantOf(values: { write: boolean; read: boolean; days?: string | undefined }): Grant {
  if (values.write && values.read) throw new Error("--write and --read exclude each other: make two tokens");
  const days = values.days ?? String(TOKEN_DAYS);
  const isGood = /^\d{1,9}$/.test(days) && Number(days) >= 1 && Number(days) <= TOKEN_DAYS_MAX;
  if (!isGood) throw new Error(`--days is ${days}: it must be a whole number from 1 to ${TOKEN_DAYS_MAX}`);
  return { kind: values.write ? "write" : "read", days: Number(days) };
}

function checkListen(listen: string): void {
  const port = Number(/^(?:[\w.-]+|\[[\da-fA-F:]+\]):(\d{1,5})$/.exec(listen)?.[1] ?? Number.NaN);
  if (!(port >= 1 && port <= 65_535))
    throw new Error(`--listen is ${listen}: it must be an address and a port such as 10.0.0.5:8080`);
}
