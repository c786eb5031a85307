// Which file a node reads: its replica, or the last good copy while a foreign dataset is in the replica.
import type { Position, Readable } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { stateOf } from "../../db/position.ts";
import { type Copy, openCopy } from "../../db/read/copy.ts";
import { datasetOfFile, storeDataset, storedDataset } from "../dataset.ts";
import { goodCopyOf, removeReplica } from "./good-copy.ts";

type Served = { copy: Copy; isGoodCopy: boolean; position: Position };

/** The file that a node reads now: which one that is changes while the node runs. */
export type Files = {
  openedAtMs: number;
  /** The node's dataset; `null` while the first sync has not decided it. */
  dataset(): string | null;
  /** Whether the last good copy is read instead of the replica. */
  isGoodCopy(): boolean;
  /** Whether there is a file to read. */
  isServing(): boolean;
  /** How new the file is that is read; `null` without one. */
  position(): Position | null;
  /**
   * Checks the replica after a sync. Returns whether it may be read: `false` where it holds another dataset, and then the last
   * good copy is read. Throws the driver's error when the replica cannot be read at all.
   */
  refresh(): boolean;
  /** The file that is read now. Throws `unreachable` while there is none. */
  readable(): Readable;
  close(): Promise<void>;
};

/** Opens the replica at `path`, or its last good copy; `expected` is this node's dataset, `null` where the first sync decides. */
export function openFiles(path: string, expected: string | null): Files {
  let dataset = expected;
  let served: Served | null = null;
  const openedAtMs = Date.now();

  const serve = (file: string, isGoodCopy: boolean): boolean => {
    const copy = openCopy(file);
    const position = positionIn(copy, dataset);
    if (position === null) {
      void copy.close();
      return false;
    }
    void served?.copy.close();
    served = { copy, isGoodCopy, position };
    return true;
  };
  const serveGoodCopy = (): boolean =>
    dataset !== null && datasetOfFile(goodCopyOf(path)) === dataset && serve(goodCopyOf(path), true);

  const serveReplica = (): boolean => {
    const found = datasetOfFile(path);
    if (found === null || (dataset !== null && found !== dataset)) return false;
    dataset = found;
    if (!serve(path, false)) return false;
    storeDataset(path, found);
    return true;
  };

  // A replica that was never complete, or holds another dataset, is fetched again.
  if (storedDataset(path) === null || !serveReplica()) {
    removeReplica(path);
    serveGoodCopy();
  }

  return {
    openedAtMs,
    dataset: () => dataset,
    isGoodCopy: () => served?.isGoodCopy ?? false,
    isServing: () => served !== null,
    position: () => served?.position ?? null,
    refresh() {
      if (served === null || served.isGoodCopy) return serveReplica();
      const position = positionIn(served.copy, dataset);
      if (position !== null) {
        served.position = position;
        return true;
      }
      const { copy } = served;
      served = null;
      void copy.close();
      serveGoodCopy();
      return false;
    },
    readable() {
      if (served === null) throw new DatabaseError("unreachable", "the node has no replica yet");
      return served.copy;
    },
    close: async () => served?.copy.close(),
  };
}

/** The position of a copy of this dataset; `null` where it holds another one. */
function positionIn({ read }: Readable, dataset: string | null): Position | null {
  try {
    const { id, generation, seq } = stateOf(read);
    return id === "" || (dataset !== null && id !== dataset) ? null : { generation, seq };
  } catch (thrown) {
    // Another database at the primary's address need not have our tables.
    if (thrown instanceof Error && /no such (table|column)/.test(thrown.message)) return null;
    throw thrown;
  }
}
