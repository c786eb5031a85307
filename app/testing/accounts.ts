// Changes that tests make to accounts directly in the database.
import type { Database } from "../../db/database.ts";
import { promote } from "../accounts/first-admin.ts";

/** Makes a person an admin, which ends the person's sessions. */
export async function makeAdminOf<T extends { id: string }>(db: Database, person: T): Promise<T> {
  await promote(db, person.id, undefined, Date.now());
  return person;
}
