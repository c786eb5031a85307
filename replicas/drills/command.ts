#!/usr/bin/env bun
// The command `bun run drill`; the drills are in the order of the promises that they check (replicas/README.md).
import { sentenceOf } from "../../db/message.ts";
import { badMembers } from "./bad-members.ts";
import { buyers } from "./buyers.ts";
import { checkpoint } from "./checkpoint.ts";
import { drain } from "./drain.ts";
import { foreignPrimary } from "./foreign-primary.ts";
import { forgedVersion } from "./forged-version.ts";
import { hopping } from "./hopping.ts";
import { killDoor } from "./kill-door.ts";
import { killNodes } from "./kill-nodes.ts";
import { killPrimary } from "./kill-primary.ts";
import { killPrimaryFresh } from "./kill-primary-fresh.ts";
import { nodesGone } from "./nodes-gone.ts";
import { readOptions, usageOf } from "./options.ts";
import { priceChange } from "./price-change.ts";
import { primaryFrozen, primaryGone } from "./primary-outage.ts";
import { readingToken } from "./reading-token.ts";
import { runAll, runOne } from "./run.ts";
import { writeStall } from "./write-stall.ts";

const DRILLS = [
  killPrimary,
  killPrimaryFresh,
  killDoor,
  buyers,
  badMembers,
  checkpoint,
  hopping,
  primaryGone,
  primaryFrozen,
  killNodes,
  nodesGone,
  foreignPrimary,
  priceChange,
  drain,
  forgedVersion,
  readingToken,
  writeStall,
];

async function main(args: readonly string[]): Promise<number> {
  const command = readOptions(args, DRILLS);
  if (command === null) {
    process.stdout.write(`${usageOf(DRILLS)}\n`);
    return 0;
  }
  const path = process.env.PATH ?? "";
  return (await (command.isAll ? runAll(args, command) : runOne(command, path))) ? 0 : 1;
}

try {
  // Explicitly: a drill that has timed out may still wait for something.
  process.exit(await main(process.argv.slice(2)));
} catch (thrown) {
  process.stderr.write(`drill: ${sentenceOf(thrown)}\n`);
  process.exit(1);
}
