// The command `bun run import`: parses its arguments, runs the import, prints a summary.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { Presets, SingleBar } from "cli-progress";
import { messageOf, sentenceOf } from "../../db/message.ts";
import { must } from "../../db/must.ts";
import type { OnConflict } from "../shoes/shoes.ts";
import { type Mapping, readMapping } from "./columns.ts";
import { type Rate, readRate } from "./money.ts";
import type { ImportOptions } from "./options.ts";
import { rejectsPathOf } from "./rejects.ts";
import { runImport, type Summary } from "./run.ts";
import type { OpenShoeStore } from "./store.ts";

/** The environment, output and store of the command; `out` and `err` print a line each. */
type CommandIo = {
  env: Readonly<Record<string, string | undefined>>;
  openStore: () => OpenShoeStore | Promise<OpenShoeStore>;
  out: (line: string) => void;
  err: (line: string) => void;
  /** Whether to draw a progress bar on stderr. */
  hasBar: boolean;
  signal: AbortSignal;
};

const USAGE = `usage: bun run import <file> [<file> ...] [options]

Imports shoes from CSV, JSON (an array of objects) or NDJSON files of any size.

  --dry-run                     print the summary, write nothing
  --map <mapping.json>          fields to columns: {"title": "Produktname", "images": ["pic1", "pic2"], "brand": null}
  --on-conflict <action>        if a shoe exists already: replace (default), skip or fail
  --where <column>=<value>      only rows with this value; may be repeated, for more values or columns
  --rate <CODE>=<rate>          exchange rate into the shop's currency, such as EUR=1.08
  --keep-demo                   keep the demo shoes, which are removed otherwise
  --rejects <file>              file for refused rows (default: in DATA_DIR, named after the input)
  -h, --help                    show this help

Exit codes: 0 all rows imported, 2 some rows refused, 1 import failed, 130 interrupted.`;

const CONFLICTS: readonly OnConflict[] = ["skip", "replace", "fail"];
const EXIT = { done: 0, failed: 1, rejected: 2, interrupted: 130 } as const;
const BAR_FORMAT = "{bar} {percentage} % | {eta_formatted} left";

/** Runs the command and returns its exit code. */
export async function importCommand(args: readonly string[], io: CommandIo): Promise<number> {
  try {
    const parsed = readArgs(args);
    if (parsed === null) {
      io.out(USAGE);
      return EXIT.done;
    }
    return await runCommand(parsed, io);
  } catch (error) {
    io.err(`import: ${sentenceOf(error)}`);
    return EXIT.failed;
  }
}

type Args = {
  files: string[];
  mapPath: string | undefined;
  rejectsPath: string | undefined;
  onConflict: OnConflict;
  where: Map<string, string[]>;
  rates: Map<string, Rate>;
  dryRun: boolean;
  keepDemo: boolean;
};

function readArgs(args: readonly string[]): Args | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      "dry-run": { type: "boolean", default: false },
      map: { type: "string" },
      "on-conflict": { type: "string", default: "replace" },
      where: { type: "string", multiple: true, default: [] },
      rate: { type: "string", multiple: true, default: [] },
      "keep-demo": { type: "boolean", default: false },
      rejects: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  if (positionals.length === 0) throw new Error("name a file to import (-h shows the usage)");
  const onConflict = CONFLICTS.find((each) => each === values["on-conflict"]);
  if (onConflict === undefined) throw new Error(`--on-conflict must be one of ${CONFLICTS.join(", ")}`);
  const where = new Map<string, string[]>();
  for (const condition of values.where) {
    const equals = condition.indexOf("=");
    if (equals < 1) throw new Error(`--where ${condition}: must be column=value`);
    const column = condition.slice(0, equals);
    where.set(column, [...(where.get(column) ?? []), condition.slice(equals + 1).trim()]);
  }
  return {
    files: positionals,
    mapPath: values.map,
    rejectsPath: values.rejects,
    onConflict,
    where,
    rates: new Map(values.rate.map(readRate)),
    dryRun: values["dry-run"],
    keepDemo: values["keep-demo"],
  };
}

async function runCommand(args: Args, io: CommandIo): Promise<number> {
  const dataDir = io.env.DATA_DIR || "data";
  const currency = io.env.CURRENCY || "USD";
  const rejectsPath = args.rejectsPath ?? rejectsPathOf(must(args.files[0], "the file"), dataDir);
  if (args.files.some((file) => resolve(file) === resolve(rejectsPath)))
    throw new Error("--rejects must not be a file that is imported");
  const missing = args.files.find((file) => !existsSync(file));
  if (missing !== undefined) throw new Error(`cannot read ${missing}: no such file`);
  const mapping = args.mapPath === undefined ? {} : await loadMapping(args.mapPath);
  const store = await io.openStore();
  const bar = io.hasBar ? createBar() : null;
  try {
    const summary = await runImport(store, {
      ...args,
      dataDir,
      mapping,
      money: { currency, rates: args.rates },
      rejectsPath,
      signal: io.signal,
      onProgress: (bytes, bytesTotal) => bar?.update(Math.min(1, bytes / bytesTotal)),
    } satisfies ImportOptions & Args);
    bar?.stop();
    for (const line of summaryLines(summary, args.dryRun, rejectsPath)) io.out(line);
    if (summary.isInterrupted) return EXIT.interrupted;
    return summary.rejected > 0 ? EXIT.rejected : EXIT.done;
  } finally {
    bar?.stop();
    await store.close();
  }
}

async function loadMapping(path: string): Promise<Mapping> {
  try {
    return readMapping(await readFile(path, "utf8"));
  } catch (error) {
    throw new Error(`--map ${path}: ${messageOf(error)}`);
  }
}

/** The summary as lines of text; the numbers after `Read` add up to it. */
function summaryLines(summary: Summary, isDryRun: boolean, rejectsPath: string): string[] {
  const { read, added, replaced, unchanged, duplicates, rejected } = summary;
  if (summary.isInterrupted)
    return [
      `Interrupted: ${added} added, ${replaced} replaced, ${unchanged} unchanged. Run the import again to continue.`,
    ];
  const lines = [
    `${isDryRun ? "Dry run, nothing was written: read" : "Read"} ${read} = ${added} added + ${replaced} replaced` +
      ` + ${unchanged} unchanged + ${duplicates} duplicates + ${rejected} rejected`,
  ];
  if (summary.superseded > 0)
    lines.push(
      `  ${summary.superseded} of the duplicates differ from the first row of their shoe, which was used`,
    );
  if (summary.variants > 0) lines.push(`  ${summary.variants} further rows added sizes or colours to shoes`);
  if (summary.leftOut > 0) lines.push(`  ${summary.leftOut} further rows were left out by --where`);
  if (summary.demoRemoved > 0) lines.push(`  ${summary.demoRemoved} demo shoes were removed`);
  if (summary.unknownRelated > 0)
    lines.push(
      `  ${summary.unknownRelated} related ids have no shoe yet; they are stored, and shown once the shoe exists`,
    );
  if (rejected > 0) lines.push(`  rejected rows and their reasons: ${rejectsPath}`);
  return lines;
}

function createBar(): SingleBar {
  const bar = new SingleBar(
    { format: BAR_FORMAT, stream: process.stderr, hideCursor: true },
    Presets.shades_classic,
  );
  bar.start(1, 0);
  return bar;
}

if (import.meta.main) {
  const { openShoeStore } = await import("./store.ts");
  const { readConfig } = await import("../config.ts");
  const interrupted = new AbortController();
  process.on("SIGINT", () => {
    if (interrupted.signal.aborted) process.exit(EXIT.interrupted);
    interrupted.abort();
  });
  process.exitCode = await importCommand(process.argv.slice(2), {
    env: process.env,
    openStore: () => openShoeStore(readConfig(process.env)),
    out: console.log,
    err: console.error,
    hasBar: process.stderr.isTTY,
    signal: interrupted.signal,
  });
}
