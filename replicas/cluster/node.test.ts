// The process of one node: ready when `/readyz` says so, down after a kill, restarted when it asks for it.
import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../db/ports.ts";
import { until } from "../../db/until.ts";
import { type Children, openChildren } from "../primary/children.ts";
import { isAlive, openScratch } from "../testing/primary.ts";
import { type Node, openNode } from "./node.ts";

const scratch = openScratch();
afterAll(scratch.remove);

const FIXTURE = join(import.meta.dir, "../testing/node-program.ts");

let children: Children;
let folder: string;
let messages: string[];
beforeEach(() => {
  children = openChildren();
  folder = mkdtempSync(join(scratch.path, "node-"));
  messages = [];
});
afterEach(() => children.close());

function describeNode(program?: string[]): Node {
  const port = freePort();
  return openNode(3, port, folder, {
    program: program ?? [process.execPath, FIXTURE, String(port)],
    env: { PATH: process.env.PATH ?? "" },
    children,
    say: (line) => messages.push(line),
  });
}

test("start resolves when the node is ready, and a second start does nothing", async () => {
  const node = describeNode();
  expect([node.name, node.state(), node.pid()]).toEqual(["node-3", "down", undefined]);
  await node.start();
  const pid = node.pid();
  expect(node.state()).toBe("ready");
  await node.start();
  expect(node.pid()).toBe(pid!);
});

test("a killed node stays down until it is started", async () => {
  const node = describeNode();
  await node.start();
  const pid = node.pid()!;
  await node.kill();
  expect([node.state(), node.pid(), isAlive(pid)]).toEqual(["down", undefined, false]);
  expect(messages).toEqual(["node-3 was killed"]);
  await node.start();
  expect(node.state()).toBe("ready");
});

test("a drained node ends in order and without a message", async () => {
  const node = describeNode();
  await node.start();
  await node.drain();
  expect([node.state(), messages]).toEqual(["down", []]);
  expect(readFileSync(join(folder, "log"), "utf8")).toBe("ended in order\n");
});

test("a paused node can be drained", async () => {
  const node = describeNode();
  await node.start();
  node.pause();
  expect(node.state()).toBe("paused");
  await node.drain();
  expect(readFileSync(join(folder, "log"), "utf8")).toBe("ended in order\n");
});

test.each([
  [75, "ready"],
  [3, "down"],
])("a node that ends by itself with code %d is %s afterwards", async (code, state) => {
  const node = describeNode();
  await node.start();
  const pid = node.pid()!;
  await fetch(`${node.url}/exit-${code}`).catch(() => null);
  await until(state, () => node.pid() !== pid && node.state() === state);
  expect(node.pid() !== undefined).toBe(code === 75);
  expect(messages).toEqual([`node-3 ended with code ${code}`]);
});

test("a node that does not start reports the end of its log", async () => {
  const node = describeNode(["sh", "-c", "echo the port is taken; exit 1"]);
  await expect(node.start()).rejects.toThrow("node-3 did not start: the port is taken");
  expect(node.state()).toBe("down");
});

test("children get only the given environment, and none is started after close", async () => {
  const outPath = join(folder, "out");
  const child = children.start(["sh", "-c", 'sleep 60 & echo "$A-$HOME-"; sleep 60'], {
    env: { A: "given", PATH: process.env.PATH ?? "" },
    outPath,
  });
  await until("the first line of output", () => readFileSync(outPath, "utf8") !== "");
  expect(readFileSync(outPath, "utf8")).toBe("given--\n");
  const { stdout } = Bun.spawnSync(["ps", "-o", "pid=", "-g", String(child.pid)]);
  const group = stdout.toString().trim().split(/\s+/).map(Number);
  await children.close();
  expect(group.length).toBeGreaterThan(1);
  await until("the whole group has ended", () => !group.some(isAlive));
  expect(() => children.start(["true"], { env: {} })).toThrow("the children are being closed");
});

test("a child that ignores SIGTERM is killed after its time", async () => {
  const outPath = join(folder, "out");
  const child = children.start(["sh", "-c", "trap '' TERM; echo trapped; while :; do sleep 0.01; done"], {
    env: { PATH: process.env.PATH ?? "" },
    outPath,
  });
  await until("the trap is set", () => readFileSync(outPath, "utf8") === "trapped\n");
  await children.end(child, 1);
  expect(child.isRunning()).toBe(false);
});
