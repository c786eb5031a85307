// The sync of a replica with a real server: how often it happens, what ends the pause, and what it reports.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRemote } from "../../db/server/remote.ts";
import { word } from "../../db/testing/contract-parts.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../../db/testing/server.ts";
import { until } from "../../db/until.ts";
import { pauseAfter } from "./pause.ts";
import { openSync } from "./sync.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-sync-"));
let server: TestServer;
beforeAll(async () => {
  server = await openTestServer(migratedTemplate(folder));
});
afterAll(async () => {
  await server.remove();
  rmSync(folder, { recursive: true });
});

/** Starts to sync, and notes of each sync when it began and whether it brought changes. */
async function openNoted(name: string, pauseMs: number) {
  const syncs: { atMs: number; hasNews: boolean }[] = [];
  const sync = await openSync({
    path: join(folder, name),
    server,
    dataset: null,
    pauseMs,
    log: () => {},
    onSynced: (hasNews) => void syncs.push({ atMs: sync.state.syncedAtMs, hasNews }),
    onReached: () => {},
    onThreadEnd(why) {
      throw new Error(why);
    },
  });
  await until("the first sync", () => syncs.length > 0);
  return { sync, syncs };
}

test("the pause between two syncs grows by half up to 200 ms while no changes come", () => {
  const pauses = [10];
  for (let round = 0; round < 20; round += 1) pauses.push(pauseAfter(false, pauses.at(-1) ?? 0, 10));
  expect(pauses.slice(0, 4)).toEqual([10, 15, 22.5, 33.75]);
  expect(pauses.slice(9)).toEqual(Array(12).fill(200));
  expect(pauseAfter(true, 200, 10)).toBe(10);
  expect([pauseAfter(true, 500, 500), pauseAfter(false, 500, 500)]).toEqual([500, 500]);
});

test("a node that has no changes to fetch pauses between two syncs", async () => {
  const PAUSE_MS = 100;
  const { sync, syncs } = await openNoted("idle.db", PAUSE_MS);
  const idle = () => syncs.filter(({ hasNews }) => !hasNews);
  await until("eight pauses between syncs without changes", () => idle().length > 8);
  await sync.close();
  await sync.ended;
  // Half of the shortest pauses: a connection that is made anew ends one of them early.
  expect((idle().at(-1)?.atMs ?? 0) - (idle()[0]?.atMs ?? 0)).toBeGreaterThan((8 * PAUSE_MS) / 2);
});

test("a wake ends the pause", async () => {
  // No sync would come by itself while the test runs.
  const { sync, syncs } = await openNoted("wake.db", 600_000);
  const db = openRemote(server);
  await db.write([word("wake")]);
  await db.close();
  sync.hasten({ generation: "any", seq: 0 });
  await until("a sync with the change", () => syncs.filter(({ hasNews }) => hasNews).length > 1);
  expect(sync.state).toMatchObject({ failure: null, isForeign: false });
  await sync.close();
  await sync.ended;
});

test("closing lets the sync that is under way end, and the replica is free at once", async () => {
  for (const name of ["end-1.db", "end-2.db", "end-3.db"]) {
    // Without a pause nearly every moment lies within a sync.
    const { sync, syncs } = await openNoted(name, 0);
    await until("more syncs", () => syncs.length > 5);
    const startedAtMs = performance.now();
    await sync.close();
    await sync.ended;
    // The driver needs three seconds to give up a sync whose connection is cut.
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  }
});
