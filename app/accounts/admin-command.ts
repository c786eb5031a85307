// The command `bun run admin`: makes an account an admin, and the account too when there is none.
import { parseArgs } from "node:util";
import type { Database } from "../../db/database.ts";
import { checkEmail, checkPassword } from "../http/credentials.ts";
import { findByEmail } from "./accounts.ts";
import { addAdmin, promote } from "./first-admin.ts";
import { type CommandWorld, sentenceOf } from "./key-command.ts";
import { openPasswords } from "./passwords.ts";

const USAGE = `usage: bun run admin <email>
Makes the account of this e-mail address an admin; its sessions end. Without such an account one is made:
its password is read from the standard input.`;

/** Runs the command and returns its exit code; `readLine` gives one line of the standard input, asking for it by name. */
export async function adminCommand(
  args: readonly string[],
  world: CommandWorld & { readLine(question: string): Promise<string> },
): Promise<number> {
  let db: Database | undefined;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: "boolean", short: "h" } },
    });
    const [email, ...more] = positionals.map((word) => word.trim());
    if (values.help) world.out(USAGE);
    if (values.help) return 0;
    if (email === undefined || more.length > 0)
      throw new Error("name one e-mail address (-h shows the usage)");
    const complaint = checkEmail(email);
    if (complaint) throw new Error(`${email} ${complaint}`);
    db = await world.openDatabase();
    world.out(await makeAdmin(db, email, world));
    return 0;
  } catch (thrown) {
    world.err(`admin: ${sentenceOf(thrown)}`);
    return 1;
  } finally {
    await db?.close();
  }
}

async function makeAdmin(
  db: Database,
  email: string,
  { nowMs, readLine }: { nowMs: number; readLine(question: string): Promise<string> },
): Promise<string> {
  const account = await db.onPrimary((snapshot) => findByEmail(snapshot, email));
  if (account?.user.role === "admin") return `${account.user.email} is an admin already`;
  if (account) {
    await promote(db, account.user.id, undefined, nowMs);
    return `${account.user.email} is an admin now`;
  }
  const password = await readLine("password of the new account: ");
  const complaint = checkPassword(password);
  if (complaint) throw new Error(`a password ${complaint}`);
  await addAdmin(db, email, await openPasswords().hash(password), nowMs);
  return `made the admin ${email}`;
}

/** One line; on a terminal it is asked for, and not shown while it is typed. */
async function readLineOf(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (stdin.isTTY) stderr.write(question);
  const { createInterface } = await import("node:readline/promises");
  const { Writable } = await import("node:stream");
  const silent = new Writable({ write: (_chunk, _encoding, next) => next() });
  const lines = createInterface({ input: stdin, output: silent, terminal: Boolean(stdin.isTTY) });
  try {
    for await (const line of lines) return line;
    return "";
  } finally {
    lines.close();
    if (stdin.isTTY) stderr.write("\n");
  }
}

if (import.meta.main) {
  const { readConfig } = await import("../config.ts");
  const { openForCommand } = await import("../open.ts");
  process.exitCode = await adminCommand(process.argv.slice(2), {
    openDatabase: () => openForCommand(readConfig(process.env)),
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    readLine: readLineOf,
    nowMs: Date.now(),
  });
}
