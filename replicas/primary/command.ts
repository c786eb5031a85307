// The command `bun run primary`: makes, restores and runs the libSQL server that all nodes write to, and makes their tokens.
import { sentenceOf } from "../../db/message.ts";
import { openChildren } from "./children.ts";
import { initDataset, restoreDataset } from "./dataset.ts";
import { makeToken, readKeys } from "./keys.ts";
import { lockFolder } from "./lock.ts";
import { type PrimaryCommand, readOptions, USAGE } from "./options.ts";
import { openPrimary } from "./supervisor.ts";

type Run = PrimaryCommand & { kind: "run" };

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const warn = (line: string): void => void process.stderr.write(`primary: ${line}\n`);

/** What comes before the start; the folder is held meanwhile. */
function prepare({ data, keys, first }: Run): void {
  if (first === undefined) return;
  const lock = lockFolder(data);
  if (!lock) throw new Error(`${data} is in use: a primary runs on it already`);
  try {
    const startedAtMs = performance.now();
    const { id, generation } =
      first.kind === "init"
        ? initDataset({ data, keys }, first.from)
        : restoreDataset({ data, keys }, first.from);
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    const verb = first.kind === "init" ? "made" : "restored";
    say(`${verb} the dataset ${id}, generation ${generation}, in ${data} (${seconds} s)`);
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
    // A terminal may deliver its signal twice: through the package runner and by itself.
    process.on("SIGTERM", () => void primary.stop());
    process.on("SIGINT", () => void primary.stop());
    void primary.ready.then(
      () => say(`the primary is ready at ${primary.url} (sqld ${primary.pid()}, data in ${command.data})`),
      () => {},
    );
    await primary.ended;
  } finally {
    await children.close();
  }
}

try {
  const command = readOptions(process.argv.slice(2));
  if (command.kind === "help") say(USAGE);
  else if (command.kind === "token") say(makeToken(readKeys(command.keys), command.grant, Date.now()));
  else await run(command);
} catch (thrown) {
  warn(sentenceOf(thrown));
  process.exitCode = 1;
}
