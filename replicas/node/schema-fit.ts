// Whether this program can work with the schema that came from the primary.
import type { Readable } from "../../db/database.ts";
import { messageOf } from "../../db/message.ts";
import { APPLIED, type Applied, checkApplied, readMigrations } from "../../db/schema/migrate.ts";

/** Why it cannot, in one sentence; `null` where it can. */
export function schemaTrouble({ read }: Readable, migrations = readMigrations()): string | null {
  try {
    const applied = read.all<Applied>(APPLIED);
    checkApplied(applied, migrations);
    const missing = migrations.find(({ number }) => !applied.some(([each]) => each === number));
    return missing ? `the primary lacks migration ${missing.name}: run the migrations` : null;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
