// The libSQL server as a child process: its program, how it is started, and which lines of its log an operator sees.
import { closeSync, constants, existsSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { must } from "../../db/must.ts";
import type { Child, Children } from "./children.ts";
import type { SqldLife } from "./door/messages.ts";
import { makePair, signToken } from "./keys.ts";
import { asUser, type User } from "./users.ts";

/** The data folder, a free port of loopback, and the user that sqld runs as, without one that of this process. */
type SqldOptions = { data: string; port: number; user?: User | undefined };

/** One run of sqld: its process, and how it is reached. */
export type Sqld = { child: Child; life: SqldLife };

/** With the default of an hour all writes can hang for good just before 1,000 commits. */
const CHECKPOINT_INTERVAL_SECONDS = "30";
/**
 * How long sqld waits at its end for connections. Idle ones it closes at once, but not one on which no request was ever sent (an
 * unused spare of a client's pool, a port scan): it waits for those up to 30 s by default. The log stays whole either way.
 */
const SHUTDOWN_SECONDS = "2";
/** sqld loses a SIGTERM that comes while it starts. */
const SIGNAL_EVERY_MS = 500;
/** Files and folders that sqld creates are for its user alone. */
const UMASK = 0o077;
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
const LOG_BYTES_MAX = 8 * 1024 * 1024;
/** Errors of clients, which their clients see (sqld logs, for example, a refused token as an error), and a line of its orderly end. */
const NO_TROUBLE = /HTTP API: 4\d\d|SQL_\w+|SQLite (input )?error|hrana server loop exited/;

/** The path of sqld's program. Throws one sentence where its package is not installed. */
export function findSqld(): string {
  const name = `@sqld/${process.platform}-${process.arch}`;
  try {
    return join(dirname(Bun.resolveSync(`${name}/package.json`, import.meta.dir)), "sqld");
  } catch {
    throw new Error(
      `the package ${name} is not installed: run bun install on a machine that sqld is made for`,
    );
  }
}

/**
 * Starts sqld on loopback, with a key pair of its own that exists in memory only: just the tokens of this life open it. Its log goes
 * to `<data>/sqld.log`, and each line that an operator should see to `onTrouble`.
 */
export function startSqld(
  children: Children,
  { data, port, user }: SqldOptions,
  onTrouble: (line: string) => void,
): Sqld {
  const { privatePem, publicPem } = makePair();
  const address = `127.0.0.1:${port}`;
  const program = [
    ...asUser(user),
    findSqld(),
    "-d",
    resolve(data),
    "--http-listen-addr",
    address,
    "--shutdown-timeout",
    SHUTDOWN_SECONDS,
    "--no-welcome",
  ];
  // No other variable: sqld would read further flags from the environment.
  const env = {
    SQLD_AUTH_JWT_KEY: publicPem,
    SQLD_CHECKPOINT_INTERVAL_S: CHECKPOINT_INTERVAL_SECONDS,
    NO_COLOR: "1",
  };
  // A program inherits the umask of this process.
  const umask = process.umask(UMASK);
  let child: Child;
  try {
    child = children.start(program, { cwd: data, env });
  } finally {
    process.umask(umask);
  }
  const logPath = join(data, "sqld.log");
  for (const stream of child.output) void writeLog(stream, logPath, onTrouble);
  return {
    child,
    life: {
      url: `http://${address}`,
      writeToken: signToken(privatePem, { a: "rw" }),
      readToken: signToken(privatePem, { a: "ro" }),
    },
  };
}

/** Sends SIGTERM until sqld has ended, and kills it after `msMax`. */
export async function endSqld(child: Child, children: Children, msMax: number): Promise<void> {
  const signalling = setInterval(() => child.signal("SIGTERM"), SIGNAL_EVERY_MS);
  await children.end(child, msMax);
  clearInterval(signalling);
}

async function writeLog(
  stream: ReadableStream<Uint8Array>,
  path: string,
  onTrouble: (line: string) => void,
): Promise<void> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = must(lines.pop(), "the last line");
    if (lines.length === 0) continue;
    appendLog(path, `${lines.join("\n")}\n`);
    for (const line of lines) if (isTrouble(line)) onTrouble(line);
  }
}

/** Whether an operator should see this line of sqld's log. */
export const isTrouble = (line: string): boolean =>
  /\bERROR\b|panicked at|^Error\b/.test(line) && !NO_TROUBLE.test(line);

function appendLog(path: string, text: string): void {
  try {
    if (existsSync(path) && statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
    // The folder may be that of another user, who could have put a link there.
    const file = openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600);
    writeSync(file, text);
    closeSync(file);
  } catch {
    // A full disk or a missing folder: the primary runs on without its log.
  }
}
