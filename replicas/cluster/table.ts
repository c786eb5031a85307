// The live table of a cluster on a terminal, redrawn once a second.
import { must } from "../../db/must.ts";
import type { Cluster } from "./cluster.ts";
import { memoryOf, openWatch, type Reading } from "./watch.ts";

const REDRAW_MS = 1_000;
const COLUMNS: [string, (row: Reading) => string][] = [
  ["name", ({ name }) => name],
  ["role", ({ role }) => role],
  ["state", ({ state }) => state],
  ["version", ({ seq }) => shown(seq, String)],
  ["lag", ({ lagMs }) => shown(lagMs, (ms) => `${Math.round(ms)} ms`)],
  ["requests/s", ({ requestsPerSecond }) => shown(requestsPerSecond, (each) => each.toFixed(0))],
  ["hits", ({ hitShare }) => shown(hitShare, (each) => `${(each * 100).toFixed(0)} %`)],
  ["memory", ({ memoryMib }) => shown(memoryMib, (mib) => `${mib.toFixed(0)} MiB`)],
];
/** The first columns are text and aligned left; the others are numbers and aligned right. */
const TEXT_COLUMNS = 3;

const shown = (value: number | null, show: (value: number) => string): string =>
  value === null ? "-" : show(value);

/** Returns the table as lines with aligned columns. */
export function renderTable(rows: readonly Reading[]): string[] {
  const cells = [COLUMNS.map(([title]) => title), ...rows.map((row) => COLUMNS.map(([, show]) => show(row)))];
  const widths = COLUMNS.map((_, index) =>
    Math.max(...cells.map((line) => must(line[index], "the cell").length)),
  );
  return cells.map((line) =>
    line
      .map((cell, index) => {
        const width = must(widths[index], "the column's width");
        return index < TEXT_COLUMNS ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
}

/** Draws the table until it is closed; `say` prints a line that stays above it. */
export function openTable(
  cluster: Cluster,
  write: (text: string) => void,
): { say(line: string): void; close(): void } {
  const watch = openWatch();
  let drawn = 0;
  let isClosed = false;
  const erase = () => {
    if (drawn > 0) write(`\u001b[${drawn}A\u001b[J`);
    drawn = 0;
  };
  const draw = async () => {
    const rows = [await readPrimary(cluster), ...(await watch.read(cluster.nodes()))];
    if (isClosed) return;
    const lines = [...renderTable(rows), `edge ${cluster.edge?.url ?? "none"}; Ctrl-C ends everything`];
    erase();
    write(`${lines.join("\n")}\n`);
    drawn = lines.length;
  };
  let drawing = draw();
  const timer = setInterval(() => {
    drawing = drawing.then(draw);
  }, REDRAW_MS);
  return {
    say(line) {
      erase();
      write(`${line}\n`);
    },
    close() {
      isClosed = true;
      clearInterval(timer);
    },
  };
}

/** The primary; its memory is that of sqld and the door. */
async function readPrimary(cluster: Cluster): Promise<Reading> {
  const primary = cluster.primary();
  const pids = [primary.pid(), primary.door()];
  const memory = [...(await memoryOf(pids)).values()];
  return {
    name: "primary",
    role: "primary",
    state: primary.state(),
    seq: null,
    lagMs: null,
    requestsPerSecond: null,
    hitShare: null,
    memoryMib: memory.length === 0 ? null : memory.reduce((sum, mib) => sum + mib),
  };
}
