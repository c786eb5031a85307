// What the importer and the demo write to: the shop's own database.
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Database } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/migrate.ts";
import type { ShoeDraft } from "./draft.ts";
import { computeRelated } from "./related.ts";
import { bulk, type OnConflict, type Origin, previewShoes, type SaveCounts, saveShoes } from "./save.ts";

const REMOVE_CHUNK = 1_000;
/** A store writes far more than it reads. */
const READ_CACHE_KB = 8_192;

/** Where many shoes are saved; a chunk is saved whole or not at all, and with "fail" a known shoe throws. */
export type ShoeStore = {
  save(drafts: ShoeDraft[], onConflict: OnConflict): Promise<SaveCounts>;
  /** What `save` would do; nothing is written. */
  preview(drafts: ShoeDraft[], onConflict: OnConflict): Promise<SaveCounts>;
  /**
   * Computes the related shoes of everything saved, and returns how many ids in given lists no shoe has yet; call it
   * after the last row.
   */
  finish(): Promise<number>;
  /** Removes the demo shoes and returns how many there were. */
  removeDemo(): Promise<number>;
};

/** A store that whoever opened it closes. */
export type OpenShoeStore = ShoeStore & { close(): Promise<void> };

/** Opens the shop's file, made and migrated when it is new. */
export function openShoeStore(databasePath: string, origin: Origin = "import"): OpenShoeStore {
  mkdirSync(dirname(databasePath), { recursive: true });
  migrate(databasePath);
  return shoeStore(openFile(databasePath, READ_CACHE_KB), origin);
}

export function shoeStore(db: Database, origin: Origin): OpenShoeStore {
  return {
    save: (drafts, onConflict) => saveShoes(db, drafts, { origin, onConflict, nowMs: Date.now() }),
    preview: async (drafts, onConflict) => previewShoes(db, drafts, onConflict),
    async finish() {
      await computeRelated(db);
      return countUnknownRelated(db);
    },
    removeDemo: () => removeDemoShoes(db),
    close: db.close,
  };
}

/** How many ids stand in given related lists without a shoe. */
async function countUnknownRelated(db: Database): Promise<number> {
  const [rows] = await db.scan([
    {
      sql: `SELECT count(DISTINCT j.value) FROM related AS r CROSS JOIN json_each(r.list) AS j
WHERE r.given = 1 AND NOT EXISTS (SELECT 1 FROM shoes WHERE shoe_id = j.value)`,
    },
  ]);
  return Number(rows?.[0]?.[0] ?? 0);
}

/** Removes what the demo filled in, and nothing else. */
export async function removeDemoShoes(db: Database): Promise<number> {
  let removed = 0;
  for (;;) {
    const results = await db.write(
      bulk([
        {
          sql: "DELETE FROM shoes WHERE id IN (SELECT id FROM shoes WHERE origin = 'demo' LIMIT ?) RETURNING 1",
          args: [REMOVE_CHUNK],
        },
        {
          sql: `INSERT INTO changes (shoe_id, kind) SELECT NULL, value FROM json_each('["facts","collection"]')`,
        },
      ]),
    );
    const count = results[1]?.rows.length ?? 0;
    removed += count;
    if (count < REMOVE_CHUNK) return removed;
  }
}
