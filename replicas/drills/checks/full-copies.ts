// Whether replicas went on in the primary's log, or fetched the whole database again.
import { readFileSync } from "node:fs";
import type { Cluster } from "../cluster.ts";

/** The log that a replica follows, and how far it is in it. */
type LogPosition = { log: string; frame: bigint };

/** The driver keeps these beside the replica: the id of the log, then the number of the last frame. */
const SUFFIX = "-client_wal_index";
const LOG_ID_BYTES = 16;

/** The position of each node's replica, by the node's name. */
export const positionsOf = (cluster: Cluster): Map<string, LogPosition> =>
  new Map(cluster.nodes.map(({ name }) => [name, positionOf(`${cluster.replicaOf(name)}${SUFFIX}`)]));

function positionOf(path: string): LogPosition {
  const bytes = readFileSync(path);
  return {
    log: bytes.toString("hex", 0, LOG_ID_BYTES),
    frame: bytes.readBigUInt64LE(LOG_ID_BYTES),
  };
}

/** The replicas that follow another log than before, or are not further in it, as text. */
export const notContinued = (
  before: ReadonlyMap<string, LogPosition>,
  after: ReadonlyMap<string, LogPosition>,
): string[] =>
  [...before].flatMap(([name, { log, frame }]) => {
    const now = after.get(name);
    if (now?.log !== log) return [`${name} follows the log ${now?.log} instead of ${log}`];
    return now.frame > frame ? [] : [`${name} stays at frame ${frame}`];
  });
