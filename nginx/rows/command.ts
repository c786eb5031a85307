// The second half of nginx/check: runs every row on a running edge and prints a line for each.
import { parseArgs } from "node:util";
import { sentenceOf } from "../../db/message.ts";
import { ERROR_ROWS, HIDDEN_ROWS } from "./errors.ts";
import { ORDER_ROWS } from "./orders.ts";
import { FLOOD_ROWS, LISTENER_ROWS, PERSONAL_ROWS } from "./personal.ts";
import { openEdgeClient, type Row, runRow } from "./row.ts";
import { SHARED_ROWS } from "./shared.ts";
import { VERSION_ROWS } from "./version.ts";

const OPTIONS = {
  edge: { type: "string" },
  tls: { type: "string" },
  status: { type: "string" },
  flood: { type: "boolean" },
} as const;
const MARKS = { ok: "ok     ", failed: "FAILED ", skipped: "-      " };

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  const { edge, tls = null, status = null, flood = false } = values;
  if (edge === undefined) throw new Error("--edge is missing: see nginx/check --help");
  const client = await openEdgeClient({ edge, tls, status });
  const rows: Row[] = [
    ...SHARED_ROWS,
    ...VERSION_ROWS,
    ...PERSONAL_ROWS,
    ...ORDER_ROWS,
    ...HIDDEN_ROWS,
    ...ERROR_ROWS,
    ...LISTENER_ROWS,
    ...(flood ? FLOOD_ROWS : []),
  ];
  const counts = { ok: 0, failed: 0, skipped: 0 };
  for (const row of rows) {
    const { outcome, why } = await runRow(row, client);
    counts[outcome] += 1;
    process.stdout.write(`${MARKS[outcome]} ${row.rule}${why === "" ? "" : `: ${why}`}\n`);
  }
  process.stdout.write(`${counts.ok} ok, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  return counts.failed === 0 ? 0 : 1;
}

try {
  process.exit(await main());
} catch (thrown) {
  process.stderr.write(`nginx/check: ${sentenceOf(thrown)}\n`);
  process.exit(2);
}
