// The drill of buyers at once for a few pairs, with a node and the primary killed meanwhile: promises 3 and 4 (replicas/README.md).
import { must } from "../../db/must.ts";
import { until } from "../../db/until.ts";
import { checkReplicasEqual } from "./checks/equal-replicas.ts";
import type { Cluster } from "./cluster.ts";
import { type Drill, type DrillContext, sizeOf, textOf } from "./drill.ts";
import { type Buyers, startBuyers } from "./traffic/buyers.ts";
import { expectStatus, request, signInAdmin } from "./traffic/client.ts";

const BUYERS = { full: 2_000, short: 500 };
const SIZES = ["40", "41", "42", "43"];
const PAIRS_EACH = 25;
const PAIRS = SIZES.length * PAIRS_EACH;
const SHOE = "last-pairs";
/** The processes to kill, after so many acknowledged orders. */
const KILLS = [
  { what: "primary", after: 1 },
  { what: "node", after: PAIRS / 4 },
  { what: "primary", after: PAIRS / 2 },
] as const;
const SEEN_MS_MAX = 30_000;
/** An order whose node was killed is settled by another one after the lease. */
const SETTLED_MS_MAX = 90_000;

export const buyers: Drill = {
  name: "buyers",
  about:
    "2,000 buyers at once for 100 pairs in 4 sizes, through every node, with kill -9 of the primary twice and of a node meanwhile: exactly 100 pairs are sold, no buyer is charged twice or without an order, every acknowledged order is there",
  async run(context) {
    const { options, checks, progress } = context;
    const cluster = await context.boot();
    await addShoe(cluster);
    const killing: Promise<unknown>[] = [];
    const startedAt = performance.now();
    const buying = startBuyers({
      nodes: cluster.nodes,
      count: sizeOf(options, BUYERS),
      shoeId: SHOE,
      sizes: SIZES,
      onAcknowledged(count) {
        for (const { what } of KILLS.filter(({ after }) => after === count))
          killing.push(kill(context, cluster, what, count));
      },
    });
    await buying.done;
    const seconds = (performance.now() - startedAt) / 1_000;
    await Promise.all(killing);
    progress(`every buyer has an answer after ${seconds.toFixed(1)} s`);
    checks.measure("seconds", seconds);
    checks.measure("kills", killing.length);
    checks.require(killing.length === KILLS.length, `${killing.length} kills instead of ${KILLS.length}`);
    await checkSale(context, cluster, buying);
    await checkReplicasEqual(checks, cluster);
  },
};

/** Adds the shoe and waits until every node sells it. */
async function addShoe({ edge, nodes }: Cluster): Promise<void> {
  const { token } = await signInAdmin(edge);
  const sizes = SIZES.map((size) => ({ size, stock: PAIRS_EACH }));
  const body = { shoe_id: SHOE, title: "Last pairs", price: 50, sizes };
  expectStatus(await request(edge, { method: "POST", path: "/api/shoes", token, body }), 201);
  for (const { name, url } of nodes)
    await until(
      `${name} has the shoe`,
      async () => (await request(url, { path: `/api/shoes/${SHOE}` })).status === 200,
      SEEN_MS_MAX,
    );
}

async function kill(
  { progress }: DrillContext,
  cluster: Cluster,
  what: "primary" | "node",
  count: number,
): Promise<void> {
  progress(`kill -9 of ${what === "node" ? "a node" : "the primary"} after ${count} acknowledged orders`);
  if (what === "node") {
    const [node] = cluster.nodes;
    const killed = must(node, "a node");
    // By the cluster, which then knows that it has ended.
    await cluster.control("--kill", killed.name);
    return cluster.startNodes([killed]);
  }
  // It may be down from the kill before.
  await until("the primary runs", () => cluster.primaryPid() !== null, SEEN_MS_MAX);
  process.kill(must(cluster.primaryPid(), "the primary"), "SIGKILL");
}

const DUE = "SELECT count(*) FROM payment_requests WHERE state = 'due'";
const STOCK = `SELECT z.stock, t.pairs FROM sizes AS z JOIN shoes AS s ON s.id = z.shoe
LEFT JOIN stock_taken AS t ON t.shoe = z.shoe AND t.size = z.size WHERE s.shoe_id = '${SHOE}'`;
const ORDERS = "SELECT email, id, status FROM orders WHERE status <> 'cancelled'";
const CHARGED = `SELECT o.email, count(*) FROM sandbox_payments AS p LEFT JOIN orders AS o ON o.id = p.id
WHERE p.status IN ('authorized', 'captured') GROUP BY o.email`;

/** Compares what the primary holds with what the buyers know. */
async function checkSale({ checks }: DrillContext, { database }: Cluster, buying: Buyers): Promise<void> {
  const rowsOf = async (sql: string) => must((await database.scan([{ sql }]))[0], "the rows");
  const { acknowledged } = buying;
  const settledMs = await until(
    "every payment is settled",
    async () => (await rowsOf(DUE))[0]?.[0] === 0,
    SETTLED_MS_MAX,
  );
  checks.measure("settled after another", settledMs, "ms");
  checks.measure("orders acknowledged", acknowledged.size);
  checks.measure("buyers who found nothing left", buying.outOfStock());
  checks.measure("requests repeated", buying.repeated());
  checks.measure("orders placed anew", buying.placedAnew());
  checks.require(acknowledged.size === PAIRS, `${acknowledged.size} of ${PAIRS} pairs were sold`);
  const stock = await rowsOf(STOCK);
  checks.none(
    "sizes that are not sold out",
    stock.filter((row) => String(row) !== `0,${PAIRS_EACH}`).map(String),
  );
  const orders = (await rowsOf(ORDERS)).map(([email, id, status]) => ({ email: String(email), id, status }));
  const ids = new Set(orders.map(({ id }) => id));
  checks.none(
    "acknowledged orders that are lost",
    [...acknowledged].filter(([, id]) => !ids.has(id)).map(([email, id]) => `${id} of ${email}`),
  );
  checks.none(
    "orders that hold a pair without their buyer's knowledge",
    orders
      .filter(({ email, id, status }) => acknowledged.get(email) !== id || status !== "confirmed")
      .map(({ email, id, status }) => `${id} of ${email} is ${status}`),
  );
  const charged = await rowsOf(CHARGED);
  checks.none(
    "buyers charged twice, or without an order",
    charged.filter(([email, times]) => times !== 1 || !acknowledged.has(String(email))).map(String),
  );
  checks.require(charged.length === acknowledged.size, `${textOf(charged.length)} buyers are charged`);
  checks.none("unexpected responses", buying.unexpected);
}
