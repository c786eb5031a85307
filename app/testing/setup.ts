// Runs before the tests: installs the packages if they are missing, so that `bun test` works in a fresh clone, and starts the
// watchdog that ends what the tests started.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { endGroupWithThisProcess } from "../../replicas/primary/children.ts";

const root = join(import.meta.dir, "../..");

/** Runs Bun in the repository and ends this process when that fails. */
function runBun(...words: string[]): void {
  const { exitCode } = Bun.spawnSync([process.execPath, ...words], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (exitCode !== 0) process.exit(exitCode);
}

if (!existsSync(join(root, "node_modules"))) {
  runBun("install", "--frozen-lockfile", "--no-summary");
  // This process has cached that the packages are missing; a new process finds them.
  runBun("test");
  process.exit(0);
}

// Each worker of `bun test --parallel` leads a group of its own.
endGroupWithThisProcess();
