// The test command: runs `bun test` in a process group and a temporary folder that end with it, so that nothing outlives the tests.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { openChildren } from "../../replicas/primary/children.ts";

/** For each test; a loaded machine is several times slower than a quiet one. */
const TEST_MS_MAX = "20000";
/** Many tests wait for servers, so that one worker more than there are cores pays off. */
const WORKERS_MORE = 1;
const END_MS_MAX = 5_000;
const PARENT_POLL_MS = 500;
/** A PostgreSQL of the tests runs as another user. */
const PASSABLE = 0o711;

const { JUNIT_FILE, ...env } = process.env;
const junit = JUNIT_FILE ? ["--reporter=junit", `--reporter-outfile=${JUNIT_FILE}`] : [];
const workers = availableParallelism() + WORKERS_MORE;
const options = ["--timeout", TEST_MS_MAX, `--parallel=${workers}`, "--no-isolate", ...junit];

const folder = mkdtempSync(join(tmpdir(), "insole-tests-"));
chmodSync(folder, PASSABLE);
const children = openChildren();
const tests = children.start([process.execPath, "test", ...options, ...process.argv.slice(2)], {
  env: { ...(env as Record<string, string>), TMPDIR: folder },
  outPath: null,
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => void children.end(tests, END_MS_MAX, signal));
// Ends the tests when `bun run` was killed. Bun's own --no-orphans would also kill the watchdogs of clusters that tests start.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) void children.end(tests, END_MS_MAX, "SIGTERM");
}, PARENT_POLL_MS).unref();
const code = await tests.exited;
await children.close();
rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
process.exit(code ?? 1);
