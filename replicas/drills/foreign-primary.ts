// Drill: somebody else stands at the primary's address, with nothing or with another shop.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openRemote } from "../../db/server/remote.ts";
import { openFolder, ROOT } from "../cluster/folder.ts";
import type { Child } from "../primary/children.ts";
import { initDataset } from "../primary/dataset.ts";
import { findSqld } from "../primary/sqld.ts";
import { type Digest, differences, digestOfFile } from "./checks/digest.ts";
import { untilEqual } from "./checks/equal-replicas.ts";
import type { Cluster } from "./cluster.ts";
import { count, type Drill, type DrillContext, inSeconds, until } from "./drill.ts";
import { type Account, demoId, expectJson, request, signInAdmin } from "./traffic/client.ts";
import { errorsText, openLoad } from "./traffic/load.ts";
import { browse } from "./traffic/reads.ts";

const FULL = { nodes: 12, stayMs: 5_000, rate: 200 };
const SHORT = { nodes: 3, stayMs: 2_000, rate: 100 };
const READ_LANES = 32;
const NOTICED_MS_MAX = 15_000;
const READY_MS_MAX = 30_000;
const EQUAL_MS_MAX = 30_000;
const END_MS = 5_000;
const UP_MS_MAX = 10_000;
const PRICE = 77.5;

/** Who takes the primary's place. */
type Stranger = { name: string; folder: string; why: RegExp };

/** Row 6: it does not start, or nodes refuse it; all keep serving what they had and say why. */
export const foreignPrimary: Drill = {
  name: "foreign-primary",
  about:
    "an empty or a foreign primary at the old address: the start command refuses it; started all the same, every node refuses it, keeps serving what it had, and says why at /readyz?verbose",
  secondsMax: ({ isShort }) => (isShort ? 120 : 240),
  async run(ground) {
    const { options, checks } = ground;
    const plan = options.isShort ? SHORT : FULL;
    const cluster = await ground.boot(options.nodes ?? plan.nodes);
    const admin = await signInAdmin(cluster.edge);
    const path = `/api/products/${demoId(1)}`;
    const changed = { path, method: "PUT", token: admin.token, body: { price: PRICE } };
    expectJson(await request(cluster.edge, changed), 200);
    const before = await untilEqual(cluster, EQUAL_MS_MAX);
    checks.require(
      before.differing.length === 0,
      `replicas differ at the start: ${before.differing.join("; ")}`,
    );
    const held = new Map<string, Digest>();
    for (const { name } of cluster.nodes) held.set(name, await digestOfFile(cluster.replicaOf(name)));

    const reading = openLoad({ send: browse(cluster), rate: plan.rate, concurrency: READ_LANES });
    await cluster.control("--stop", "primary");
    const strangers = makeStrangers(ground);
    for (const stranger of strangers) await refusedByCommand(ground, cluster, stranger);
    for (const stranger of strangers)
      await refusedByNodes(ground, cluster, stranger, held, admin, plan.stayMs);
    await cluster.control("--start", "primary");
    const readyMs = await until("every node is ready again", READY_MS_MAX, () => areReady(cluster));
    expectJson(await request(cluster.edge, changed), 200);
    const read = await reading.stop();
    const after = await untilEqual(cluster, EQUAL_MS_MAX);

    checks.measure("reads", read.responses, `${count(read.responses)} reads`);
    checks.measure("readErrors", read.failed, `${errorsText(read) || "0 errors"}`);
    checks.measure("readyMs", readyMs, `ready again ${inSeconds(readyMs)} after the own primary is back`);
    checks.measure("equalMs", after.ms, `replicas equal after ${inSeconds(after.ms)}`);
    checks.require(errorsText(read) === "", `reads failed: ${errorsText(read)}`);
    checks.require(after.differing.length === 0, `replicas differ: ${after.differing.join("; ")}`);
  },
};

function makeStrangers({ folder }: DrillContext): Stranger[] {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  const foreign = join(folder, "foreign");
  initDataset({ data: foreign, keys: join(folder, "foreign-keys") });
  return [
    { name: "empty", folder: empty, why: /an empty database stands/ },
    { name: "foreign", folder: foreign, why: /another dataset \(\w+\) stands/ },
  ];
}

const placeOf = ({ primary }: Cluster): string => new URL(primary.url).host;

/** The primary's own command must not start this folder with the shop's keys. */
async function refusedByCommand(
  ground: DrillContext,
  cluster: Cluster,
  { name, folder }: Stranger,
): Promise<void> {
  const { children, checks } = ground;
  const { primary } = openFolder(cluster.data);
  const child = children.start(
    [
      process.execPath,
      "replicas/primary/command.ts",
      "--data",
      folder,
      "--keys",
      primary.keys,
      "--listen",
      placeOf(cluster),
    ],
    { cwd: ROOT, env: {} },
  );
  const said = (await Promise.all(child.output.map((stream) => Bun.readableStreamToText(stream)))).join("");
  const code = await child.exited;
  checks.require(
    code === 1 && said.includes(folder),
    `the command took the ${name} folder (${code}): ${said}`,
  );
  ground.progress(`the command says of the ${name} folder: ${said.trim().replaceAll(folder, name)}`);
}

/** A stranger without any keys lets everybody in: nodes must see for themselves. */
async function startStranger(
  { children }: DrillContext,
  cluster: Cluster,
  { folder }: Stranger,
): Promise<Child> {
  const program = [findSqld(), "-d", folder, "--http-listen-addr", placeOf(cluster), "--no-welcome"];
  const child = children.start(program, { cwd: folder, env: {}, outPath: join(folder, "out.log") });
  await until("the stranger answers", UP_MS_MAX, async () => {
    if (!child.isRunning()) throw new Error("the stranger did not start");
    return (await request(cluster.primary.url, { path: "/health" })).status === 200;
  });
  return child;
}

async function refusedByNodes(
  ground: DrillContext,
  cluster: Cluster,
  stranger: Stranger,
  held: Map<string, Digest>,
  admin: Account,
  stayMs: number,
): Promise<void> {
  const { checks } = ground;
  const { name, why } = stranger;
  const child = await startStranger(ground, cluster, stranger);
  const noticedMs = await until(`every node says that the primary is ${name}`, NOTICED_MS_MAX, async () =>
    (await whysOf(cluster)).every(({ status, said }) => status === 503 && why.test(said)),
  );
  checks.measure(`${name}NoticedMs`, noticedMs, `${name}: every node says so after ${inSeconds(noticedMs)}`);
  const writes = await writeTo(cluster, admin);
  await Bun.sleep(stayMs);
  for (const { name: node, said } of await whysOf(cluster))
    checks.require(why.test(said), `${node} no longer says why (${name}): ${said}`);
  checks.require(writes.length === 0, `writes with a ${name} primary: ${writes.join(", ")}`);
  for (const node of cluster.nodes) {
    const answer = await request(node.url, { path: `/api/products/${demoId(1)}` });
    const { data } = expectJson<{ data: { price: number } }>(answer, 200);
    checks.require(data.price === PRICE, `${node.name} lost a price to a ${name} primary`);
    const now = await digestOfFile(cluster.replicaOf(node.name));
    const different = differences(held.get(node.name) ?? new Map(), now);
    checks.require(
      different.length === 0,
      `${node.name} took from a ${name} primary: ${different.join(", ")}`,
    );
  }
  if (name === "foreign") await judgeLeftAlone(ground, cluster);
  await ground.children.end(child, END_MS, "SIGKILL");
}

/** What nodes say of themselves. */
const whysOf = ({ nodes }: Cluster): Promise<{ name: string; status: number; said: string }[]> =>
  Promise.all(
    nodes.map(async ({ name, url }) => {
      const { status, text } = await request(url, { path: "/readyz?verbose" });
      const { why = "" } = text.startsWith("{") ? (JSON.parse(text) as { why?: string }) : {};
      return { name, status, said: why };
    }),
  );

const areReady = async (cluster: Cluster): Promise<boolean> =>
  (await whysOf(cluster)).every(({ status }) => status === 200);

/** Writes to every node; returns the answers that are no refusals. */
async function writeTo({ nodes }: Cluster, { id, token }: Account): Promise<string[]> {
  const answers = await Promise.all(
    nodes.flatMap(({ url }, at) => [
      request(url, { path: `/api/products/${demoId(1)}`, method: "PUT", token, body: { price: 1 + at } }),
      request(url, { path: `/api/shoes/${demoId(2)}/likes/${id}`, method: "POST", token }),
      request(url, { path: "/api/shoes", method: "POST", token, body: { title: `Foreign ${at}`, price: 1 } }),
    ]),
  );
  return answers
    .filter(({ status, headers }) => status !== 503 || !headers.has("retry-after"))
    .map(({ status, failure, text }) => `${failure ?? status} ${text.slice(0, 100)}`);
}

/** What nodes send must not end up in another shop either. */
async function judgeLeftAlone({ checks }: DrillContext, { primary }: Cluster): Promise<void> {
  const db = openRemote({ url: primary.url, authToken: "" });
  const [rows] = await db.scan([
    {
      sql: "SELECT (SELECT count(*) FROM shoes) + (SELECT count(*) FROM likes) + (SELECT count(*) FROM writes)",
    },
  ]);
  await db.close();
  checks.require(rows?.[0]?.[0] === 0, `nodes wrote ${rows?.[0]?.[0]} rows into a foreign shop`);
}
