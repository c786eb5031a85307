// The command `bun run key`: creates or revokes an admin key for scripts.
import { parseArgs } from "node:util";
import type { Database } from "../../db/database.ts";
import { sentenceOf } from "../../db/message.ts";
import { addKey, revokeKey } from "./keys.ts";

const USAGE = `usage: bun run key <name>             create an admin key for scripts and show it once
       bun run key --revoke <name>    revoke the key
Scripts send the key as Authorization: Bearer <key>. The audit records their writes under its name.`;

/** Input and output of a command of accounts. */
export type CommandIo = {
  openDatabase(): Database | Promise<Database>;
  out(line: string): void;
  err(line: string): void;
  nowMs: number;
};

/** Runs the command and returns its exit code. */
export async function keyCommand(args: readonly string[], io: CommandIo): Promise<number> {
  let db: Database | undefined;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { revoke: { type: "boolean", default: false }, help: { type: "boolean", short: "h" } },
    });
    const [name, ...more] = positionals;
    if (values.help) io.out(USAGE);
    if (values.help) return 0;
    if (name === undefined || more.length > 0) throw new Error("name one key (-h shows the usage)");
    db = await io.openDatabase();
    if (values.revoke) await revokeKey(db, name, io.nowMs);
    io.out(values.revoke ? `revoked ${name}` : await addKey(db, name, io.nowMs));
    return 0;
  } catch (thrown) {
    io.err(`key: ${sentenceOf(thrown)}`);
    return 1;
  } finally {
    await db?.close();
  }
}

if (import.meta.main) {
  const { readConfig } = await import("../config.ts");
  const { openForCommand } = await import("../open.ts");
  process.exitCode = await keyCommand(process.argv.slice(2), {
    openDatabase: () => openForCommand(readConfig(process.env)),
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    nowMs: Date.now(),
  });
}
