// The door's commits while sqld is killed, frozen or gone: each member is done once or told that it was not, in time.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WireOutcome } from "../../../../db/server/door-protocol.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../../../../db/testing/server.ts";
import { until } from "../../../../db/until.ts";
import { member, openTestWrites, type TestWrites } from "../../../testing/writes.ts";

/** A refusal comes within this time at a node, whatever the server does. */
const REFUSED_MS_MAX = 2_000;
const LONG_MS = 30_000;
const folder = mkdtempSync(join(tmpdir(), "insole-door-outages-"));
const template = migratedTemplate(folder);
let server: TestServer;
let door: TestWrites;
beforeEach(async () => {
  server = await openTestServer(template);
  door = await openTestWrites(server);
});
afterEach(async () => {
  await server.remove();
});
process.on("exit", () => rmSync(folder, { recursive: true }));

const begin = () => door.lives.begin({ url: server.url, writeToken: "", readToken: "" });
const kindOf = (outcome: WireOutcome | undefined) => (outcome?.ok ? "done" : outcome?.kind);

/** Commits one member; resolves with what became of it. */
const commitOne = async (word: string, waitMs = LONG_MS) =>
  kindOf((await door.commit([member(word)], waitMs)).outcomes[0]);

test("members whose answers a kill lost are settled by their ids: each is done once", async () => {
  for (let round = 0; round < 3; round += 1) {
    const words = Array.from({ length: 60 }, (_, at) => `kill ${round} ${at}`);
    const committed = door.commitEach(words.map((word) => member(word)));
    await until("some are done", () => door.metric("commits_total") > round, LONG_MS);
    await server.stop("SIGKILL");
    door.lives.end();
    await server.start();
    begin();
    const kinds = (await committed).map(kindOf);
    const stored = await door.wordsLike(`kill ${round} `);
    for (const [at, word] of words.entries()) {
      if (kinds[at] === "done") expect(stored).toContain(word);
      else if (kinds[at] !== "uncertain") expect(stored).not.toContain(word);
    }
    // The life of sqld is another, so members are sent at once.
    expect(await commitOne(`alive ${round}`)).toBe("done");
  }
});

test("while sqld is frozen outcomes are unknown in time, the next ones are refused at once, and none is done twice", async () => {
  await commitOne("before");
  await server.freeze();
  let startedAt = performance.now();
  expect(await commitOne("frozen")).toBe("uncertain");
  expect(performance.now() - startedAt).toBeLessThan(REFUSED_MS_MAX);
  expect(door.metric("breaker_open")).toBe(1);
  startedAt = performance.now();
  expect(await commitOne("refused")).toBe("overloaded");
  expect(performance.now() - startedAt).toBeLessThan(REFUSED_MS_MAX / 4);
  process.kill(server.pid(), "SIGCONT");
  let again: string | undefined;
  const isSettled = async () => {
    again = await commitOne("frozen");
    return again !== "overloaded" && again !== "uncertain";
  };
  await until("it answers", isSettled, LONG_MS);
  // Either the first attempt arrived late, or this one did it.
  expect(["done", "unique"]).toContain(again as string);
  expect(await door.wordsLike("frozen")).toEqual(["frozen"]);
  expect(await door.wordsLike("refused")).toEqual([]);
});

test("what waits for a life of sqld that ends is told so, and nothing is sent without one", async () => {
  await server.freeze();
  const waiting = door.commitEach(["gone a", "gone b"].map((word) => member(word)));
  const querying = door.query(["SELECT 1"]);
  await Bun.sleep(0);
  await server.stop("SIGKILL");
  door.lives.end();
  for (const outcome of await waiting)
    expect(["uncertain", "overloaded", "unreachable"]).toContain(String(kindOf(outcome)));
  expect(await querying).toMatchObject({ kind: "unreachable" });
  await expect(door.commit([member("gone c")])).rejects.toThrow("503");
  await server.start();
  begin();
  expect(await commitOne("gone d")).toBe("done");
  expect(await door.wordsLike("gone c")).toEqual([]);
});
