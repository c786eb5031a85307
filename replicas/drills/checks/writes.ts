// The check after every failure of the primary: no acknowledged write is lost, none is done twice, replicas are equal.
import type { Cluster } from "../cluster.ts";
import type { Checks } from "../drill.ts";
import type { MixedWrites } from "../traffic/mixed-writes.ts";
import { checkReplicasEqual } from "./equal-replicas.ts";

/** Waits until the replicas are equal, then compares the primary with the ledger of the writes. */
export async function checkWrites(checks: Checks, cluster: Cluster, writes: MixedWrites): Promise<void> {
  await checkReplicasEqual(checks, cluster);
  const { lost, extra, examples } = await writes.check();
  const { acknowledged, refused, unknown } = writes.ledger.counts();
  checks.require(acknowledged > 0, "no write was acknowledged");
  checks.measure("writes acknowledged", acknowledged);
  checks.measure("refused", refused);
  checks.measure("of unknown outcome", unknown);
  checks.measure("repeated by key", writes.repeated());
  checks.atMost("lost", lost, 0, "", examples);
  checks.atMost("done twice", extra, 0, "", examples);
  checks.none("unexpected responses", writes.unexpected);
}
