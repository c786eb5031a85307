// Runs commands of the project in a process of their own, for tests: output and exit code.
import { join } from "node:path";

/** Runs a script below `app/` with `env` as its whole environment and `typed` on its standard input. */
export async function runScript(
  script: string,
  args: string[],
  env: Record<string, string>,
  typed = "",
): Promise<{ out: string; err: string; code: number }> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "..", script), ...args], {
    env,
    stdin: new Blob([typed]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out: out.trim(), err, code };
}
