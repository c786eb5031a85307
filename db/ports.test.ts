// Free ports are free, different, none that another server has, and never given to two sources.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { freePort, freePorts, isFree, openPorts } from "./ports.ts";

const listenOn = (port: number) =>
  Bun.listen({ hostname: "127.0.0.1", port, exclusive: true, socket: { data() {} } });

test("a port that a server has is not free", () => {
  const port = freePort();
  const server = listenOn(port);
  try {
    expect(isFree(port)).toBe(false);
  } finally {
    server.stop(true);
  }
  expect(isFree(port)).toBe(true);
});

test("sources that begin at one place are given different ports, and no port twice", () => {
  const sources = [openPorts(() => 0.5), openPorts(() => 0.5)];
  // More than one block holds.
  const given = sources.flatMap((source) => source.freePorts(60));
  expect(new Set(given).size).toBe(120);
});

test("a port that another server has meanwhile is passed over", () => {
  const source = openPorts(() => 0.75);
  const [first = 0] = source.freePorts(1);
  const servers = [listenOn(first + 1), listenOn(first + 2)];
  try {
    expect(source.freePort()).toBeGreaterThan(first + 2);
  } finally {
    for (const server of servers) server.stop(true);
  }
});

test("ports lie below the range of outgoing connections", () => {
  for (const port of freePorts(3)) expect(port).toBeWithin(20_000, 30_000);
});

test("a process that took a port ends by itself", () => {
  const script = `const { freePort } = await import(${JSON.stringify(join(import.meta.dir, "ports.ts"))}); console.log(freePort());`;
  const { exitCode } = Bun.spawnSync([process.execPath, "-e", script], { timeout: 10_000 });
  expect(exitCode).toBe(0);
});
