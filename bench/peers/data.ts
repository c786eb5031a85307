// The catalogue as a file that fills every peer: a line per shoe, with the shop's response and the related ids.
import { existsSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { findRelated, findShoe } from "../../app/shoes/find.ts";
import type { Readable } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { CATALOGUES } from "../harness/paths.ts";
import type { Bench } from "../harness/scenario.ts";

const SHOP = { publicUrl: "", currency: "USD" };
/** Raised when a line would look different. */
const EDITION = 1;
/** Lines between two flushes. */
const CHUNK = 2_000;

/** The path of the file for a kept catalogue, with lines in the order of its rows; the first call writes it. */
export async function peersFileOf(
  { children, log }: Pick<Bench, "children" | "log">,
  dataDir: string,
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
