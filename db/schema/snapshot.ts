// The schema after all migrations as a text of SQL, so that a review shows each change of a rule as changed lines.
import { objectsOf } from "./alterations.ts";

/** The command that writes the file of the snapshot. */
export const REWRITE = "npx --yes bun@1.4.4 run migrate --print-schema > db/schema/schema.sql";

const HEAD = `-- The schema after all migrations, to be read in reviews: the program does not read it. A new migration rewrites it:
-- ${REWRITE}`;

/** The text: each table with its indexes and triggers, as the migrations wrote them. */
export function schemaText(): string {
  const statements = objectsOf().flatMap(([, , sql]) => (sql === "" ? [] : [`${sql};`]));
  return `${[HEAD, ...statements].join("\n\n")}\n`;
}
