#!/usr/bin/env bun
// The command `bun run drill`: what can go wrong, in the order of the promises.
import { drain } from "./drain.ts";
import { runCommand } from "./drill-command.ts";
import { foreignPrimary } from "./foreign-primary.ts";
import { forgedVersion } from "./forged-version.ts";
import { hopping } from "./hopping.ts";
import { killNodes } from "./kill-nodes.ts";
import { killPrimary } from "./kill-primary.ts";
import { nodesGone } from "./nodes-gone.ts";
import { priceChange } from "./price-change.ts";
import { primaryFrozen } from "./primary-frozen.ts";
import { primaryGone } from "./primary-gone.ts";
import { writeStall } from "./write-stall.ts";

await runCommand([
  killPrimary,
  killNodes,
  primaryGone,
  nodesGone,
  primaryFrozen,
  foreignPrimary,
  hopping,
  priceChange,
  drain,
  forgedVersion,
  writeStall,
]);
