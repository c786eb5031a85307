// Carries out the controls of a running cluster.
import { must } from "../../db/must.ts";
import type { Cluster } from "./cluster.ts";
import type { Node } from "./node.ts";
import type { Control } from "./options.ts";

/** After a failed request the edge sends a node nothing for two seconds (nginx/generate), which NGINX counts in whole ones. */
const EDGE_RETRY_MS = 3_100;

/** Carries out a control and returns the lines to print. Throws one sentence when the target does not allow it. */
export async function perform(cluster: Cluster, control: Control): Promise<string[]> {
  if (control.verb === "status")
    return control.json ? [JSON.stringify(cluster.describe())] : describeLines(cluster);
  if (control.verb === "add") {
    const node = await cluster.addNode();
    return [`added ${node.name} on ${node.url}`];
  }
  const lines: string[] = [];
  for (const target of control.targets) {
    if (target === "door") lines.push(toDoor(cluster));
    else if (target === "primary") lines.push(await toPrimary(cluster, control));
    else if (target === "edge") lines.push(await toEdge(cluster, control));
    else lines.push(await toNode(cluster, cluster.node(Number(target.replace("node-", ""))), control));
  }
  return lines;
}

/** The address, pid and state of each part, one part a line. */
function describeLines(cluster: Cluster): string[] {
  const { edge, primary, nodes } = cluster.describe();
  return [
    ...(edge === null ? [] : [`edge ${edge} pid ${cluster.edge?.pid() ?? "-"}`]),
    `primary ${primary.url} pid ${primary.pid ?? "-"} door ${primary.door ?? "-"} ${cluster.primary().state()}`,
    ...nodes.map(
      ({ name, url, pid }, index) =>
        `${name} ${url} pid ${pid ?? "-"} ${must(cluster.nodes()[index], "the node").state()}`,
    ),
  ];
}

function toDoor(cluster: Cluster): string {
  cluster.primary().killDoor();
  return "door: killed, it is restarted";
}

async function toPrimary(cluster: Cluster, { verb }: Control): Promise<string> {
  const primary = cluster.primary();
  if (verb === "kill") primary.kill();
  else if (verb === "pause") primary.pause();
  else if (verb === "resume") primary.resume();
  else if (verb === "stop") await primary.stop();
  else if (verb === "start") await cluster.startPrimary();
  else throw new Error("the primary cannot be drained, only nodes can");
  return `primary: ${verb === "kill" ? "killed, it is restarted" : cluster.primary().state()}`;
}

async function toEdge(cluster: Cluster, { verb }: Control): Promise<string> {
  const { edge } = cluster;
  if (!edge) throw new Error("this cluster runs without an edge");
  if (verb === "kill") await edge.kill();
  else if (verb === "pause") edge.pause();
  else if (verb === "resume") edge.resume();
  else if (verb === "stop") await edge.stop();
  else if (verb === "start") await edge.start(cluster.addresses());
  else throw new Error("the edge cannot be drained, only nodes can");
  return `edge: ${edge.pid() === undefined ? "down" : `pid ${edge.pid()}`}`;
}

async function toNode(cluster: Cluster, node: Node, { verb, restart }: Control): Promise<string> {
  if (verb === "kill") await node.kill();
  else if (verb === "pause") node.pause();
  else if (verb === "resume") node.resume();
  else if (verb === "stop") await node.drain();
  else if (verb === "start") await startAgain(cluster, node);
  else await drain(cluster, node, restart);
  return `${node.name}: ${node.state()}`;
}

/**
 * Drains a node without reloading the edge first: a reload closes the clients' idle connections, and requests already on
 * their way would be lost. The edge skips a node that no longer listens at once, and uses it again when it is back.
 */
async function drain(cluster: Cluster, node: Node, restart: boolean): Promise<void> {
  // The edge may still skip a node that came back just now: draining this one meanwhile could leave it without any.
  const others = cluster.nodes().filter((each) => each !== node && each.state() === "ready");
  const youngestMs = Math.min(...others.map((each) => each.readyForMs()));
  if (cluster.edge && youngestMs < EDGE_RETRY_MS) await Bun.sleep(EDGE_RETRY_MS - youngestMs);
  await node.drain();
  if (restart) await node.start();
  else cluster.edge?.write(cluster.addresses(node));
}

async function startAgain(cluster: Cluster, node: Node): Promise<void> {
  await node.start();
  if (!cluster.edge) return;
  if (cluster.edge.knows(node.address)) cluster.edge.write(cluster.addresses());
  else cluster.edge.reload(cluster.addresses());
}
