// The command `bun run primary`: creates, restores and runs the primary that all nodes write to, makes and revokes their tokens,
// and changes the keys that sign those.
import { sentenceOf } from "../../db/message.ts";
import { must } from "../../db/must.ts";
import { openOutput } from "../../db/output.ts";
import { expiryOfToken } from "../dataset.ts";
import { openChildren } from "./children.ts";
import { initDataset, restoreDataset } from "./dataset.ts";
import { type Grant, idOfToken, makeToken, readKeys } from "./keys.ts";
import { lockFolder } from "./lock.ts";
import { isLoopback, type PrimaryCommand, readOptions, USAGE } from "./options.ts";
import { revokeToken } from "./revoked.ts";
import { changeKeys, type KeyChange } from "./rotation.ts";
import { openPrimary } from "./supervisor.ts";
import { findUsers } from "./users.ts";

type Run = PrimaryCommand & { kind: "run" };

const print = openOutput(process.stdout);
const printError = openOutput(process.stderr);
const warn = (line: string): void => printError(`primary: ${line}`);

/** Creates or restores the dataset before the start; the folder is locked meanwhile. */
function prepare({ data, keys, setup }: Run): void {
  if (setup === undefined) return;
  const lock = lockFolder(data);
  if (!lock) throw new Error(`${data} is in use: a primary runs on it already`);
  try {
    const startedAtMs = performance.now();
    const { id, generation } =
      setup.kind === "init"
        ? initDataset({ data, keys }, setup.from)
        : restoreDataset({ data, keys }, setup.from);
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    const verb = setup.kind === "init" ? "created" : "restored";
    print(`${verb} the dataset ${id}, generation ${generation}, in ${data} (${seconds} s)`);
  } finally {
    lock.release();
  }
}

async function run(command: Run): Promise<void> {
  prepare(command);
  if (!command.start) return;
  if (command.tls === undefined && !isLoopback(command.listen))
    warn(
      `${command.listen} is reached without TLS: keep it in a private network, or name --tls-cert and --tls-key`,
    );
  const users = command.users && findUsers(command.users.sqld, command.users.door);
  const children = openChildren();
  try {
    const primary = openPrimary({ ...command, users, children, say: warn });
    // A terminal can deliver its signal twice: directly and through the package runner.
    process.on("SIGTERM", () => void primary.stop());
    process.on("SIGINT", () => void primary.stop());
    void primary.ready.then(
      () =>
        print(
          `the primary is ready at ${primary.url} (door ${primary.door()}, sqld ${primary.pid()}, data in ${command.data})`,
        ),
      () => {},
    );
    await primary.ended;
  } finally {
    await children.close();
  }
}

const CHANGED: Record<KeyChange, string> = {
  add: "a new key signs tokens from now on; tokens made before stay valid until rotate --finish",
  finish: "only tokens of the newest key are valid",
  revoke: "every token made before is refused: each node needs new ones (run primary token)",
};

/** Prints a token, and beside it the id by which it can be revoked. */
function printToken(keys: string, grant: Grant): void {
  const token = makeToken(readKeys(keys), grant, Date.now());
  print(token);
  const endsAt = new Date(must(expiryOfToken(token), "the end of the token") * 1_000).toISOString();
  printError(`id ${idOfToken(token)}, ${grant.kind}, ends at ${endsAt}; token --revoke <id> ends it before`);
}

try {
  const command = readOptions(process.argv.slice(2));
  if (command.kind === "help") print(USAGE);
  else if (command.kind === "token") printToken(command.keys, command.grant);
  else if (command.kind === "revoke") {
    const token = command.token === "-" ? await Bun.stdin.text() : command.token;
    print(revokeToken(command.keys, token.trim(), Date.now()));
  } else if (command.kind === "change") {
    changeKeys(command.keys, command.change);
    print(`${CHANGED[command.change]}. A running primary takes the keys within a second`);
  } else await run(command);
} catch (thrown) {
  warn(sentenceOf(thrown));
  process.exitCode = 1;
}
