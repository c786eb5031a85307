// The command `bun run cluster`: twelve nodes, their primary and NGINX on one machine.
import { clusterCommand } from "./run.ts";

process.exitCode = await clusterCommand(process.argv.slice(2), {
  env: process.env,
  program: [process.execPath, "app/main.ts"],
  isTerminal: Boolean(process.stdout.isTTY),
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  onEnd(stop) {
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  },
});
process.exit();
