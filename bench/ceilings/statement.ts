// The ceiling of uncached related shoes: their statement in a loop over random shoes. Prints its rate per CPU second.
import { join } from "node:path";
import { findRelated } from "../../app/shoes/find.ts";
import { openFile } from "../../db/file.ts";
import { randomFrom } from "../harness/stats.ts";
import { demoId } from "../load/urls.ts";
import { MICROSECONDS } from "../metrics/proc.ts";

const SEED = 7;
const WARM_UP_SHARE = 0.2;
const SHOP = { publicUrl: "", currency: "USD" };

if (import.meta.main) {
  const [dataDir = "", shoes = "1", seconds = "1"] = process.argv.slice(2);
  const db = openFile(join(dataDir, "insole.db"));
  const random = randomFrom(SEED);
  // Per second of CPU time, so that other programs on the machine do not count.
  const measureFor = (ms: number): number => {
    const startedAt = performance.now();
    const cpuBefore = process.cpuUsage();
    let count = 0;
    for (; performance.now() - startedAt < ms; count += 1)
      if (findRelated(db, demoId(1 + Math.floor(random() * Number(shoes))), SHOP) === null)
        throw new Error("a demo shoe is missing");
    const { user, system } = process.cpuUsage(cpuBefore);
    return (count / (user + system)) * MICROSECONDS;
  };
  measureFor(Number(seconds) * 1_000 * WARM_UP_SHARE);
  process.stdout.write(`${measureFor(Number(seconds) * 1_000)}\n`);
  await db.close();
}
