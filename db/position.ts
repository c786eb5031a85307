// How new a database is, in one question, whoever asks it.
import type { Reader } from "./database.ts";

/** The dataset's id, its life, and the newest change that it knows. */
export const STATE = "SELECT id, generation, (SELECT coalesce(max(seq), 0) FROM changes) FROM dataset";

/** The answer to `STATE` there; an unmigrated file has none and throws. */
export function stateOf(read: Reader): { id: string; generation: string; seq: number } {
  const [id, generation, seq] = read.get<[string, string, number]>(STATE) ?? ["", "", 0];
  return { id, generation, seq };
}
