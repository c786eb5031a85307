// The drill of a flood with versions that nobody gave: forged, of another shop, or absurd. Nobody else may notice.
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { medianP99 } from "./checks/latency.ts";
import { loadBetween, type PrimaryLoad, readPrimaryLoad } from "./checks/primary-load.ts";
import type { Cluster } from "./cluster.ts";
import { count, type Drill, type DrillContext, type DrillOptions } from "./drill.ts";
import { demoId, expectJson, request, signInAdmin } from "./traffic/client.ts";
import { openFlood } from "./traffic/flood.ts";
import { openLoad, type Report, statusesText } from "./traffic/load.ts";
import { pick, random } from "./traffic/random.ts";
import { popularId, publicRead } from "./traffic/reads.ts";

const NODES = { full: 12, short: 4 };
const SECONDS = { full: 15, short: 5 };
const OTHERS_RATE = 300;
const OTHERS_LANES = 100;
/** Twice what the edge lets through of these clients with a version each. */
const EDGE_RATE = 2_000;
/** Past the edge nothing holds them back, and the nodes share two cores with them. */
const NODES_RATE = 1_000;
/** The primary's supervisor asks too, not quite regularly. */
const QUESTIONS_MORE_MAX = 1;
const CORES_MORE_MAX = 0.05;
/** The same flood without versions is what others have to live with; more than this on top is to be noticed. */
const P99_FACTOR_MAX = 1.5;
const P99_MORE_MS_MAX = 15;
/** Only the clients that are not the flood are exempt from the edge's limits. */
const EXEMPT = "127.0.0.1\n";
const LONG = 3_000;
const ABSURD_SHARE = 0.2;

type Phase = { others: Report; flood: Report | null; work: ReturnType<typeof loadBetween> };

const secondsOf = ({ isShort, seconds }: DrillOptions): number =>
  seconds ?? (isShort ? SECONDS.short : SECONDS.full);

/** Floods the edge, then the nodes themselves, with versions that are none. */
export const forgedVersion: Drill = {
  name: "forged-version",
  about:
    "a flood of forged, foreign and absurd versions: neither the primary nor other visitors notice, no 503",
  secondsMax: (options) => 150 + 6 * (secondsOf(options) + 15),
  async run(ground) {
    const { options, checks } = ground;
    const cluster = await ground.boot(options.nodes ?? (options.isShort ? NODES.short : NODES.full));
    await limitAsShipped(cluster);
    const { shaped, absurd } = badVersions(await realVersion(cluster));
    const none = () => ({});
    const bad = (number: number) => {
      const isAbsurd = random(number, 5) < ABSURD_SHARE;
      return versionIn(pick(isAbsurd ? absurd : shaped, number, 4), number);
    };
    const edge = { base: () => cluster.edge, rate: EDGE_RATE };
    const nodes = { base: (number: number) => pick(cluster.nodes, number).url, rate: NODES_RATE };

    const quiet = await phase(ground, cluster, "without a flood", null);
    const atEdge = await phase(ground, cluster, "a flood without versions", { ...edge, headers: none });
    const forged = await phase(ground, cluster, "a flood with bad versions", { ...edge, headers: bad });
    const atNodes = await phase(ground, cluster, "past the edge, without", { ...nodes, headers: none });
    const direct = await phase(ground, cluster, "past the edge, with bad ones", { ...nodes, headers: bad });

    judgePhase(ground, "edge", forged, { quiet, same: atEdge });
    judgePhase(ground, "nodes", direct, { quiet, same: atNodes });
    for (const { others, flood } of [quiet, atEdge, forged, atNodes, direct]) {
      checks.require(others.responses === others.statuses["200"], `others: ${statusesText(others.statuses)}`);
      if (flood) checks.require(isAnswered(flood), `the flood was told ${statusesText(flood.statuses)}`);
    }
  },
};

/** The flood's clients have the limits of any client. */
async function limitAsShipped(cluster: Cluster): Promise<void> {
  await cluster.control("--stop", "edge");
  writeFileSync(join(cluster.data, "exempt.txt"), EXEMPT);
  await cluster.control("--start", "edge");
}

async function realVersion(cluster: Cluster): Promise<string> {
  const { token } = await signInAdmin(cluster.edge);
  const path = `/api/products/${demoId(1)}`;
  const answer = await request(cluster.edge, { path, method: "PUT", token, body: { price: 50 } });
  expectJson(answer, 200);
  return answer.headers.get("insole-version") ?? "";
}

/** Those that are shaped so well that only the signature tells, and those that no shop would give. */
function badVersions(real: string): { shaped: string[]; absurd: string[] } {
  const [generation = "", seq = "0", mac = ""] = real.split(".");
  const later = Number(seq) + 1_000;
  const foreign = (text: string) =>
    `${text}.${createHmac("sha256", "another shop's secret").update(text).digest().subarray(0, 12).toString("base64url")}`;
  const flipped = `${mac.startsWith("A") ? "B" : "A"}${mac.slice(1)}`;
  return {
    shaped: [
      `${generation}.${later}.${mac}`,
      `${generation}.${seq}.${flipped}`,
      foreign(`${generation}.${later}`),
      foreign(`${generation}.999999999999999`),
      foreign(`0.${later}`),
      foreign(`${"f".repeat(32)}.${later}`),
    ],
    absurd: [
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
const versionIn = (version: string, number: number): Record<string, string> =>
  number % 2 === 0 ? { "insole-version": version } : { cookie: `insole_version=${version}` };

type FloodFrom = {
  base(number: number): string;
  headers(number: number): Record<string, string>;
  rate: number;
};

/** Others look around, while a flood comes or does not. */
async function phase(
  { options, progress }: DrillContext,
  cluster: Cluster,
  what: string,
  from: FloodFrom | null,
): Promise<Phase> {
  const path = (number: number) => `/api/shoes/${popularId(number)}`;
  const flood = from && openFlood({ ...from, path });
  // What comes first fills what was empty, and uses up what the limits allow at once.
  const first: PrimaryLoad = await readPrimaryLoad(cluster);
  // New questions are new in each phase.
  const send = (number: number) =>
    request(cluster.edge, { path: publicRead(number + Math.round(first.atMs)) });
  const others = openLoad({ send, rate: OTHERS_RATE, concurrency: OTHERS_LANES });
  await Bun.sleep(secondsOf(options) * 1_000);
  const work = loadBetween(first, await readPrimaryLoad(cluster));
  const told = await others.stop();
  const floodTold = flood ? await flood.stop() : null;
  progress(
    `${what}: others p99 usually ${medianP99(told.windows).toFixed(1)} ms, primary ${work.queriesPerSecond.toFixed(1)} questions/s, ` +
      `${work.commits} commits, ${(work.cores * 100).toFixed(0)} % of a core` +
      `${floodTold ? `; the flood got ${statusesText(floodTold.statuses)}` : ""}`,
  );
  return { others: told, flood: floodTold, work };
}

const isAnswered = ({ responses, statuses }: Report): boolean =>
  responses > 0 && responses === (statuses["200"] ?? 0) + (statuses["429"] ?? 0);

function judgePhase(
  { checks }: DrillContext,
  where: string,
  { others, flood, work }: Phase,
  { quiet, same }: { quiet: Phase; same: Phase },
): void {
  const [p99, p99Same] = [medianP99(others.windows), medianP99(same.others.windows)];
  const more = work.queriesPerSecond - quiet.work.queriesPerSecond;
  checks.measure(
    `${where}Flood`,
    flood?.responses ?? 0,
    `${where}: ${count(flood?.responses ?? 0)} bad versions`,
  );
  checks.measure(`${where}Questions`, more, `${more.toFixed(1)} questions/s more at the primary`);
  checks.measure(`${where}Commits`, work.commits, `${work.commits} commits`);
  checks.measure(
    `${where}P99Ms`,
    p99,
    `others p99 usually ${p99.toFixed(1)} ms (${p99Same.toFixed(1)} in a flood without versions)`,
  );
  checks.require(
    more <= QUESTIONS_MORE_MAX,
    `${where}: the primary was asked ${more.toFixed(1)} times a second more`,
  );
  checks.require(work.commits === 0, `${where}: ${work.commits} commits`);
  const cores = work.cores - same.work.cores;
  checks.require(
    cores <= CORES_MORE_MAX,
    `${where}: the primary used ${(cores * 100).toFixed(0)} % of a core more`,
  );
  checks.require(
    p99 <= p99Same * P99_FACTOR_MAX + P99_MORE_MS_MAX,
    `${where}: p99 of others was ${p99.toFixed(1)} ms, ${p99Same.toFixed(1)} without versions`,
  );
}
