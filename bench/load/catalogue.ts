// Large catalogues and CSV files: built once, kept in the temporary folder, and named by what they are built from.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CATALOGUES } from "../harness/paths.ts";
import type { Bench } from "../harness/scenario.ts";
import { writeShoesCsv } from "./csv.ts";

/** Raised when a catalogue of the same size and schema would be filled differently. */
const EDITION = 1;
const CHECKSUM_DIGITS = 12;
const DATABASE = "insole.db";
/** A million shoes take minutes on a slow disk. */
const BUILD_MS_MAX = 30 * 60_000;

/** How children are started, and progress is logged. */
type Builder = Pick<Bench, "children" | "log">;

/** The name of a kept catalogue: another size, schema or version is another catalogue. */
export function catalogueName(shoes: number, migrations: string[], programVersion: string): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const sql of migrations) hash.update(`${sql.length}\n${sql}`);
  return `${shoes}-${programVersion}-${hash.digest("hex").slice(0, CHECKSUM_DIGITS)}-${EDITION}`;
}

function readMigrations(tree: string): string[] {
  const folder = join(tree, "db", "migrations");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"));
}

const versionOf = (tree: string): string =>
  JSON.parse(readFileSync(join(tree, "package.json"), "utf8")).version;

/** A data folder with this many demo shoes, built by the shop in `children.tree` unless there is one already. */
export async function catalogueOf({ children, log }: Builder, shoes: number): Promise<string> {
  const { tree } = children;
  const folder = join(CATALOGUES, catalogueName(shoes, readMigrations(tree), versionOf(tree)));
  if (existsSync(folder)) return folder;
  log(`building a catalogue of ${shoes.toLocaleString("en")} shoes, kept for the next run`);
  mkdirSync(CATALOGUES, { recursive: true });
  // Built in the folder that is removed with the bench, so that an incomplete one is never kept.
  const draft = join(children.folder, `catalogue-${shoes}`);
  try {
    const builder = children.startCommand("demo", ["--shoes", String(shoes)], {
      env: { DATA_DIR: draft },
      cores: null,
    });
    await children.expectEnd(builder, BUILD_MS_MAX);
    keep(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return folder;
}

/** Moves a finished catalogue to its place, unless another bench was first: its catalogue is the same. */
function keep(draft: string, folder: string): void {
  try {
    renameSync(draft, folder);
  } catch (thrown) {
    if (!existsSync(folder)) throw thrown;
  }
}

/** A copy of it for a scenario that writes; removed with the bench. */
export async function catalogueCopy(builder: Builder, shoes: number): Promise<string> {
  const copy = builder.children.makeFolder("catalogue-copy");
  // The database alone: a program that reads the kept one makes files beside it, and removes them when it ends.
  copyFileSync(join(await catalogueOf(builder, shoes), DATABASE), join(copy, DATABASE));
  return copy;
}

/** A CSV file with this many demo shoes, as a shop would export them. */
export async function csvOf({ children, log }: Builder, shoes: number): Promise<string> {
  const path = join(CATALOGUES, `${shoes}-${versionOf(children.tree)}-${EDITION}.csv`);
  if (existsSync(path)) return path;
  log(`writing a CSV file of ${shoes.toLocaleString("en")} rows, kept for the next run`);
  mkdirSync(CATALOGUES, { recursive: true });
  const draft = join(children.folder, `${shoes}.csv`);
  try {
    await writeShoesCsv(draft, shoes);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  return path;
}
