// The output of a node whose primary dies and returns: every line is one of its own log.
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { migratedTemplate, openTestServer } from "../db/testing/server.ts";
import { until } from "../db/until.ts";
import { openFolder } from "./testing/shop.ts";

const folder = openFolder();
afterAll(folder.remove);

test("a node started by its program writes lines of JSON alone while its primary is killed and started", async () => {
  const server = await openTestServer(migratedTemplate(folder.path));
  const node = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts")], {
    env: {
      PORT: "0",
      DATABASE_URL: server.url,
      DATA_DIR: join(folder.path, "node"),
      JWT_SECRET: "the same secret on all of the nodes",
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const lines: string[] = [];
  const readings = [node.stdout, node.stderr].map(async (stream) => {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
    }
    lines.push(...(rest === "" ? [] : [rest]));
  });
  const count = (message: string) => lines.filter((line) => line.includes(`"${message}"`)).length;
  await until("the node is open", () => count("the shop is open") > 0);
  for (let round = 1; round <= 3; round += 1) {
    await server.stop("SIGKILL");
    await until("the node notices", () => count("the replica is not synced") >= round);
    await server.start();
    await until("the node syncs again", () => count("the replica is synced") > round);
  }
  node.kill("SIGTERM");
  await Promise.all([...readings, node.exited]);
  await server.remove();
  const parse = (line: string): unknown => {
    try {
      return (JSON.parse(line) as { level: string }).level;
    } catch {
      return line;
    }
  };
  expect(new Set(lines.map(parse))).toEqual(new Set(["info", "warn"]));
});
