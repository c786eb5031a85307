// The door with a real server behind it: its life, the dataset's name, its process.
import { afterEach, describe, expect, test } from "bun:test";
import { until } from "../../../db/until.ts";
import { openTestDoor, type TestDoor } from "../../testing/door.ts";

const open: TestDoor[] = [];
const opened = async (...args: Parameters<typeof openTestDoor>): Promise<TestDoor> => {
  const door = await openTestDoor(...args);
  open.push(door);
  return door;
};
afterEach(async () => {
  for (const door of open.splice(0)) await door.remove();
});

const get = (door: TestDoor, path: string, token = door.readToken) =>
  fetch(door.url + path, { headers: { authorization: `Bearer ${token}` } });

describe("the dataset", () => {
  test("is named to both kinds of token, as the server holds it now", async () => {
    const door = await opened();
    for (const token of [door.readToken, door.writeToken]) {
      const response = await get(door, "/dataset", token);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ id: door.datasetId, generation: expect.stringMatching(/./) });
    }
  });

  test("is not named while the server is gone, and is again in its next life", async () => {
    const door = await opened();
    expect((await get(door, "/health")).status).toBe(200);
    await door.stopServer();
    const refusal = await get(door, "/dataset");
    expect(refusal.status).toBe(503);
    expect(await refusal.json()).toMatchObject({ kind: "unreachable", columns: [] });
    expect((await get(door, "/health")).status).toBe(503);
    await door.startServer();
    expect((await get(door, "/dataset")).status).toBe(200);
  });

  test("is not named by a frozen server, as a node learns within seconds", async () => {
    const door = await opened();
    await door.server.freeze();
    const startedAtMs = performance.now();
    const refusals = await Promise.all(Array.from({ length: 12 }, () => get(door, "/dataset")));
    expect(refusals.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 503));
    expect(performance.now() - startedAtMs).toBeLessThan(3_000);
  });
});

describe("the process", () => {
  test("says that it listens, serves, and can be killed and started again beside the same server", async () => {
    const door = await opened({ isProcess: true });
    const pid = door.server.pid();
    await until("the dataset", async () => (await get(door, "/dataset")).ok);
    await door.killDoor();
    await door.startDoor();
    await until("the dataset", async () => (await get(door, "/dataset")).ok);
    expect(door.server.pid()).toBe(pid);
  });
});
