// What a control does to the parts of a cluster, here made-up ones that note what they are asked to do.
import { beforeEach, expect, test } from "bun:test";
import type { Cluster } from "./cluster.ts";
import type { Edge } from "./edge.ts";
import type { Node } from "./node.ts";
import type { Control } from "./options.ts";
import { perform } from "./perform.ts";

let calls: string[];
/** The nodes that the edge was last loaded with. */
let known: number[];
let readyForMs: number;
beforeEach(() => {
  calls = [];
  known = [1, 2];
  readyForMs = 60_000;
});

/** A node that is ready, or down after `drain`, `stop` and `kill`. */
function nodeOf(number: number): Node {
  let state = "ready";
  const become = (next: string, call: string) => {
    calls.push(`${call} ${number}`);
    state = next;
  };
  return {
    number,
    name: `node-${number}`,
    url: `http://node-${number}`,
    address: `node-${number}`,
    state: () => state,
    pid: () => (state === "ready" ? 100 + number : undefined),
    readyForMs: () => readyForMs,
    start: async () => become("ready", "start"),
    drain: async () => become("down", "drain"),
    kill: async () => become("down", "kill"),
    pause: () => become("paused", "pause"),
    resume: () => become("ready", "resume"),
  } as unknown as Node;
}

function openMadeUp(withEdge = true): Cluster {
  const nodes = [nodeOf(1), nodeOf(2)];
  const call = (name: string) => (addresses?: readonly string[]) =>
    void calls.push([name, ...(addresses ?? [])].join(" "));
  const edge = {
    url: "http://edge",
    pid: () => 7,
    knows: (address: string) => known.map((number) => `node-${number}`).includes(address),
    start: async (addresses: readonly string[]) => call("start edge")(addresses),
    write: call("write"),
    reload: call("reload"),
    pause: () => call("pause edge")(),
    resume: () => call("resume edge")(),
    kill: async () => call("kill edge")(),
    stop: async () => call("stop edge")(),
  } as Edge;
  let state = "up";
  const become = (next: string, name: string) => {
    calls.push(`${name} primary`);
    state = next;
  };
  const primary = {
    state: () => state,
    pid: () => 8,
    kill: () => become("starting", "kill"),
    killDoor: () => void calls.push("kill door"),
    pause: () => become("paused", "pause"),
    resume: () => become("up", "resume"),
    stop: async () => become("stopped", "stop"),
  };
  return {
    edge: withEdge ? edge : undefined,
    nodes: () => nodes,
    node(number: number) {
      const found = nodes[number - 1];
      if (!found) throw new Error(`there is no node ${number}`);
      return found;
    },
    primary: () => primary,
    startPrimary: async () => become("up", "start"),
    addresses: (without?: Node) => nodes.filter((node) => node !== without).map(({ address }) => address),
    describe: () => ({
      edge: withEdge ? "http://edge" : null,
      primary: { url: "http://primary", pid: 8, door: 9 },
      nodes: nodes.map((node) => ({ name: node.name, url: node.url, pid: node.pid() ?? null })),
    }),
    async addNode() {
      nodes.push(nodeOf(nodes.length + 1));
      return nodes.at(-1);
    },
  } as unknown as Cluster;
}

const controlOf = (verb: Control["verb"], targets: string[] = [], more: Partial<Control> = {}): Control => ({
  verb,
  targets,
  restart: false,
  json: false,
  ...more,
});

test.each<[Control["verb"], string[], string[], string[]]>([
  ["kill", ["1"], ["kill 1"], ["node-1: down"]],
  ["pause", ["node-2"], ["pause 2"], ["node-2: paused"]],
  ["resume", ["2"], ["resume 2"], ["node-2: ready"]],
  ["stop", ["1", "2"], ["drain 1", "drain 2"], ["node-1: down", "node-2: down"]],
  ["drain", ["1"], ["drain 1", "write node-2"], ["node-1: down"]],
  ["kill", ["primary"], ["kill primary"], ["primary: killed, it is restarted"]],
  ["pause", ["primary"], ["pause primary"], ["primary: paused"]],
  ["resume", ["primary"], ["resume primary"], ["primary: up"]],
  ["stop", ["primary"], ["stop primary"], ["primary: stopped"]],
  ["start", ["primary"], ["start primary"], ["primary: up"]],
  ["kill", ["door"], ["kill door"], ["door: killed, it is restarted"]],
  ["kill", ["edge"], ["kill edge"], ["edge: pid 7"]],
  ["pause", ["edge"], ["pause edge"], ["edge: pid 7"]],
  ["resume", ["edge"], ["resume edge"], ["edge: pid 7"]],
  ["stop", ["edge"], ["stop edge"], ["edge: pid 7"]],
  ["start", ["edge"], ["start edge node-1 node-2"], ["edge: pid 7"]],
  [
    "kill",
    ["primary", "1"],
    ["kill primary", "kill 1"],
    ["primary: killed, it is restarted", "node-1: down"],
  ],
])("--%s %j", async (verb, targets, expectedCalls, lines) => {
  expect(await perform(openMadeUp(), controlOf(verb, targets))).toEqual(lines);
  expect(calls).toEqual(expectedCalls);
});

test("a restart leaves the edge's list as it is", async () => {
  const lines = await perform(openMadeUp(), controlOf("drain", ["1", "2"], { restart: true }));
  expect(lines).toEqual(["node-1: ready", "node-2: ready"]);
  expect(calls).toEqual(["drain 1", "start 1", "drain 2", "start 2"]);
});

test("a node is drained only when the edge tries the others again", async () => {
  // NGINX leaves out a node for up to 3.1 s after a failure; this one is ready for 0.1 s less.
  readyForMs = 3_000;
  const startedAtMs = performance.now();
  await perform(openMadeUp(), controlOf("drain", ["1"]));
  expect(performance.now() - startedAtMs).toBeGreaterThan(99);
  expect(calls).toEqual(["drain 1", "write node-2"]);
});

test("a started node is loaded into an edge that does not know it, and noted for one that does", async () => {
  await perform(openMadeUp(), controlOf("start", ["1"]));
  expect(calls).toEqual(["start 1", "write node-1 node-2"]);
  [calls, known] = [[], [2]];
  await perform(openMadeUp(), controlOf("start", ["1"]));
  expect(calls).toEqual(["start 1", "reload node-1 node-2"]);
});

test("--add names the new node, and --status each part", async () => {
  const cluster = openMadeUp();
  expect(await perform(cluster, controlOf("add"))).toEqual(["added node-3 on http://node-3"]);
  await perform(cluster, controlOf("kill", ["1"]));
  expect(await perform(cluster, controlOf("status"))).toEqual([
    "edge http://edge pid 7",
    "primary http://primary pid 8 door 9 up",
    "node-1 http://node-1 pid - down",
    "node-2 http://node-2 pid 102 ready",
    "node-3 http://node-3 pid 103 ready",
  ]);
  const [json = ""] = await perform(cluster, controlOf("status", [], { json: true }));
  expect(JSON.parse(json)).toMatchObject({ edge: "http://edge", nodes: { length: 3 } });
});

test.each<[Control, string]>([
  [controlOf("drain", ["primary"]), "the primary cannot be drained, only nodes can"],
  [controlOf("drain", ["edge"]), "the edge cannot be drained, only nodes can"],
  [controlOf("kill", ["9"]), "there is no node 9"],
])("%j is refused in one sentence, and nothing is done", async (control, sentence) => {
  await expect(perform(openMadeUp(), control)).rejects.toThrow(sentence);
  expect(calls).toEqual([]);
});

test("without an edge nodes are drained and started, and the edge itself is refused", async () => {
  const cluster = openMadeUp(false);
  await perform(cluster, controlOf("drain", ["1"]));
  await perform(cluster, controlOf("start", ["1"]));
  expect(calls).toEqual(["drain 1", "start 1"]);
  await expect(perform(cluster, controlOf("kill", ["edge"]))).rejects.toThrow("runs without an edge");
  expect((await perform(cluster, controlOf("status")))[0]).toBe("primary http://primary pid 8 door 9 up");
});
