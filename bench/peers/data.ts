// The catalogue as one neutral file that every peer is filled from: a shoe per line as the shop answers it, and its related ids.
import { existsSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { findRelated, findShoe } from "../../app/shoes/shoes.ts";
import type { Readable } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import type { Children } from "../harness/children.ts";
import { CATALOGUES } from "../harness/paths.ts";

const SHOP = { publicUrl: "", currency: "USD" };
/** Raised when a line would look different. */
const EDITION = 1;
/** Lines written at once. */
const CHUNK = 2_000;

/** The path of the file for a kept catalogue, lines in the order of its rows; the first call writes it. */
export async function peersFileOf(
  dataDir: string,
  children: Children,
  log: (line: string) => void,
): Promise<string> {
  const path = join(CATALOGUES, `${basename(dataDir)}-peers-${EDITION}.ndjson`);
  if (existsSync(path)) return path;
  log("writing the catalogue as a file for the peers, kept for the next run");
  const draft = join(children.folder, "peers.ndjson");
  const db = openFile(join(dataDir, "insole.db"));
  try {
    const file = Bun.file(draft).writer();
    const ids = db.read.all<[string]>("SELECT shoe_id FROM shoes ORDER BY id");
    for (const [at, [id]] of ids.entries()) {
      file.write(`${lineOf(db, id)}\n`);
      if (at % CHUNK === 0) await file.flush();
    }
    await file.end();
    renameSync(draft, path);
  } finally {
    await db.close();
    rmSync(draft, { force: true });
  }
  return path;
}

function lineOf(db: Readable, id: string): string {
  const shoe = findShoe(db, id, "shoe", SHOP);
  const related = findRelated(db, id, SHOP);
  if (shoe === null || related === null) throw new Error(`the catalogue has no shoe ${id}`);
  const { relatedProducts } = JSON.parse(related.json) as { relatedProducts: { id: string }[] };
  return `{"shoe":${shoe.json},"related":${JSON.stringify(relatedProducts.map((each) => each.id))}}`;
}
