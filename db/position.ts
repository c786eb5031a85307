// Which dataset a database holds and how new it is, in one query for files, replicas and the server.
import type { Reader } from "./database.ts";

/** The dataset's id and generation, and the `seq` of its newest change. */
export const STATE = "SELECT id, generation, (SELECT coalesce(max(seq), 0) FROM changes) FROM dataset";

/** The row of `STATE`; an empty id where the dataset has no row. Throws for a file that is not migrated. */
export function stateOf(read: Reader): { id: string; generation: string; seq: number } {
  const [id, generation, seq] = read.get<[string, string, number]>(STATE) ?? ["", "", 0];
  return { id, generation, seq };
}
