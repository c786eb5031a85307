#!/usr/bin/env bun
// The command `bun run bench`: reads its arguments, runs scenarios, and ends every process that they started.
import { join, relative } from "node:path";
import { sentenceOf } from "../db/message.ts";
import { type Children, openChildren } from "./harness/children.ts";
import { type Args, readArgs, usageOf } from "./harness/options.ts";
import { RESULTS } from "./harness/paths.ts";
import { scenariosOf } from "./harness/rerun.ts";
import { commandsText, findResults, readResult } from "./harness/results.ts";
import { type Plan, runPlan } from "./harness/run.ts";
import type { Scenario } from "./harness/scenario.ts";
import { browse } from "./scenarios/browse.ts";
import { cachedRelated } from "./scenarios/cached-related.ts";
import { clusterHot } from "./scenarios/cluster-hot.ts";
import { clusterIdle } from "./scenarios/cluster-idle.ts";
import { clusterLag } from "./scenarios/cluster-lag.ts";
import { clusterLikes } from "./scenarios/cluster-likes.ts";
import { clusterMail } from "./scenarios/cluster-mail.ts";
import { clusterOrders } from "./scenarios/cluster-orders.ts";
import { clusterZipf } from "./scenarios/cluster-zipf.ts";
import { edge } from "./scenarios/edge.ts";
import { growth } from "./scenarios/growth.ts";
import { importing } from "./scenarios/import.ts";
import { likes } from "./scenarios/likes.ts";
import { logins } from "./scenarios/logins.ts";
import { mail } from "./scenarios/mail.ts";
import { mailIdle } from "./scenarios/mail-idle.ts";
import { mix } from "./scenarios/mix.ts";
import { orders } from "./scenarios/orders.ts";
import { peers } from "./scenarios/peers.ts";
import { reads } from "./scenarios/reads.ts";
import { registrations } from "./scenarios/registrations.ts";
import { soak } from "./scenarios/soak.ts";
import { start } from "./scenarios/start.ts";
import { uncachedRelated } from "./scenarios/uncached-related.ts";
import { wide } from "./scenarios/wide.ts";

const SCENARIOS: readonly Scenario[] = [
  cachedRelated,
  uncachedRelated,
  reads,
  growth,
  wide,
  importing,
  start,
  likes,
  orders,
  mail,
  mailIdle,
  logins,
  registrations,
  mix,
  browse,
  edge,
  peers,
  clusterHot,
  clusterZipf,
  clusterLikes,
  clusterOrders,
  clusterMail,
  clusterLag,
  clusterIdle,
  soak,
];
const ROUNDS = 5;
const SEED = 1;
const INTERRUPTED = 130;

/** The plan of the arguments. Throws one sentence when it cannot be run. */
function planOf(args: Extract<Args, { kind: "measure" }>, command: string): Plan {
  const at = new Date().toISOString();
  const earlier = args.rerun === null ? null : readResult(args.rerun);
  const chosen = SCENARIOS.filter(({ name, canUrl }) =>
    args.names.length === 0 ? args.url === null || canUrl : args.names.includes(name),
  );
  const scenarios = earlier === null ? chosen : scenariosOf(earlier, args.names, SCENARIOS);
  if (scenarios.length === 0) throw new Error("no scenario can take --url: each boots its own servers");
  const { isQuick, rounds, seed, url } = earlier?.result.options ?? {
    isQuick: args.isQuick,
    rounds: args.isQuick ? 1 : ROUNDS,
    seed: args.seed ?? SEED,
    url: args.url,
  };
  const options = { scenarios: scenarios.map(({ name }) => name), isQuick, rounds, seed, url };
  const ownOutput = isQuick ? null : { folder: relative(".", join(RESULTS, at.replaceAll(":", "-"))) };
  const givenOutput = args.out === null ? ownOutput : { folder: args.out };
  const output = args.json === null ? givenOutput : { json: args.json };
  return { scenarios, options, command, at, earlier, compare: args.compare, output };
}

/** The exact commands of scenarios in an earlier result. */
function print({ names, rerun }: Extract<Args, { kind: "print" }>): string {
  const stored = rerun === null ? findResults() : [readResult(rerun)];
  const measured = stored.flatMap(({ result }) => result.results.map(({ scenario }) => scenario));
  const all = SCENARIOS.map(({ name }) => name).filter((name) => measured.includes(name));
  if (names.length === 0 && all.length === 0) throw new Error("no result yet: bun run bench writes one");
  return commandsText(names.length === 0 ? all : names, stored);
}

async function main(words: readonly string[], children: Children): Promise<number> {
  const args = readArgs(words, SCENARIOS);
  if (args.kind === "help") console.log(usageOf(SCENARIOS));
  else if (args.kind === "print") console.log(print(args));
  else {
    if (process.platform !== "linux") throw new Error("the bench reads /proc, so it needs Linux");
    const isValid = await runPlan(planOf(args, ["bun run bench", ...words].join(" ")), children);
    return isValid ? 0 : 1;
  }
  return 0;
}

if (import.meta.main) {
  const children = openChildren();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, async () => {
      await children.close();
      process.exit(INTERRUPTED);
    });
  try {
    process.exitCode = await main(process.argv.slice(2), children);
  } catch (thrown) {
    console.error(`bench: ${sentenceOf(thrown)}`);
    process.exitCode = 1;
  } finally {
    await children.close();
  }
}
