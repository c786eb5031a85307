// A node and the primary's door: the contract suite through it, a door that comes and goes, and one that is killed.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../db/ports.ts";
import { readMigrations } from "../../db/schema/migrate.ts";
import { migrateServer } from "../../db/schema/migrate-server.ts";
import { openRemote } from "../../db/server/remote.ts";
import { openAuthority } from "../../db/testing/certificates.ts";
import { databaseContract } from "../../db/testing/contract.ts";
import { failure, word } from "../../db/testing/contract-parts.ts";
import { migratedTemplate, openTestServer } from "../../db/testing/server.ts";
import type { Topology } from "../../db/topology.ts";
import { until } from "../../db/until.ts";
import { openDoor } from "../primary/door/door.ts";
import { openSigner, openTestDoor, type TestDoor } from "../testing/door.ts";
import { untilUnused } from "../testing/replica.ts";
import { type NodeOptions, openNode } from "./node.ts";

const root = mkdtempSync(join(tmpdir(), "insole-node-door-"));
const template = migratedTemplate(root);
/** Long limits, so that a busy machine refuses no write or query of the suite. */
const PATIENT = { commitMs: 30_000, deadlineMs: 30_000, queryMs: 30_000 };
const SEEN_MS_MAX = 10_000;
const LAG_MS_MAX = 10_000;
/** How long a door holds a request. */
const HOLD_MS = 1_000;
let folders = 0;
const replicaIn = (number: number): string => join(root, `${number}`, "replica.db");

afterAll(async () => {
  await untilUnused(...Array.from({ length: folders }, (_, index) => replicaIn(index + 1)));
  rmSync(root, { recursive: true });
});

const optionsFor = (door: TestDoor, more: Partial<NodeOptions> = {}): NodeOptions => ({
  primary: { url: door.url, authToken: door.writeToken },
  syncToken: door.readToken,
  path: replicaIn(++folders),
  pauseMs: 600_000,
  log: () => {},
  onFatal: (why) => {
    throw new Error(why);
  },
  ...more,
});

databaseContract("a server behind a door", async () => {
  const door = await openTestDoor({ template });
  const db = openRemote({ url: door.url, authToken: door.writeToken }, PATIENT);
  const { breakWrites } = door.server;
  return { db, hasCopy: false, caughtUp: async () => {}, breakWrites, remove: door.remove };
});

databaseContract("a replica behind a door", async () => {
  const door = await openTestDoor({ template });
  const { db } = await openNode(optionsFor(door, { remote: PATIENT }));
  const caughtUp = async () => {
    const count =
      "SELECT (SELECT count(*) FROM words), (SELECT coalesce(max(seq), 0) FROM changes), (SELECT count(*) FROM writes)";
    const there = JSON.stringify(await db.onPrimary(({ read }) => read.get(count)));
    await until("the replica has everything", () => JSON.stringify(db.read.get(count)) === there);
  };
  const { breakWrites } = door.server;
  return { db, hasCopy: true, caughtUp, breakWrites, remove: door.remove };
});

const change = { sql: "INSERT INTO changes (kind) VALUES ('session')" };
const wordsOf = (node: Topology): string[] =>
  node.db.read.all<[string]>("SELECT word FROM words ORDER BY word").flat();
const isDone = (write: Promise<unknown>) => failure(write).then((outcome) => outcome === "it was done");

describe("a node and a door", () => {
  let door: TestDoor;
  let options: NodeOptions;
  let node: Topology;
  let lines: string[];
  const open = async (more: Parameters<typeof openTestDoor>[0] = {}, own: Partial<NodeOptions> = {}) => {
    door = await openTestDoor({ template, ...more });
    lines = [];
    options = optionsFor(door, {
      ...own,
      log: (level, message, facts) => lines.push(`${level} ${message} ${facts?.why}`),
    });
    node = await openNode(options);
  };
  afterEach(async () => {
    await node.db.close();
    await door.remove();
  });

  test("a write is there a moment later, though the node does not poll, and a waiting request has it", async () => {
    await open();
    for (let index = 0; index < 20; index += 1) {
      await node.db.write([word(`word ${index}`), change]);
      const position = node.db.written();
      if (position) expect(await node.reach(position, SEEN_MS_MAX)).toBe(true);
      expect(wordsOf(node)).toContain(`word ${index}`);
      expect(node.db.written()).toBeNull();
    }
    const other = openRemote({ url: door.url, authToken: door.writeToken });
    await other.write([word("pushed"), change]);
    await until("the word of another node", () => wordsOf(node).includes("pushed"));
    await other.close();
  });

  test("while nothing is written the lag stays near the time that a door holds a request", async () => {
    await open();
    await until("a request was held", () => node.lagMs() > HOLD_MS / 2);
    await until("the door has answered it", () => node.lagMs() < HOLD_MS / 2);
    expect(node.trouble()).toBeNull();
  });

  test("closes within the hold, and without a line in the log", async () => {
    await open();
    await until("a request is held", () => node.lagMs() > HOLD_MS / 4);
    const startedAt = performance.now();
    await node.db.close();
    await untilUnused(options.path);
    expect(performance.now() - startedAt).toBeLessThan(HOLD_MS / 2);
    expect(lines.filter((line) => !line.includes("ends soon"))).toEqual([
      "info the replica is synced undefined",
    ]);
  });

  test("does not count as fresh while the server is frozen behind the door, and goes on with it", async () => {
    let aheadMs = 0;
    await open({}, { now: () => Date.now() + aheadMs });
    await door.server.freeze();
    await until("the node notices", () => node.details()?.failure !== null);
    expect(node.trouble()).toBeNull();
    aheadMs = LAG_MS_MAX + 1;
    expect(node.trouble()).toStartWith("lagging: ");
    process.kill(door.server.pid(), "SIGCONT");
    aheadMs = 0;
    await until("a write is done", () => isDone(node.db.write([word("after"), change])));
    await until("the node has it", () => wordsOf(node).includes("after"));
    // A probe that was under way may still fail.
    await until("the node is in order", () => node.details()?.failure === null);
    expect(node.trouble()).toBeNull();
  });

  test("tells the door that a request waits for a version", async () => {
    await open();
    const [generation] = node.db.read.get<[string]>("SELECT generation FROM dataset") ?? [""];
    const waiting = node.reach({ generation, seq: 10_000 }, 600_000);
    const metrics = async () => (await fetch(`${door.url}/metrics`)).text();
    await until("the door knows", async () => /wishes_total [1-9]/.test(await metrics()));
    await node.db.close();
    expect(await waiting).toBe(false);
  });

  test("a door that is back takes writes at once: the breaker does not wait for one to try", async () => {
    await open({ isProcess: true });
    await door.killDoor();
    expect(await failure(node.db.write([word("lost"), change], "lost"))).toMatchObject({
      kind: "unreachable",
    });
    expect(node.db.writeQueue().breaker).toBe("open");
    await door.startDoor();
    await until("the breaker is closed", () => node.db.writeQueue().breaker === "closed");
  });

  test("of the writes under way when the door is killed none is lost or done twice, and no replica is fetched anew", async () => {
    await open({ isProcess: true });
    const db = openRemote({ url: door.url, authToken: door.writeToken });
    for (let round = 0; round < 5; round += 1) {
      const names = Array.from({ length: 20 }, (_, index) => `kill ${round}-${index}`);
      const writes = names.map((name) => failure(node.db.write([word(name), change], name)));
      await door.killDoor();
      await door.startDoor();
      const outcomes = await Promise.all(writes);
      let stored: string[] = [];
      await until("the door answers", async () => {
        const rows = await db.scan([{ sql: "SELECT word FROM words" }]).catch(() => null);
        stored = rows?.[0]?.map(([each]) => String(each)) ?? [];
        return rows !== null;
      });
      for (const [index, outcome] of outcomes.entries())
        if (outcome === "it was done") expect(stored).toContain(names[index] ?? "");
      expect(new Set(stored).size).toBe(stored.length);
    }
    await until("a write is done", () => isDone(node.db.write([word("after"), change])));
    await until("the node has it", () => wordsOf(node).includes("after"));
    expect(node.trouble()).toBeNull();
    await db.close();
  });
});

test("a node finds out that a door has come before the server at the address, and that it has gone", async () => {
  const server = await openTestServer(template);
  const signer = openSigner();
  const known = openRemote(server);
  const [datasetId] = await known.onPrimary(
    ({ read }) => read.get<[string]>("SELECT id FROM dataset") ?? [""],
  );
  await known.close();
  const door = openDoor({ say: () => {} });
  door.take({ kind: "open", listen: `127.0.0.1:${freePort()}`, tls: null });
  door.take({ kind: "keys", datasetId, publicKeys: [signer.publicPem], revoked: [] });
  door.take({ kind: "sqld", url: server.url, writeToken: "", readToken: "" });
  const address = await openSwitch(server.url);
  const token = (a: string) =>
    signer.sign({ a, dataset: datasetId, exp: Math.floor(Date.now() / 1_000) + 3_600 });
  const node = await openNode({
    primary: { url: address.url, authToken: token("rw") },
    syncToken: token("ro"),
    path: replicaIn(++folders),
    pauseMs: 10,
    log: () => {},
    onFatal: (why) => {
      throw new Error(why);
    },
  });
  for (const [name, url] of [
    ["bare", server.url],
    ["door", door.url()],
    ["bare again", server.url],
  ] as const) {
    address.point(url);
    await until(`a write to the ${name}`, () => isDone(node.db.write([word(name), change])));
    await until("the node has it", () => wordsOf(node).includes(name));
    expect(await node.db.onPrimary(({ read }) => read.get("SELECT 1"))).toEqual([1]);
    await until("the node is in order", () => node.details()?.failure === null);
  }
  await node.db.close();
  address.close();
  door.take({ kind: "end" });
  await door.ended;
  await server.remove();
});

test("a node, queries and migrations reach a door with a certificate for its address", async () => {
  const authority = openAuthority();
  const door = await openTestDoor({ template, tls: authority.sign("IP:127.0.0.1") });
  const primary = { url: door.url, authToken: door.writeToken, ca: authority.pem };
  expect(door.url).toStartWith("https://127.0.0.1:");
  expect(await migrateServer(primary)).toEqual([]);
  const node = await openNode(optionsFor(door, { primary }));
  await node.db.write([word("over TLS"), change]);
  await until("the node has it", () => wordsOf(node).includes("over TLS"));
  expect(node.trouble()).toBeNull();
  await node.db.close();
  await door.remove();
  authority.remove();
});

test("migrations go through the door, once, and one that fails is undone", async () => {
  const door = await openTestDoor({ template });
  const server = { url: door.url, authToken: door.writeToken };
  const more = {
    number: 9_000,
    name: "9000_more.sql",
    checksum: "more",
    oldestProgram: 1,
    sql: "CREATE TABLE more (a) STRICT;",
  };
  const known = readMigrations();
  expect(await migrateServer(server, known)).toEqual([]);
  const strict = {
    ...more,
    sql: "CREATE TABLE more (a INTEGER) STRICT; CREATE TABLE other (a INTEGER) STRICT;",
  };
  const broken = { ...strict, sql: `${strict.sql} CREATE TABLE more (a INTEGER) STRICT;` };
  await expect(migrateServer(server, [...known, broken])).rejects.toThrow("migration 9000_more.sql failed");
  expect(await migrateServer(server, [...known, strict])).toEqual(["9000_more.sql"]);
  expect(await migrateServer(server, [...known, strict])).toEqual([]);
  const reader = { url: door.url, authToken: door.readToken };
  await expect(migrateServer(reader, known)).rejects.toThrow(door.url);
  await door.remove();
});

/** An address behind which one server stands and then another: their connections end when it changes. */
async function openSwitch(url: string) {
  let target = new URL(url);
  const open = new Set<Socket>();
  const destroyAll = () => {
    for (const socket of open) socket.destroy();
  };
  const listener = createServer((client) => {
    const server = connect(Number(target.port), target.hostname);
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        open.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.pipe(server);
    server.pipe(client);
  });
  await once(listener.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    point(next: string): void {
      target = new URL(next);
      destroyAll();
    },
    close(): void {
      listener.close();
      destroyAll();
    },
  };
}
