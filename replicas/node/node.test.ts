// A node on a real server: the contract suite, its lag, and what it serves when the primary is gone, frozen, empty or foreign.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../db/must.ts";
import { openRemote } from "../../db/server/remote.ts";
import { databaseContract } from "../../db/testing/contract.ts";
import { expectRefusal, failure, word } from "../../db/testing/contract-parts.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../../db/testing/server.ts";
import type { Topology } from "../../db/topology.ts";
import { until } from "../../db/until.ts";
import { untilUnused } from "../testing/replica.ts";
import { makeGoodCopy } from "./good-copy.ts";
import { type NodeOptions, openNode } from "./node.ts";

const root = mkdtempSync(join(tmpdir(), "insole-node-"));
const template = migratedTemplate(root);
const otherRoot = mkdtempSync(join(tmpdir(), "insole-node-other-"));
const foreign = migratedTemplate(otherRoot);
const SEEN_MS_MAX = 10_000;
/** Long limits, so that a busy machine refuses no write or query of the suite. */
const PATIENT = { commitMs: 30_000, deadlineMs: 30_000, queryMs: 30_000 };
let folders = 0;

afterAll(async () => {
  await untilUnused(...Array.from({ length: folders }, (_, index) => replicaIn(index + 1)));
  rmSync(root, { recursive: true });
  rmSync(otherRoot, { recursive: true });
});

const replicaIn = (number: number): string => join(root, `${number}`, "replica.db");
const optionsFor = (server: TestServer, more: Partial<NodeOptions> = {}): NodeOptions => ({
  primary: server,
  syncToken: "",
  path: replicaIn(++folders),
  pauseMs: 10,
  log: () => {},
  onFatal: (why) => {
    throw new Error(why);
  },
  ...more,
});

/** Opens the node as soon as the thread of the one before no longer uses the replica. */
async function openAgain(options: NodeOptions): Promise<Topology> {
  let opened: Topology | undefined;
  await until("the end of the thread before", async () => {
    opened = await openNode(options).catch((thrown: Error) => {
      if (!thrown.message.includes("is in use")) throw thrown;
      return undefined;
    });
    return opened !== undefined;
  });
  if (!opened) throw new Error("it was opened");
  return opened;
}

databaseContract("a replica", async () => {
  const server = await openTestServer(template);
  const { db } = await openNode(optionsFor(server, { remote: PATIENT }));
  const caughtUp = async () => {
    const count =
      "SELECT (SELECT count(*) FROM words), (SELECT coalesce(max(seq), 0) FROM changes), (SELECT count(*) FROM writes)";
    const there = JSON.stringify(await db.onPrimary(({ read }) => read.get(count)));
    await until("the replica has everything", () => JSON.stringify(db.read.get(count)) === there);
  };
  return { db, hasCopy: true, caughtUp, breakWrites: server.breakWrites, remove: server.remove };
});

describe("a node", () => {
  let server: TestServer;
  let options: NodeOptions;
  let node: Topology;
  let lines: string[];
  const change = { sql: "INSERT INTO changes (kind) VALUES ('session')" };
  const words = () => node.db.read.all<[string]>("SELECT word FROM words ORDER BY word").flat();

  beforeEach(async () => {
    server = await openTestServer(template);
    lines = [];
    options = optionsFor(server, { log: (_level, message) => lines.push(message) });
    node = await openNode(options);
  });
  afterEach(async () => {
    await node.db.close();
    await server.remove();
  });

  test("reaches the position of a write in time, and calls back", async () => {
    let callbacks = 0;
    node.onNews(() => {
      callbacks += 1;
    });
    for (let index = 0; index < 20; index += 1) {
      await node.db.write([word(`word ${index}`), change]);
      const position = node.db.written();
      // Without a position the replica has the write already.
      if (position) expect(await node.reach(position, SEEN_MS_MAX)).toBe(true);
      expect(words()).toContain(`word ${index}`);
      expect(node.db.written()).toBeNull();
    }
    expect(callbacks).toBeGreaterThan(0);
    expect(node.trouble()).toBeNull();
  });

  test("syncs at once for a request that waits for a version", async () => {
    // Without the request it would sync in ten minutes.
    const patient = await openNode(optionsFor(server, { pauseMs: 600_000 }));
    await patient.db.write([word("waited for"), change]);
    expect(await patient.reach(must(patient.db.written(), "the position of the write"), SEEN_MS_MAX)).toBe(
      true,
    );
    await patient.db.close();
  });

  test("does not wait for another generation, nor longer than allowed for a position that does not exist", async () => {
    expect(await node.reach({ generation: "beef", seq: 0 }, 1)).toBe(false);
    const [generation] = node.db.read.get<[string]>("SELECT generation FROM dataset") ?? [""];
    expect(await node.reach({ generation, seq: 10_000 }, 1)).toBe(false);
    expect(node.details()?.waiting).toBe(0);
  });

  test("answers the requests that wait for a version when it is closed", async () => {
    const [generation] = node.db.read.get<[string]>("SELECT generation FROM dataset") ?? [""];
    const waiting = node.reach({ generation, seq: 10_000 }, 600_000);
    expect(node.details()?.waiting).toBe(1);
    await node.db.close();
    expect(await waiting).toBe(false);
  });

  test("keeps other processes from its replica, and other users from its files", async () => {
    await expect(openNode(options)).rejects.toThrow("is in use by another process");
    expect(statSync(options.path).mode & 0o077).toBe(0);
  });

  test("serves its replica while the primary is gone, also after a restart, and syncs when it is back", async () => {
    await node.db.write([word("before"), change]);
    await until("the first word", () => words().includes("before"));
    await server.stop("SIGKILL");
    expect(words()).toEqual(["before"]);
    expectRefusal(await failure(node.db.write([word("no")])), "unreachable");
    await node.db.close();
    node = await openAgain(options);
    expect(words()).toEqual(["before"]);
    await server.start();
    await until("a write is accepted", () =>
      failure(node.db.write([word("after"), change])).then((outcome) => outcome === "it was done"),
    );
    await until("the second word", () => words().includes("after"));
    expect(words()).toEqual(["after", "before"]);
    expect(node.trouble()).toBeNull();
  });

  test("is not ready when it lags more than ten seconds behind its primary", async () => {
    let aheadMs = 0;
    const lagging = await openNode(optionsFor(server, { now: () => Date.now() + aheadMs }));
    await until("the first sync", () => lagging.lagMs() < 5_000);
    // Half of the limit is left for a machine that stands still meanwhile.
    aheadMs = 5_000;
    expect(lagging.lagMs()).toBeGreaterThanOrEqual(5_000);
    expect(lagging.trouble()).toBeNull();
    aheadMs = 10_001;
    expect(lagging.trouble()).toBe("lagging: the primary does not answer");
    await server.stop("SIGKILL");
    await until("the node notices", () => lagging.details()?.failure !== null);
    expect(lagging.trouble()).toStartWith("lagging: ");
    expect(lagging.trouble()).toEndWith(String(lagging.details()?.failure));
    await lagging.db.close();
  });

  test("a frozen primary delays no read and no closing", async () => {
    await node.db.write([word("before"), change]);
    await until("the first word", () => words().includes("before"));
    await server.freeze();
    expectRefusal(await failure(node.db.write([word("frozen")], "frozen")), "uncertain");
    expect(words()).toEqual(["before"]);
    process.kill(server.pid(), "SIGCONT");
  });

  test.each([
    ["empty", null],
    ["foreign", foreign],
  ])(
    "refuses an %s primary at the old address, says why, and accepts its own again",
    async (_name, instead) => {
      await node.db.write([word("ours"), change]);
      await until("our word", () => words().includes("ours"));
      await server.stop("SIGKILL");
      const stranger = await openTestServer(instead, [], Number(new URL(server.url).port));
      await until("the node reports trouble", () => node.trouble() !== null);
      // At once, not only when the node lags.
      expect(node.trouble()).toMatch(
        /^(an empty database|another dataset \(\w+\)) stands at the primary's address$/,
      );
      expect(words()).toEqual(["ours"]);
      await stranger.remove();
      await server.start();
      await until("the node is ready again", () => node.trouble() === null);
      expect(words()).toEqual(["ours"]);
    },
  );

  test("serves the last good copy, not a foreign dataset in the replica, until its own primary is back", async () => {
    await node.db.write([word("ours"), change]);
    await until("our word", () => words().includes("ours"));
    const dataset = String(node.details()?.dataset);
    await makeGoodCopy(options.path, dataset);
    await node.db.close();
    // As if it had come in between two probes: synced from the foreign primary by another handle.
    await server.stop("SIGKILL");
    const stranger = await openTestServer(foreign, [], Number(new URL(server.url).port));
    const { default: Libsql } = await import("libsql");
    const other = new Libsql(options.path, { syncUrl: server.url, authToken: "" } as never);
    other.sync();
    other.close();
    node = await openAgain(options);
    expect(words()).toEqual(["ours"]);
    expect(node.details()?.serves).toBe("last good copy");
    await until("the node sees the foreign primary", () =>
      Boolean(node.trouble()?.includes("stands at the primary's address")),
    );
    await stranger.remove();
    await server.start();
    await until("the node is ready again", () => node.trouble() === null);
    expect(node.details()?.serves).toBe("replica");
    expect(words()).toEqual(["ours"]);
    await expect(makeGoodCopy(options.path, "another")).rejects.toThrow("another dataset");
  });

  test("never serves a foreign dataset that gets into the replica while the node runs", async () => {
    await node.db.write([word("ours"), change]);
    await until("our word", () => words().includes("ours"));
    await makeGoodCopy(options.path, String(node.details()?.dataset));
    // Over the connection that the node has already, so that no probe comes before it.
    const primary = openRemote(server);
    await primary.write([
      { sql: "UPDATE dataset SET id = 'another'" },
      { sql: "UPDATE words SET word = 'foreign'" },
      change,
    ]);
    await until("the node has noticed", () => node.trouble() !== null);
    expect(words()).toEqual(["ours"]);
    expect(node.details()?.serves).toBe("last good copy");
    expect(lines).toContain("a foreign dataset got into the replica, which is not served");
    await primary.close();
  });

  test("does not start without a primary and without a copy", async () => {
    await server.stop("SIGKILL");
    await expect(openNode(optionsFor(server, { startMs: 200 }))).rejects.toThrow("no replica after 0.2 s");
  });

  test("reports a schema that lacks a migration", async () => {
    await node.db.write([{ sql: "DELETE FROM migrations WHERE number = 2" }, change]);
    await until("the node reports trouble", () => node.trouble() !== null);
    expect(node.trouble()).toContain("the primary lacks migration 0002_");
  });
});
