// Which file a node reads: its replica, or the last good copy while a foreign dataset is in the replica.

import type { Position, Readable } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { stateOf } from "../../db/position.ts";
import { type Copy, openCopy } from "../../db/read/copy.ts";
import { datasetOfFile, keepDataset, keptDataset } from "../dataset.ts";
import { goodCopyOf, removeReplica } from "./good-copy.ts";

type Served = { copy: Copy; isGoodCopy: boolean; position: Position };

export type Files = ReturnType<typeof openFiles>;

/** Opens what may be served; `expected` is this node's dataset, `null` when the first sync decides. */
export function openFiles(path: string, expected: string | null) {
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
    keepDataset(path, found);
    return true;
  };

  // One that was never whole, or holds what is not ours, is fetched anew.
  if (keptDataset(path) === null || !serveReplica()) {
    removeReplica(path);
    serveGoodCopy();
  }

  return {
    openedAtMs,
    dataset: (): string | null => dataset,
    isGoodCopy: (): boolean => served?.isGoodCopy ?? false,
    isServing: (): boolean => served !== null,
    position: (): Position | null => served?.position ?? null,
    /** Looks at what the sync brought; `false` when it is not our dataset, and then the last good copy is served. */
    look(): boolean {
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
    /** What is read now. Throws `unreachable` while there is nothing. */
    readable(): Readable {
      if (served === null) throw new DatabaseError("unreachable", "there is nothing to serve yet");
      return served.copy;
    },
    close: async (): Promise<void> => served?.copy.close(),
  };
}

/** How new a file of this dataset is; `null` when it is another's. */
function positionIn({ read }: Readable, dataset: string | null): Position | null {
  try {
    const { id, generation, seq } = stateOf(read);
    return id === "" || (dataset !== null && id !== dataset) ? null : { generation, seq };
  } catch (thrown) {
    // Whoever took the primary's place need not have our tables.
    if (thrown instanceof Error && /no such (table|column)/.test(thrown.message)) return null;
    throw thrown;
  }
}
