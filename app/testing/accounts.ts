// What tests do to accounts behind the API's back.
import type { Database } from "../../db/database.ts";
import { promote } from "../accounts/first-admin.ts";

/** Makes a person an admin; the sessions so far have ended. */
export async function makeAdminOf<T extends { id: string }>(db: Database, person: T): Promise<T> {
  await promote(db, person.id, undefined, Date.now());
  return person;
}
