// The check of the books after every drill: stock, orders, payments, refunds and mails at the primary fit together.
import { join } from "node:path";
import { ROOT } from "../../cluster/folder.ts";
import type { Cluster } from "../cluster.ts";
import type { Checks } from "../drill.ts";

const COMMAND = join(ROOT, "app/orders/books/command.ts");
/** The primary may just be back. */
const TRIES_MAX = 10;
const PAUSE_MS = 500;
const BROKEN = /^(BROKEN|The books are not right): /m;

/** Runs `bun run check:books` against the primary, again while it does not answer; it must find nothing. */
export async function checkBooks(
  checks: Checks,
  { primary, makeToken }: Pick<Cluster, "primary" | "makeToken">,
  triesMax = TRIES_MAX,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const command = Bun.spawn([process.execPath, COMMAND, primary.url], {
      cwd: ROOT,
      env: { DATABASE_AUTH_TOKEN: makeToken("write") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err, code] = await Promise.all([
      new Response(command.stdout).text(),
      new Response(command.stderr).text(),
      command.exited,
    ]);
    if (code === 0) return;
    if (BROKEN.test(out) || tries === triesMax)
      return checks.none("lines about wrong books", `${out}${err}`.trimEnd().split("\n"));
    await Bun.sleep(PAUSE_MS);
  }
}
