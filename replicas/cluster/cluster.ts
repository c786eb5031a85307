// A whole cluster on one machine: the primary, its nodes and the edge, started in order, changed on demand, ended in order.
import { must } from "../../db/must.ts";
import { freePort, freePorts, isFree } from "../../db/ports.ts";
import type { Children } from "../primary/children.ts";
import { openPrimary, type Primary } from "../primary/supervisor.ts";
import { type Edge, openEdge } from "./edge.ts";
import { type ClusterFolder, nodeTokens, prepareData, readSecret } from "./folder.ts";
import { type Node, type NodeSettings, openNode } from "./node.ts";

/** The options of the command, and what it provides. */
type ClusterOptions = {
  nodes: number;
  /** The edge's port; undefined for a free one. */
  port: number | undefined;
  from: string | undefined;
  withEdge: boolean;
  cacheBytes: number;
  folder: ClusterFolder;
  children: Children;
  /** The program that runs as a node. */
  program: readonly string[];
  /** The environment of the nodes; NGINX is looked for in its `PATH`. */
  env: Record<string, string>;
  say(line: string): void;
};

/** The addresses and pids of a cluster's parts, for other programs; `url` is the address of the door, `pid` that of sqld. */
export type ClusterDescription = {
  edge: string | null;
  primary: { url: string; pid: number | null; door: number | null };
  nodes: { name: string; url: string; pid: number | null }[];
};

export type Cluster = {
  folder: ClusterFolder;
  nodes(): readonly Node[];
  /** Throws one sentence when there is no node of this number. */
  node(number: number): Node;
  primary(): Primary;
  edge: Edge | undefined;
  describe(): ClusterDescription;
  /** Starts the primary after it was stopped. Rejects with one sentence when it cannot start. */
  startPrimary(): Promise<void>;
  /** Starts one more node and adds it to the edge's list. Rejects with one sentence when it cannot start. */
  addNode(): Promise<Node>;
  /** The addresses that the edge should send requests to. */
  addresses(without?: Node): string[];
  /** Ends the edge, the nodes and the primary in order. */
  close(): Promise<void>;
};

const EDGE_PORT = 8_000;
/** A start occupies a core; more at once only make each of them slower. */
const STARTS_AT_ONCE = 4;
/** The value that the package script `start` sets. */
const COLLECTOR_BYTES = "167772160";

/**
 * Starts everything and resolves when all of it is ready. Throws one sentence when a part cannot start; the caller then closes
 * `children`.
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { folder, children, say } = options;
  const edgePort = freeEdgePort(options.port);
  const prepared = await prepareData(folder, options.from, children);
  if (prepared === "created") say("created a new shop");
  const [primaryPort, statusPort, ...ports] = freePorts(options.nodes + 2);
  const listen = `127.0.0.1:${must(primaryPort, "the primary's port")}`;
  const startPrimary = () => openPrimary({ ...folder.primary, listen, children, say });
  let primary = startPrimary();
  // Reports a primary that may not be restarted.
  const follow = (each: Primary) => void each.ended.catch((thrown: Error) => say(thrown.message));
  follow(primary);
  await primary.ready;

  const settings = nodeSettings(options, primary.url);
  const nodes = ports.map((port, index) => nodeOf(index + 1, port));
  const edge = options.withEdge
    ? openEdge(
        { port: edgePort, statusPort: must(statusPort, "the status port"), folder, children },
        options.env.PATH ?? "",
      )
    : undefined;
  function nodeOf(number: number, port: number): Node {
    return openNode(number, port, folder.nodeFolder(`node-${number}`), settings);
  }
  const addresses = (without?: Node) =>
    nodes.filter((node) => node !== without).map(({ address }) => address);

  await startAll(nodes);
  await edge?.start(addresses());

  return {
    folder,
    edge,
    addresses,
    nodes: () => nodes,
    node(number) {
      const found = nodes.find((node) => node.number === number);
      if (!found) throw new Error(`there is no node ${number}: they are 1 to ${nodes.length}`);
      return found;
    },
    primary: () => primary,
    describe: () => describe(primary, nodes, edge),
    async startPrimary() {
      if (primary.state() !== "stopped") return;
      primary = startPrimary();
      follow(primary);
      await primary.ready;
    },
    async addNode() {
      const node = nodeOf(nodes.length + 1, freePort());
      nodes.push(node);
      await node.start();
      edge?.reload(addresses());
      return node;
    },
    async close() {
      await edge?.stop();
      await Promise.all(nodes.map((node) => node.drain()));
      await primary.stop();
    },
  };
}

function freeEdgePort(wanted: number | undefined): number {
  if (wanted === undefined) return isFree(EDGE_PORT) ? EDGE_PORT : freePort();
  if (!isFree(wanted))
    throw new Error(`port ${wanted} is taken: stop what uses it, or name another with --port`);
  return wanted;
}

function nodeSettings(options: ClusterOptions, primaryUrl: string): NodeSettings {
  return {
    program: options.program,
    children: options.children,
    say: options.say,
    env: {
      BUN_JSC_forceRAMSize: COLLECTOR_BYTES,
      ...options.env,
      DATABASE_URL: primaryUrl,
      // Made at each start of a node: the keys may have changed since the one before.
      get DATABASE_AUTH_TOKEN() {
        return nodeTokens(options.folder, Date.now());
      },
      JWT_SECRET: readSecret(options.folder),
      CACHE_BYTES_MAX: String(options.cacheBytes),
      TRUST_PROXY: "loopback",
      // A load generator is one client and sends the requests of many.
      RATE_LIMIT_MAX: "0",
      RATE_LIMIT_AUTH_MAX: "0",
      OPEN_ORDERS_ADDRESS_MAX: "0",
      LOG_LEVEL: "info",
      LOG_SAMPLE: "0",
      // The driver would log an unreachable primary, too; the node's own log line is enough.
      RUST_LOG: "off",
    },
  };
}

async function startAll(nodes: readonly Node[]): Promise<void> {
  const waiting = [...nodes];
  const startNext = async (): Promise<void> => {
    for (let node = waiting.shift(); node; node = waiting.shift()) await node.start();
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startNext));
}

const describe = (primary: Primary, nodes: readonly Node[], edge: Edge | undefined): ClusterDescription => ({
  edge: edge?.url ?? null,
  primary: { url: primary.url, pid: primary.pid() ?? null, door: primary.door() ?? null },
  nodes: nodes.map((node) => ({ name: node.name, url: node.url, pid: node.pid() ?? null })),
});
