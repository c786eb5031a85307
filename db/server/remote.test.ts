// The database on a server: the contract suite, and a server that is killed, frozen or refuses its clients.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../database.ts";
import { DatabaseError } from "../errors.ts";
import { databaseContract } from "../testing/contract.ts";
import { expectRefusal, failure, word } from "../testing/contract-parts.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../testing/server.ts";
import { FIND_MS, FIND_TRY_MS, LIMITS, openRemote } from "./remote.ts";

/** Long limits, so that a busy machine refuses no write and no query. */
const PATIENT = { commitMs: 30_000, deadlineMs: 30_000, queryMs: 30_000 };
/** A refusal comes within this time, whatever the server does. */
const REFUSED_MS_MAX = 2_000;
const BACK_MS_MAX = 10_000;
const root = mkdtempSync(join(tmpdir(), "insole-remote-"));
const template = migratedTemplate(root);

afterAll(() => rmSync(root, { recursive: true }));

databaseContract("a server", async () => {
  const server = await openTestServer(template);
  const db = openRemote(server, PATIENT);
  return {
    db,
    hasCopy: false,
    caughtUp: async () => {},
    breakWrites: server.breakWrites,
    remove: server.remove,
  };
});

describe("on a server", () => {
  let server: TestServer;
  let db: Database;
  beforeAll(async () => {
    server = await openTestServer(template);
    db = openRemote(server, PATIENT);
  });
  afterAll(async () => {
    await db.close();
    await server.remove();
  });
  const words = () =>
    db.onPrimary(({ read }) => read.all<[string]>("SELECT word FROM words ORDER BY word").flat());

  test("`read` throws, because there is no copy here", () => {
    expect(() => db.read.get("SELECT 1")).toThrow("use `onPrimary`");
  });

  test("knows the position of its newest write", async () => {
    const change = { sql: "INSERT INTO changes (kind) VALUES ('session') RETURNING seq" };
    const [result] = await db.write([change]);
    const [generation] = await db.onPrimary(({ read }) => read.get("SELECT generation FROM dataset") ?? []);
    expect(db.written()).toEqual({ generation: String(generation), seq: Number(result?.rows[0]?.[0]) });
    // Old changes are deleted, which is no way back.
    await db.write([{ sql: "DROP TRIGGER changes_newest_stays" }, { sql: "DELETE FROM changes" }]);
    expect(db.written()).toEqual({ generation: String(generation), seq: Number(result?.rows[0]?.[0]) });
  });

  test("two write queues at once both commit", async () => {
    const other = openRemote(server, PATIENT);
    const writes = Array.from({ length: 300 }, (_, index) =>
      (index % 2 ? db : other).write([word(`both ${index}`)]),
    );
    await Promise.all(writes);
    await other.close();
    expect((await words()).filter((each) => each.startsWith("both"))).toHaveLength(300);
  });

  test("a refused token counts as an unreachable server", async () => {
    const publicKey = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
    const guarded = await openTestServer(template, ["--auth-jwt-key-file", await keyFile(publicKey)]);
    const stranger = openRemote(guarded);
    expectRefusal(await failure(stranger.onPrimary(({ read }) => read.get("SELECT 1"))), "unreachable");
    expectRefusal(await failure(stranger.write([word("no")])), "unreachable");
    await stranger.close();
    await guarded.remove();
  });

  test("while the server is gone everything is refused in time, and works again when it is back", async () => {
    await server.stop("SIGKILL");
    const startedAt = performance.now();
    const refusals = await Promise.all([
      failure(db.write([word("gone")], "gone")),
      failure(db.onPrimary(({ read }) => read.get("SELECT 1"))),
      failure(db.scan([{ sql: "SELECT 1" }])),
    ]);
    for (const refusal of refusals) expectRefusal(refusal, "unreachable");
    expect(performance.now() - startedAt).toBeLessThan(REFUSED_MS_MAX);
    await server.start();
    await retryWhileRefused(() => db.write([word("back")]));
    expect(await words()).toContain("back");
    expect(await words()).not.toContain("gone");
  });

  test("the limits add up to less than two seconds, whatever the server does", () => {
    const { commitMs, deadlineMs, queryMs } = LIMITS;
    // An outcome is uncertain when the write was not found either; the rest is for the work in between.
    const longest = Math.max(commitMs + FIND_MS + FIND_TRY_MS, deadlineMs, queryMs);
    expect(longest).toBeLessThanOrEqual(0.8 * REFUSED_MS_MAX);
  });

  test("a frozen server makes the outcome uncertain in time, and is never written to twice", async () => {
    const frozen = openRemote(server, { commitMs: 100 });
    await frozen.scan([{ sql: "SELECT 1" }]);
    await server.freeze();
    const startedAt = performance.now();
    expectRefusal(await failure(frozen.write([word("frozen")], "frozen")), "uncertain");
    expect(performance.now() - startedAt).toBeLessThan(5 * (100 + FIND_MS + FIND_TRY_MS));
    expectRefusal(await failure(frozen.scan([{ sql: "SELECT 1" }])), "unreachable");
    process.kill(server.pid(), "SIGCONT");
    const again = await retryWhileRefused(() => db.write([word("frozen")], "frozen")).catch(
      (thrown) => thrown,
    );
    // Either the first attempt arrived late, or this one did it.
    if (again instanceof Error) expectRefusal(again, "unique", ["writes.id"]);
    expect((await words()).filter((each) => each === "frozen")).toHaveLength(1);
    await frozen.close();
  });

  test("a server with another dataset, or none, is neither written nor queried", async () => {
    const strangers = [await openTestServer(template), await openTestServer(null)];
    for (const stranger of strangers) {
      const ours = openRemote({ ...stranger, dataset: () => "ours" });
      expectRefusal(await failure(ours.write([word("ours")], "ours")), "unreachable");
      expectRefusal(await failure(ours.scan([{ sql: "SELECT 1" }])), "unreachable");
      await ours.close();
    }
    const theirs = openRemote(strangers[0] as TestServer);
    const [rows] = await theirs.scan([{ sql: "SELECT id, (SELECT count(*) FROM words) FROM dataset" }]);
    expect(rows?.[0]?.[1]).toBe(0);
    const known = openRemote({ ...(strangers[0] as TestServer), dataset: () => String(rows?.[0]?.[0]) });
    await known.write([word("known")]);
    expect(await known.scan([{ sql: "SELECT word FROM words" }])).toEqual([[["known"]]]);
    for (const each of [theirs, known]) await each.close();
    for (const each of strangers) await each.remove();
  });

  test("a write whose answer a kill lost is settled by its id: it is done once", async () => {
    for (let round = 0; round < 5; round += 1) {
      const writes = Array.from({ length: 20 }, (_, index) => {
        const name = `kill ${round}-${index}`;
        return failure(db.write([word(name)], name)).then((outcome) => [name, outcome] as const);
      });
      await server.stop("SIGKILL");
      await server.start();
      const outcomes = await Promise.all(writes);
      // After a search that took too long queries are refused for a second.
      const stored = new Set(await retryWhileRefused(words));
      for (const [name, outcome] of outcomes) if (outcome === "it was done") expect(stored).toContain(name);
    }
  });
});

/** Repeats the call while it is refused as not done. */
async function retryWhileRefused<T>(write: () => Promise<T>): Promise<T> {
  const end = performance.now() + BACK_MS_MAX;
  for (;;) {
    try {
      return await write();
    } catch (thrown) {
      const isRefused = thrown instanceof DatabaseError && /overloaded|unreachable/.test(thrown.kind);
      if (!isRefused || performance.now() > end) throw thrown;
      await Bun.sleep(20);
    }
  }
}

async function keyFile(publicKey: string): Promise<string> {
  const path = join(root, "public.key");
  await Bun.write(path, publicKey);
  return path;
}
