// The store that the import and the demo write to: the shop's own database, or that of its cluster.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import { must } from "../../db/must.ts";
import { bulk } from "../../db/sql.ts";
import type { Topology } from "../../db/topology.ts";
import type { Config } from "../config.ts";
import { openLog } from "../log.ts";
import { openDatabase } from "../open.ts";
import type { ShoeDraft } from "../shoes/shoes.ts";
import {
  computeRelated,
  type OnConflict,
  openSaving,
  previewShoes,
  type SaveCounts,
  type ShoeSource,
  saveShoes,
} from "../shoes/shoes.ts";

const REMOVE_CHUNK = 1_000;
const COPY_MS_MAX = 120_000;
const OPTIONS = {
  log: openLog("error", "json", (line) => process.stderr.write(`${line}\n`)),
  /** A chunk of an import may take a busy disk or the primary a while. A failure ends the import, which prints it. */
  writes: { commitMs: 120_000, deadlineMs: 120_000, onOutage: () => undefined },
  /** A store writes far more than it reads. */
  readCacheKb: 8_192,
};

/** Saves many shoes in chunks. A chunk is committed as a whole or not at all; with "fail" an existing shoe throws. */
export type ShoeStore = {
  save(drafts: ShoeDraft[], onConflict: OnConflict): Promise<SaveCounts>;
  /** The counts that `save` would return; nothing is written. */
  preview(drafts: ShoeDraft[], onConflict: OnConflict): Promise<SaveCounts>;
  /**
   * Computes the related shoes of all saved shoes; to be called after the last one. Returns how many ids in given lists
   * have no shoe yet.
   */
  finish(): Promise<number>;
  /** Removes the demo shoes and returns their number. */
  removeDemo(): Promise<number>;
};

/** A store that its opener has to close. */
export type OpenShoeStore = ShoeStore & { close(): Promise<void> };

/** Opens the shop's file, created and migrated if needed; or the primary with a temporary replica. */
export async function openShoeStore(config: Config, origin: ShoeSource = "import"): Promise<OpenShoeStore> {
  if (config.primary) return openStoreOfCluster(config, origin);
  const { db } = await openDatabase(config, OPTIONS);
  return shoeStore(db, origin);
}

async function openStoreOfCluster(config: Config, origin: ShoeSource): Promise<OpenShoeStore> {
  const folder = mkdtempSync(join(tmpdir(), "insole-copy-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const own = { ...config, databasePath: join(folder, "copy.db") };
    const store = shoeStore(withOwnWrites(await openDatabase(own, OPTIONS)), origin);
    return { ...store, close: () => store.close().finally(remove) };
  } catch (thrown) {
    remove();
    throw thrown;
  }
}

/** Every write waits until the replica shows it, because the next chunk is planned from the replica. */
function withOwnWrites({ db, reach }: Topology): Database {
  return Object.defineProperty(
    {
      ...db,
      async write(statements, writeId) {
        const results = await db.write(statements, writeId);
        const position = db.written();
        if (position && !(await reach(position, COPY_MS_MAX)))
          throw new Error(`the replica did not catch up within ${COPY_MS_MAX / 1_000} s: try again`);
        return results;
      },
    } satisfies Database,
    "read",
    { get: () => db.read },
  );
}

function shoeStore(db: Database, origin: ShoeSource): OpenShoeStore {
  const saving = openSaving(db);
  return {
    save: (drafts, onConflict) => saveShoes(saving, drafts, { origin, onConflict, nowMs: Date.now() }),
    preview: async (drafts, onConflict) => previewShoes(db, drafts, onConflict),
    async finish() {
      await computeRelated(db);
      return countUnknownRelated(db);
    },
    removeDemo: () => removeDemoShoes(db),
    close: db.close,
  };
}

/** The number of ids in given related lists for which no shoe exists. */
async function countUnknownRelated(db: Database): Promise<number> {
  const [rows] = await db.scan([
    {
      sql: `SELECT count(DISTINCT j.value) FROM related AS r CROSS JOIN json_each(r.list) AS j
WHERE r.given = 1 AND NOT EXISTS (SELECT 1 FROM shoes WHERE shoe_id = j.value)`,
    },
  ]);
  return Number(must(rows?.[0]?.[0], "the count"));
}

/** Removes all shoes that the demo added, and no others. */
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
    const count = must(results[1], "the result of the removal").rows.length;
    removed += count;
    if (count < REMOVE_CHUNK) return removed;
  }
}
