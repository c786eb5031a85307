// The drill of a flood with forged, foreign and malformed versions: other clients and the primary must not notice it.
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { flipped } from "../../db/flipped.ts";
import { must } from "../../db/must.ts";
import { medianP99 } from "./checks/latency.ts";
import { loadBetween, type PrimaryLoad, readPrimaryCounts } from "./checks/primary-load.ts";
import type { Cluster } from "./cluster.ts";
import { type Checks, type Drill, type DrillContext, secondsOf, textOf } from "./drill.ts";
import { demoId, request, signInAdmin } from "./traffic/client.ts";
import { type FloodOptions, openFlood } from "./traffic/flood.ts";
import { errorsText, openLoad, type Report, statusesText } from "./traffic/load.ts";
import { pick, random } from "./traffic/random.ts";
import { popularId, publicRead } from "./traffic/reads.ts";
import { changePrice } from "./traffic/shoes.ts";

const SECONDS = { full: 15, short: 5 };
const OTHERS_RATE = 300;
const OTHERS_CONCURRENCY = 100;
/** Twice the rate at which the edge lets these clients through with a version each. */
const EDGE_RATE = 2_000;
/** Nothing limits the flood at the nodes, which share two cores with it. */
const NODES_RATE = 1_000;
/** The supervisor of the primary sends queries too, not quite regularly. */
const QUERIES_MORE_MAX = 1;
const CORES_MORE_MAX = 0.05;
/** Compared with a flood without versions: other clients may see that, and no more on top. */
const P99_FACTOR_MAX = 1.5;
const P99_MORE_MS_MAX = 15;
/** The edge's limits spare the other clients only, not the flood's addresses. */
const EXEMPT = "127.0.0.1\n";
const LONG = 3_000;
const MALFORMED_SHARE = 0.2;

/** What the other clients, the flood, and the primary saw in one stretch of the drill. */
type Phase = { others: Report; flood: Report | null; primary: PrimaryLoad };

export const forgedVersion: Drill = {
  name: "forged-version",
  about:
    "a flood of forged, foreign and malformed versions: neither the primary nor other clients notice it, and none gets 503",
  async run(context) {
    const cluster = await context.boot();
    await exemptOthersOnly(cluster);
    const { forged, malformed } = invalidVersions(await realVersion(cluster));
    const invalidVersion = (number: number) => {
      const isMalformed = random(number, 5) < MALFORMED_SHARE;
      return versionHeader(pick(isMalformed ? malformed : forged, number, 4), number);
    };
    const targets = [
      { name: "edge", base: () => cluster.edge, rate: EDGE_RATE },
      { name: "nodes", base: (number: number) => pick(cluster.nodes, number).url, rate: NODES_RATE },
    ];
    const quiet = await runPhase(context, cluster, "no flood", null);
    for (const { name, ...flood } of targets) {
      const without = await runPhase(context, cluster, `a flood of the ${name} without versions`, {
        ...flood,
        headers: () => ({}),
      });
      const invalid = await runPhase(context, cluster, `a flood of the ${name} with invalid versions`, {
        ...flood,
        headers: invalidVersion,
      });
      comparePhases(context, name, { quiet, without, invalid });
    }
  },
};

/** Gives the flood's clients the limits that any client has. */
async function exemptOthersOnly(cluster: Cluster): Promise<void> {
  await cluster.control("--stop", "edge");
  writeFileSync(join(cluster.data, "exempt.txt"), EXEMPT);
  await cluster.control("--start", "edge");
}

async function realVersion({ edge }: Cluster): Promise<string> {
  const { headers } = await changePrice(edge, await signInAdmin(edge), demoId(1), 50);
  return must(headers.get("insole-version"), "Insole-Version");
}

/** Versions that only the signature gives away, and versions without the form of one. */
function invalidVersions(real: string): { forged: string[]; malformed: string[] } {
  const [generation = "", seq = "0", mac = ""] = real.split(".");
  const later = Number(seq) + 1_000;
  const foreign = (text: string) => {
    const digest = createHmac("sha256", "another shop's secret").update(text).digest();
    return `${text}.${digest.subarray(0, 12).toString("base64url")}`;
  };
  return {
    forged: [
      `${generation}.${later}.${mac}`,
      `${generation}.${seq}.${flipped(mac)}`,
      foreign(`${generation}.${later}`),
      foreign(`${generation}.999999999999999`),
      foreign(`0.${later}`),
      foreign(`${"f".repeat(32)}.${later}`),
    ],
    malformed: [
      "",
      ".",
      "..",
      "0",
      "null",
      "-1",
      `${generation}.-1.${mac}`,
      `${generation}.1e9.${mac}`,
      `${generation}.${"9".repeat(LONG)}.${mac}`,
      `${generation}.${later}.${mac}, ${real}x`,
      `${generation}.${later}.%00%0d%0a`,
      "' OR 1=1 --",
    ],
  };
}

/** Programs send a header, browsers a cookie. */
const versionHeader = (version: string, number: number): Record<string, string> =>
  number % 2 === 0 ? { "insole-version": version } : { cookie: `insole_version=${version}` };

type Flood = Omit<FloodOptions, "path">;

/** Other clients read, with or without a flood meanwhile. */
async function runPhase(
  { options, checks, progress }: DrillContext,
  cluster: Cluster,
  name: string,
  flooding: Flood | null,
): Promise<Phase> {
  const flood = flooding && openFlood({ ...flooding, path: (number) => `/api/shoes/${popularId(number)}` });
  // Takes some seconds, in which caches fill up and the bursts that limits allow are over.
  const before = await readPrimaryCounts(cluster);
  // Each phase has lists of its own that no cache holds.
  const first = Math.round(before.atMs);
  const others = openLoad({
    send: (number) => request(cluster.edge, { path: publicRead(first + number) }),
    rate: OTHERS_RATE,
    concurrency: OTHERS_CONCURRENCY,
  });
  await Bun.sleep(secondsOf(options, SECONDS) * 1_000);
  const primary = loadBetween(before, await readPrimaryCounts(cluster));
  const reports = { others: await others.stop(), flood: flood ? await flood.stop() : null };
  const others99 = textOf(medianP99(reports.others.windows), "ms");
  const queries = textOf(primary.queriesPerSecond, "/s");
  progress(
    `${name}: median p99 of other clients ${others99}; primary ${queries} queries, ${primary.commits} commits, ${textOf(primary.cores, "cores")}`,
  );
  checkPhase(checks, name, reports);
  return { ...reports, primary };
}

/** Other clients must be served; the flood may also meet the edge's limits, but nothing else. */
function checkPhase(checks: Checks, name: string, { others, flood }: Omit<Phase, "primary">): void {
  const errors = errorsText(others);
  checks.require(others.responses > 0 && errors === "", `${name}: other clients got ${errors}`);
  if (!flood) return;
  const { responses, statuses } = flood;
  const expected = (statuses["200"] ?? 0) + (statuses["429"] ?? 0);
  checks.require(responses > 0 && responses === expected, `${name} got ${statusesText(statuses)}`);
}

/** Compares a flood with invalid versions with a quiet phase and with the same flood without versions. */
function comparePhases(
  { checks }: DrillContext,
  name: string,
  { quiet, without, invalid }: { quiet: Phase; without: Phase; invalid: Phase },
): void {
  const queries = invalid.primary.queriesPerSecond - quiet.primary.queriesPerSecond;
  const cores = invalid.primary.cores - without.primary.cores;
  const p99Without = medianP99(without.others.windows);
  const p99Max = p99Without * P99_FACTOR_MAX + P99_MORE_MS_MAX;
  checks.measure(`invalid versions at the ${name}`, invalid.flood?.responses ?? 0);
  checks.atMost("more queries of the primary", queries, QUERIES_MORE_MAX, "/s");
  checks.atMost("more CPU of the primary", cores, CORES_MORE_MAX, "cores");
  checks.atMost("commits", invalid.primary.commits, 0);
  checks.measure("median p99 of other clients without versions", p99Without, "ms");
  checks.atMost("with invalid ones", medianP99(invalid.others.windows), p99Max, "ms");
}
