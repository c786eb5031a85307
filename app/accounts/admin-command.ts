// The command `bun run admin`: makes an account an admin, or creates an admin's account.
import { parseArgs } from "node:util";
import type { Database } from "../../db/database.ts";
import { sentenceOf } from "../../db/message.ts";
import { checkEmail, checkPassword } from "../http/credentials.ts";
import { findByEmail } from "./accounts.ts";
import { addAdmin, promote } from "./first-admin.ts";
import type { CommandIo } from "./key-command.ts";
import { openPasswords } from "./passwords.ts";

const USAGE = `usage: bun run admin <email>
Makes the account with this e-mail address an admin and ends its sessions. If there is no such account, creates it
with a password from the standard input.`;

/** What the command needs besides; `readLine` shows a prompt and returns one line of the standard input. */
type AdminIo = CommandIo & { readLine(prompt: string): Promise<string> };

/** Runs the command and returns its exit code. */
export async function adminCommand(args: readonly string[], io: AdminIo): Promise<number> {
  let db: Database | undefined;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: "boolean", short: "h" } },
    });
    const [email, ...more] = positionals.map((word) => word.trim());
    if (values.help) io.out(USAGE);
    if (values.help) return 0;
    if (email === undefined || more.length > 0)
      throw new Error("name one e-mail address (-h shows the usage)");
    const brokenRule = checkEmail(email);
    if (brokenRule) throw new Error(`${email} ${brokenRule}`);
    db = await io.openDatabase();
    io.out(await makeAdmin(db, email, io));
    return 0;
  } catch (thrown) {
    io.err(`admin: ${sentenceOf(thrown)}`);
    return 1;
  } finally {
    await db?.close();
  }
}

async function makeAdmin(db: Database, email: string, { nowMs, readLine }: AdminIo): Promise<string> {
  const account = await db.onPrimary((snapshot) => findByEmail(snapshot, email));
  if (account?.user.role === "admin") return `${account.user.email} is already an admin`;
  if (account) {
    await promote(db, account.user.id, undefined, nowMs);
    return `${account.user.email} is now an admin`;
  }
  const password = await readLine("password of the new account: ");
  const brokenRule = checkPassword(password);
  if (brokenRule) throw new Error(`a password ${brokenRule}`);
  await addAdmin(db, email, await openPasswords().hash(password), nowMs);
  return `created the admin ${email}`;
}

/** Reads one line; on a terminal shows the prompt and hides what the user types. */
async function readHiddenLine(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  if (stdin.isTTY) stderr.write(prompt);
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
    readLine: readHiddenLine,
    nowMs: Date.now(),
  });
}
