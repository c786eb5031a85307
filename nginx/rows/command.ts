// Asks a running edge every question of the table and prints a line for each; the second half of nginx/check.
import { parseArgs } from "node:util";
import { ERROR_ROWS, HIDDEN_ROWS } from "./errors.ts";
import { FLOOD_ROWS, LISTENER_ROWS, PERSONAL_ROWS } from "./personal.ts";
import { openAsker, type Row, runRow } from "./row.ts";
import { SHARED_ROWS } from "./shared.ts";
import { VERSION_ROWS } from "./version.ts";

const OPTIONS = {
  edge: { type: "string" },
  tls: { type: "string" },
  status: { type: "string" },
  flood: { type: "boolean" },
} as const;

const say = (line: string): unknown => process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  const { edge, tls = null, status = null, flood = false } = values;
  if (edge === undefined) throw new Error("--edge is missing: see nginx/check --help");
  const asker = await openAsker({ edge, tls, status });
  const rows: Row[] = [...SHARED_ROWS, ...VERSION_ROWS, ...PERSONAL_ROWS, ...HIDDEN_ROWS, ...ERROR_ROWS];
  rows.push(...LISTENER_ROWS, ...(flood ? FLOOD_ROWS : []));
  let failed = 0;
  for (const row of rows) {
    const why = await runRow(row, asker);
    if (why !== null && why !== "left out") failed += 1;
    const mark = why === null ? "ok     " : why === "left out" ? "-      " : "FAILED ";
    say(`${mark} ${row.says}${why === null ? "" : `: ${why}`}`);
  }
  say(failed === 0 ? `all ${rows.length} kept` : `${failed} of ${rows.length} failed`);
  return failed === 0 ? 0 : 1;
}

try {
  process.exit(await main());
} catch (thrown) {
  process.stderr.write(`nginx/check: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exit(2);
}
