// Reads of a local copy that a process can do without.
import { DatabaseError } from "../errors.ts";

/** What a read of the local copy returns; `null` while there is none to read, because a node makes it again. */
export function readIfAny<Found>(read: () => Found): Found | null {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof DatabaseError) return null;
    throw thrown;
  }
}
