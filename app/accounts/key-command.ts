// The command `bun run key`: makes or revokes an admin key for scripts.
import { parseArgs } from "node:util";
import type { Database } from "../../db/database.ts";
import { addKey, revokeKey } from "./keys.ts";

const USAGE = `usage: bun run key <name>             make an admin key for scripts; it is shown once
       bun run key --revoke <name>    revoke it
Scripts send it as Authorization: Bearer <key>. What they do is in the audit under its name.`;

/** What a command of accounts needs of the world around it. */
export type CommandWorld = {
  openDatabase(): Database | Promise<Database>;
  out(line: string): void;
  err(line: string): void;
  nowMs: number;
};

/** Runs the command and returns its exit code. */
export async function keyCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  let db: Database | undefined;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { revoke: { type: "boolean", default: false }, help: { type: "boolean", short: "h" } },
    });
    const [name, ...more] = positionals;
    if (values.help) world.out(USAGE);
    if (values.help) return 0;
    if (name === undefined || more.length > 0) throw new Error("name one key (-h shows the usage)");
    db = await world.openDatabase();
    if (values.revoke) await revokeKey(db, name, world.nowMs);
    world.out(values.revoke ? `revoked ${name}` : await addKey(db, name, world.nowMs));
    return 0;
  } catch (thrown) {
    world.err(`key: ${sentenceOf(thrown)}`);
    return 1;
  } finally {
    await db?.close();
  }
}

/** The first sentence: the argument parser adds advice in further ones. */
export function sentenceOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const isUsage = thrown instanceof Error && "code" in thrown && String(thrown.code).startsWith("ERR_PARSE");
  return isUsage ? `${message.split(". ")[0]} (-h shows the usage)` : message;
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
