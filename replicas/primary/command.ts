// The command `bun run primary`: creates, restores and runs the libSQL server that all nodes write to, makes their tokens, and
// changes the keys that sign those.
import { sentenceOf } from "../../db/message.ts";
import { openOutput } from "../../db/output.ts";
import { openChildren } from "./children.ts";
import { initDataset, restoreDataset } from "./dataset.ts";
import { makeToken, readKeys } from "./keys.ts";
import { lockFolder } from "./lock.ts";
import { type PrimaryCommand, readOptions, USAGE } from "./options.ts";
import { changeKeys, type KeyChange } from "./rotation.ts";
import { openPrimary } from "./supervisor.ts";

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
  const children = openChildren();
  try {
    const primary = openPrimary({ ...command, children, say: warn });
    // A terminal can deliver its signal twice: directly and through the package runner.
    process.on("SIGTERM", () => void primary.stop());
    process.on("SIGINT", () => void primary.stop());
    void primary.ready.then(
      () => print(`the primary is ready at ${primary.url} (sqld ${primary.pid()}, data in ${command.data})`),
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

try {
  const command = readOptions(process.argv.slice(2));
  if (command.kind === "help") print(USAGE);
  else if (command.kind === "token") print(makeToken(readKeys(command.keys), command.grant, Date.now()));
  else if (command.kind === "change") {
    changeKeys(command.keys, command.change);
    print(`${CHANGED[command.change]}. A running primary takes the keys within seconds`);
  } else await run(command);
} catch (thrown) {
  warn(sentenceOf(thrown));
  process.exitCode = 1;
}
