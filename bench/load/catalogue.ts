// Big catalogues and files to import: made once, kept in the temporary folder, found again by what they are made of.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import type { Children } from "../harness/children.ts";
import { CATALOGUES } from "../harness/paths.ts";
import { writeShoesCsv } from "./csv.ts";

/** Raised when a catalogue of the same size and schema would be filled differently. */
const EDITION = 1;
const CHECKSUM_DIGITS = 12;
/** A million shoes take minutes on a slow disk; something stuck takes for ever. */
const BUILD_MS_MAX = 30 * 60_000;

/** The name a catalogue is kept under: another size, schema or version is another catalogue. */
export function shelfName(shoes: number, migrations: string[], programVersion: string): string {
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

/** A data folder with so many demo shoes, as the shop in `children.tree` makes it; the first call for a size builds it. */
export async function catalogueOf(
  shoes: number,
  children: Children,
  log: (line: string) => void,
): Promise<string> {
  const { tree } = children;
  const folder = join(CATALOGUES, shelfName(shoes, readMigrations(tree), versionOf(tree)));
  if (existsSync(folder)) return folder;
  log(`building a catalogue of ${shoes.toLocaleString("en")} shoes, kept for the next run`);
  mkdirSync(CATALOGUES, { recursive: true });
  // Made in the folder that goes with the bench, so that a broken one is never found.
  const draft = join(children.folder, `catalogue-${shoes}`);
  try {
    const builder = children.startCommand("demo", ["--shoes", String(shoes)], {
      env: { DATA_DIR: draft },
      cores: null,
    });
    await children.expectEnd(builder, BUILD_MS_MAX);
    // Another bench may have been quicker; its catalogue is as good.
    if (!existsSync(folder)) renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return folder;
}

/** A copy of it for a scenario that writes; it goes with the bench. */
export async function catalogueCopy(
  shoes: number,
  children: Children,
  log: (line: string) => void,
): Promise<string> {
  const copy = mkdtempSync(join(children.folder, "catalogue-copy-"));
  cpSync(await catalogueOf(shoes, children, log), copy, { recursive: true });
  return copy;
}

/** A CSV file with so many demo shoes, as a shop would export them. */
export async function csvOf(shoes: number, children: Children, log: (line: string) => void): Promise<string> {
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
