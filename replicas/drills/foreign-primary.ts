// The drill of an empty or foreign server at the primary's address: promise 7 (replicas/README.md).
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openRemote } from "../../db/server/remote.ts";
import { until } from "../../db/until.ts";
import { openFolder, ROOT } from "../cluster/folder.ts";
import type { Child } from "../primary/children.ts";
import { initDataset } from "../primary/dataset.ts";
import { findSqld } from "../primary/sqld.ts";
import { type Digest, differences, digestOfFile } from "./checks/digest.ts";
import { checkReplicasEqual } from "./checks/equal-replicas.ts";
import { readinessOf } from "./checks/readiness.ts";
import { checkResponses } from "./checks/responses.ts";
import type { Cluster } from "./cluster.ts";
import { type Checks, type Drill, type DrillContext, sizeOf } from "./drill.ts";
import { type Account, demoId, expectJson, request, signInAdmin, statusOf } from "./traffic/client.ts";
import { openLoad } from "./traffic/load.ts";
import { browse } from "./traffic/reads.ts";
import { addRequest, changePrice, likeRequest, priceRequest } from "./traffic/shoes.ts";

const STAY_MS = { full: 5_000, short: 2_000 };
const READS_PER_SECOND = { full: 200, short: 100 };
const READ_CONCURRENCY = 32;
const NOTICED_MS_MAX = 15_000;
const READY_MS_MAX = 30_000;
const UP_MS_MAX = 10_000;
const END_MS = 5_000;
const PRICE = 77.5;
const COUNT_ROWS =
  "SELECT (SELECT count(*) FROM shoes) + (SELECT count(*) FROM likes) + (SELECT count(*) FROM writes)";

/** A server that takes the primary's address; `reason` matches what nodes say about it. */
type Intruder = { name: string; folder: string; reason: RegExp };

export const foreignPrimary: Drill = {
  name: "foreign-primary",
  about:
    "an empty and a foreign database at the primary's address: the start command refuses either; with a server on it nevertheless, every node refuses that, goes on with its own data, and gives the reason at /readyz?verbose",
  async run(context) {
    const { options, checks } = context;
    const cluster = await context.boot();
    const admin = await signInAdmin(cluster.edge);
    await changePrice(cluster.edge, admin, demoId(1), PRICE);
    await checkReplicasEqual(checks, cluster);
    const digests = new Map<string, Digest>();
    for (const { name } of cluster.nodes) digests.set(name, digestOfFile(cluster.replicaOf(name)));

    const rate = sizeOf(options, READS_PER_SECOND);
    const reading = openLoad({ send: browse(cluster), rate, concurrency: READ_CONCURRENCY });
    await cluster.control("--stop", "primary");
    const intruders = makeIntruders(context);
    for (const intruder of intruders) await checkCommandRefuses(context, cluster, intruder);
    for (const intruder of intruders) await checkNodesRefuse(context, cluster, intruder, { digests, admin });
    await cluster.control("--start", "primary");
    const readyMs = await until(
      "every node is ready again",
      async () => (await readinessOf(cluster)).every(({ status }) => status === 200),
      READY_MS_MAX,
    );
    await changePrice(cluster.edge, admin, demoId(1), PRICE);
    checkResponses(checks, "reads", await reading.stop());
    checks.measure("ready after the own primary is back", readyMs, "ms");
    await checkReplicasEqual(checks, cluster);
  },
};

function makeIntruders({ folder }: DrillContext): Intruder[] {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  const foreign = join(folder, "foreign");
  initDataset({ data: foreign, keys: join(folder, "foreign-keys") });
  return [
    { name: "empty", folder: empty, reason: /an empty database stands/ },
    { name: "foreign", folder: foreign, reason: /another dataset \(\w+\) stands/ },
  ];
}

const addressOf = ({ primary }: Cluster): string => new URL(primary.url).host;

/** The start command of the primary must refuse this folder with the shop's keys. */
async function checkCommandRefuses(
  { children, checks, progress }: DrillContext,
  cluster: Cluster,
  { name, folder }: Intruder,
): Promise<void> {
  const { keys } = openFolder(cluster.data).primary;
  const command = [process.execPath, "replicas/primary/command.ts", "--data", folder, "--keys", keys];
  const child = children.start([...command, "--listen", addressOf(cluster)], { cwd: ROOT, env: {} });
  const output = (await Promise.all(child.output.map((stream) => Bun.readableStreamToText(stream)))).join("");
  const code = await child.exited;
  checks.require(
    code === 1 && output.includes(folder),
    `the command started the ${name} folder (${code}): ${output}`,
  );
  progress(`the command refuses the ${name} folder: ${output.trim().replaceAll(folder, name)}`);
}

/** Every node must refuse the server that listens there now, keep its data, and give the reason. */
async function checkNodesRefuse(
  context: DrillContext,
  cluster: Cluster,
  intruder: Intruder,
  { digests, admin }: { digests: ReadonlyMap<string, Digest>; admin: Account },
): Promise<void> {
  const { options, checks } = context;
  const { name, reason } = intruder;
  const child = await startIntruder(context, cluster, intruder);
  const noticedMs = await until(
    `every node says that the primary is ${name}`,
    async () => (await readinessOf(cluster)).every(({ status, why }) => status === 503 && reason.test(why)),
    NOTICED_MS_MAX,
  );
  checks.measure(`every node refuses the ${name} primary after`, noticedMs, "ms");
  const accepted = await writeToAll(cluster, admin);
  await Bun.sleep(sizeOf(options, STAY_MS));
  for (const { name: node, why } of await readinessOf(cluster))
    checks.require(reason.test(why), `${node} no longer gives the reason (${name}): ${why}`);
  checks.none("writes that were not refused", accepted);
  for (const { name: node, url } of cluster.nodes) {
    const { data } = await readProduct(url);
    checks.require(data.price === PRICE, `${node} lost a price (${name})`);
    const changed = differences(digests.get(node) ?? new Map(), digestOfFile(cluster.replicaOf(node)));
    checks.require(changed.length === 0, `${node} took over ${changed.join(", ")} (${name})`);
  }
  if (name === "foreign") await checkNothingWritten(checks, cluster);
  await context.children.end(child, END_MS, "SIGKILL");
}

const readProduct = async (base: string): Promise<{ data: { price: number } }> =>
  expectJson(await request(base, { path: `/api/products/${demoId(1)}` }), 200);

/** Starts a server without keys, which accepts every client: the nodes themselves must refuse it. */
async function startIntruder(
  { children }: DrillContext,
  cluster: Cluster,
  { folder }: Intruder,
): Promise<Child> {
  const program = [findSqld(), "-d", folder, "--http-listen-addr", addressOf(cluster), "--no-welcome"];
  const child = children.start(program, { cwd: folder, env: {}, outPath: join(folder, "out.log") });
  await until(
    "the server at the primary's address is up",
    async () => {
      if (!child.isRunning()) throw new Error("the server at the primary's address did not start");
      return (await request(cluster.primary.url, { path: "/health" })).status === 200;
    },
    UP_MS_MAX,
  );
  return child;
}

/** Writes to every node; returns the responses that are no refusals, as text. */
async function writeToAll({ nodes }: Cluster, admin: Account): Promise<string[]> {
  const responses = await Promise.all(
    nodes.flatMap(({ url }, number) => [
      request(url, priceRequest(admin, demoId(1), 1 + number)),
      request(url, likeRequest(admin, demoId(2))),
      request(url, addRequest(admin, { title: `Foreign ${number}` })),
    ]),
  );
  return responses
    .filter(({ status, headers }) => status !== 503 || !headers.has("retry-after"))
    .map((response) => `${statusOf(response)} ${response.text.slice(0, 100)}`);
}

/** No write of our nodes may end up in the foreign shop. */
async function checkNothingWritten(checks: Checks, { primary }: Cluster): Promise<void> {
  const db = openRemote({ url: primary.url, authToken: "" });
  const [rows] = await db.scan([{ sql: COUNT_ROWS }]);
  await db.close();
  checks.require(rows?.[0]?.[0] === 0, `nodes wrote ${rows?.[0]?.[0]} rows into a foreign shop`);
}
