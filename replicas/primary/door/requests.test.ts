// Requests under way: when they are ended, what slow and broken clients get, and what others notice of them.
import { afterEach, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { until } from "../../../db/until.ts";
import { openTestDoor, type TestDoor } from "../../testing/door.ts";
import { openTestRooms, ROOM_STATUS, type TestRooms } from "../../testing/rooms.ts";

const HELLO = "/wal_log.ReplicationLog/Hello";
const SNAPSHOT = "/wal_log.ReplicationLog/Snapshot";
const TOO_LONG = 16 * 1024 * 1024 + 1;
/** A token that is no longer valid is felt within a second; the rest is for a machine that is busy. */
const FELT_MS = 3_000;

let opened: TestDoor | undefined;
let rooms: TestRooms;
async function open(options: Parameters<typeof openTestDoor>[0] = {}): Promise<TestDoor> {
  rooms = openTestRooms();
  opened = await openTestDoor({ rooms: () => rooms, ...options });
  return opened;
}
afterEach(async () => {
  rooms.release();
  await opened?.remove();
  opened = undefined;
});

const post = (door: TestDoor, path: string, token: string, init: RequestInit = {}): Promise<Response> =>
  fetch(door.url + path, {
    method: "POST",
    body: "{}",
    ...init,
    headers: { authorization: `Bearer ${token}` },
  });

/** Waits until so many requests have come to the rooms. */
const visited = (count: number) =>
  until(`${count} requests in the rooms`, () => rooms.visits.length === count);

describe("a held request is ended", () => {
  test("when its token is revoked, at once, and others stay", async () => {
    const door = await open({ timings: { sweepMs: 60_000 } });
    rooms.hold();
    const [first, second] = [door.token({ a: "ro", jti: "first" }), door.token({ a: "ro", jti: "second" })];
    const ended = post(door, HELLO, first);
    const held = post(door, HELLO, second);
    await visited(2);
    door.revoke(first);
    const startedAtMs = performance.now();
    expect((await ended).status).toBe(401);
    expect(performance.now() - startedAtMs).toBeLessThan(FELT_MS);
    expect(await Promise.race([held, Bun.sleep(50)])).toBeUndefined();
    expect(rooms.aborted()).toBe(1);
    door.revoke(second);
    expect((await held).status).toBe(401);
  });

  test("when its token ends", async () => {
    let nowMs = Date.now();
    const door = await open({ now: () => nowMs });
    rooms.hold();
    const ended = post(door, HELLO, door.readToken);
    await visited(1);
    nowMs += 3_600_000;
    const startedAtMs = performance.now();
    expect((await ended).status).toBe(401);
    expect(performance.now() - startedAtMs).toBeLessThan(FELT_MS);
  });

  test("when its client hangs up", async () => {
    const door = await open();
    rooms.hold();
    const hangingUp = new AbortController();
    const ended = post(door, HELLO, door.readToken, { signal: hangingUp.signal }).catch(() => "hung up");
    await visited(1);
    hangingUp.abort();
    expect(await ended).toBe("hung up");
    await until("the room's request is aborted", () => rooms.aborted() === 1);
  });

  test("when the door ends, while a commit is finished", async () => {
    const door = await open();
    rooms.hold();
    const ended = post(door, HELLO, door.readToken);
    const commit = post(door, "/v1/commit", door.writeToken);
    await visited(2);
    door.take({ kind: "end" });
    expect((await ended).status).toBe(503);
    expect(await Promise.race([commit, Bun.sleep(50)])).toBeUndefined();
    expect(await fetch(door.url).catch(() => "refused")).toBe("refused");
    rooms.release();
    expect((await commit).status).toBe(ROOM_STATUS);
    expect(rooms.isClosed()).toBe(true);
  });
});

test("a snapshot breaks off when its token is revoked", async () => {
  const door = await open();
  const response = await post(door, SNAPSHOT, door.readToken);
  expect(response.status).toBe(ROOM_STATUS);
  const reader = response.body?.getReader();
  expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
  door.revoke(door.readToken);
  const read = async (): Promise<string> => {
    for (;;) if ((await reader?.read())?.done !== false) return "whole";
  };
  expect(await read().catch(() => "broken off")).toBe("broken off");
});

test("what takes longer than the end may take is broken off", async () => {
  const door = await open({ timings: { endMs: 100 } });
  rooms.hold();
  const commit = post(door, "/v1/commit", door.writeToken)
    .then(() => "answered")
    .catch(() => "broken off");
  await visited(1);
  door.take({ kind: "end" });
  expect(await commit).toBe("broken off");
});

describe("a body", () => {
  test("that stops half way is given up, and so is one that trickles", async () => {
    const door = await open({ timings: { bodyMs: 200 } });
    const sockets = [rawPost(door, "x"), rawPost(door, "x")];
    const trickling = setInterval(() => sockets[1]?.socket.write("x"), 20);
    const texts = await Promise.all(sockets.map(({ answer }) => answer));
    clearInterval(trickling);
    for (const text of texts) expect(text).toStartWith("HTTP/1.1 408");
    expect(rooms.visits).toEqual([]);
  });

  test("that breaks off is no error of ours", async () => {
    const door = await open();
    for (let count = 0; count < 20; count += 1) {
      const { socket, answer } = rawPost(door, "x");
      socket.end();
      socket.destroySoon();
      expect(await answer).not.toStartWith("HTTP/1.1 5");
    }
    await until("no request is open", async () => (await metric(door, "open_requests")) === 0);
    expect(door.lines).toEqual([]);
    expect(rooms.visits).toEqual([]);
  });

  test("that is too long is refused with a reason, in whatever way it comes", async () => {
    const door = await open();
    const body = new Uint8Array(TOO_LONG);
    const chunked = new ReadableStream({
      start(controller) {
        controller.enqueue(body);
        controller.close();
      },
    });
    for (const each of [body, chunked]) {
      const response = await post(door, "/v1/commit", door.writeToken, { body: each });
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({ kind: "failed", columns: [] });
    }
    const fits = await post(door, "/v1/commit", door.writeToken, { body: body.subarray(1) });
    expect([fits.status, await fits.text()]).toEqual([ROOM_STATUS, `/v1/commit ${TOO_LONG - 1}`]);
    expect(rooms.visits).toEqual(["/v1/commit"]);
  });

  test("that says it will be too long is not waited for", async () => {
    const door = await open();
    const { answer, socket } = rawPost(door, "x", door.writeToken, TOO_LONG);
    expect(await answer).toStartWith("HTTP/1.1 413");
    socket.destroy();
  });

  test("is not waited for without a right token", async () => {
    const door = await open();
    const { answer, socket } = rawPost(door, "x", "garbage");
    expect(await answer).toStartWith("HTTP/1.1 401");
    socket.destroy();
  });
});

test("a thousand connections that do nothing, and headers without end, do not stop a commit", async () => {
  const door = await open();
  const { hostname, port } = new URL(door.url);
  const openSocket = (bytes: string): Socket => {
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    socket.write(bytes);
    return socket;
  };
  const sockets = Array.from({ length: 1_000 }, (_, index) =>
    openSocket(index % 2 === 0 ? "" : "POST /v1/commit HTTP/1.1\r\nhost: door\r\n"),
  );
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
  const flood = openSocket(`GET /dataset HTTP/1.1\r\n${"x: y\r\n".repeat(20_000)}`);
  const flooded = await new Promise<string>((resolve) => {
    flood.once("data", (data) => resolve(data.toString()));
    flood.once("close", () => resolve("closed"));
  });
  expect(flooded).toMatch(/^(HTTP\/1.1 431|closed)/);
  expect((await post(door, "/v1/commit", door.writeToken)).status).toBe(ROOM_STATUS);
  for (const socket of sockets) socket.destroy();
});

test("a connection on which nothing happens is closed", async () => {
  const door = await open({ timings: { idleSeconds: 1, bodyMs: 60_000 } });
  expect(await rawPost(door, "x").answer).toBe("");
});

test("while the server is gone every route says so at once, to right tokens only", async () => {
  const door = await open();
  await door.stopServer();
  for (const [path, method] of [
    [HELLO, "POST"],
    [SNAPSHOT, "POST"],
    ["/info", "GET"],
    ["/v1/commit", "POST"],
    ["/v1/query", "POST"],
    ["/v1/waiting", "POST"],
    ["/migrations/v2/pipeline", "POST"],
  ] as const) {
    const ask = (token: string) =>
      fetch(door.url + path, { method, headers: { authorization: `Bearer ${token}` } });
    expect((await ask("garbage")).status).toBe(401);
    const response = await ask(door.writeToken);
    expect([path, response.status]).toEqual([path, 503]);
    expect(await response.json()).toMatchObject({ kind: "unreachable" });
  }
  expect(rooms.visits).toEqual([]);
});

test("a room that fails is one line, and the client gets no word of it", async () => {
  const failing = openTestRooms();
  const door = await open({
    rooms: () => ({
      ...failing,
      writes: { ...failing.writes, commit: () => Promise.reject(new Error("secret")) },
    }),
  });
  const response = await post(door, "/v1/commit", door.writeToken);
  expect([response.status, await response.json()]).toEqual([
    500,
    { kind: "uncertain", message: "the door failed", columns: [] },
  ]);
  expect(door.lines).toEqual(["/v1/commit failed: secret"]);
});

/** The value of a metric without labels. */
async function metric(door: TestDoor, name: string): Promise<number> {
  const text = await (await fetch(`${door.url}/metrics`)).text();
  return Number(new RegExp(`^insole_door_${name} (\\S+)$`, "m").exec(text)?.[1]);
}

/** Sends the head of a commit with so many bytes to come, and these bytes of it. The answer is empty where there is none. */
function rawPost(
  door: TestDoor,
  bytes: string,
  token = door.writeToken,
  length = 1_000,
): { socket: Socket; answer: Promise<string> } {
  const { hostname, port } = new URL(door.url);
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.once("data", (data) => resolve(data.toString()));
  socket.once("close", () => resolve(""));
  const lines = ["POST /v1/commit HTTP/1.1", "host: door", `authorization: Bearer ${token}`];
  socket.write(`${[...lines, `content-length: ${length}`].join("\r\n")}\r\n\r\n${bytes}`);
  return { socket, answer: promise };
}
