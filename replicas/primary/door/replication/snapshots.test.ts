// Snapshots through the door: as fast as the replica takes them, two at once, and none longer than something moves.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { must } from "../../../../db/must.ts";
import { until } from "../../../../db/until.ts";
import { type MadeUpSqld, openMadeUpSqld } from "../../../testing/made-up-sqld.ts";
import { openSnapshots, type Snapshots } from "./snapshots.ts";
import type { ReplicaRequest } from "./sqld-requests.ts";

const SNAPSHOT: ReplicaRequest = {
  path: "/wal_log.ReplicationLog/Snapshot",
  headers: [],
  body: new Uint8Array(7),
};
const MB = 1_024 * 1_024;
const never = new AbortController().signal;

let sqld: MadeUpSqld;
let snapshots: Snapshots;

beforeEach(() => {
  sqld = openMadeUpSqld();
  snapshots = openSnapshots({ sqldMs: 300, replicaMs: 300 });
});
afterEach(() => sqld.close());

const open = (end = never) => snapshots.open(sqld.life, SNAPSHOT, end);

/** Sends so many megabytes, and counts those that were taken. */
function flowOf(megabytes: number): { body(): ReadableStream<Uint8Array>; sentMb(): number } {
  let sent = 0;
  const body = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent >= megabytes) return controller.close();
        sent += 1;
        controller.enqueue(new Uint8Array(MB));
      },
    });
  return { body, sentMb: () => sent };
}
/** Sends one byte and then nothing. */
const stalled = () =>
  new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) }));

describe("a snapshot", () => {
  test("is passed on whole, with its headers", async () => {
    const { body } = flowOf(20);
    sqld.answer(() => new Response(body(), { headers: { "content-type": "application/grpc-web+proto" } }));
    const answer = await open();
    expect(answer.headers.get("content-type")).toBe("application/grpc-web+proto");
    expect((await answer.arrayBuffer()).byteLength).toBe(20 * MB);
    expect(snapshots.running()).toBe(0);
  });

  test("is read as fast as the replica takes it", async () => {
    snapshots = openSnapshots();
    const { body, sentMb } = flowOf(400);
    sqld.answer(() => new Response(body()));
    const reader = must((await open()).body, "the body").getReader();
    await reader.read();
    let before = -1;
    await until("sqld waits", async () => {
      const stands = before === sentMb();
      before = sentMb();
      await Bun.sleep(100);
      return stands;
    });
    expect(sentMb()).toBeLessThan(100);
    await reader.cancel();
    await until("its end", () => snapshots.running() === 0);
  });

  test("is broken off where sqld sends nothing", async () => {
    sqld.answer(stalled);
    await expect((await open()).arrayBuffer()).rejects.toBeUndefined();
    sqld.answer(() => new Promise(() => {}));
    await expect(open()).rejects.toThrow();
    expect(snapshots.running()).toBe(0);
  });

  test("is broken off where the replica takes nothing", async () => {
    const { body } = flowOf(400);
    sqld.answer(() => new Response(body()));
    const answer = await open();
    await until("its end", () => snapshots.running() === 0);
    await expect(answer.arrayBuffer()).rejects.toBeUndefined();
  });

  test("is broken off when its request ends", async () => {
    sqld.answer(stalled);
    const going = new AbortController();
    const reading = (await open(going.signal)).arrayBuffer();
    going.abort();
    await expect(reading).rejects.toBeUndefined();
    expect(snapshots.running()).toBe(0);
  });
});

describe("of several snapshots", () => {
  test("two run, the others wait for their turn", async () => {
    snapshots = openSnapshots();
    sqld.answer(stalled);
    const [first] = await Promise.all([open(), open()]);
    const third = open();
    await until("one that waits", () => snapshots.waiting() === 1);
    expect([snapshots.running(), sqld.requests.length]).toEqual([2, 2]);
    await must(first?.body, "the body").cancel();
    await third;
    expect([snapshots.running(), snapshots.waiting(), sqld.requests.length]).toEqual([2, 0, 3]);
  });

  test("one whose client goes leaves the line", async () => {
    snapshots = openSnapshots();
    sqld.answer(stalled);
    await Promise.all([open(), open()]);
    const going = new AbortController();
    const third = open(going.signal).catch(() => "gone");
    await until("one that waits", () => snapshots.waiting() === 1);
    going.abort();
    expect(await third).toBe("gone");
    expect([snapshots.waiting(), sqld.requests.length]).toEqual([0, 2]);
  });
});
