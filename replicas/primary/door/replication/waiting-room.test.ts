// The waiting room: who is let go, and whose time is over together.
import { expect, test } from "bun:test";
import { openWaitingRoom } from "./waiting-room.ts";

const never = new AbortController().signal;

test("lets those go that have not seen the newest count", async () => {
  const room = openWaitingRoom();
  const [old, other] = [room.wait(1, never), room.wait(null, never)];
  void room.wait(2, never);
  expect([room.isDue(2), room.size()]).toEqual([true, 3]);
  room.letGo(2);
  expect(await Promise.all([old, other])).toEqual([true, true]);
  expect([room.isDue(2), room.size()]).toEqual([false, 1]);
});

test("ends the time of one with that of those that have little left", async () => {
  const room = openWaitingRoom();
  const [first, second] = [room.wait(1, never, 1), room.wait(1, never, 450)];
  void room.wait(1, never, 60_000);
  void room.wait(1, never);
  expect(await first).toBe(false);
  await Bun.sleep(0);
  expect([await second, room.size()]).toEqual([false, 2]);
});

test("rejects for those that end, also before they wait", async () => {
  const room = openWaitingRoom();
  const ending = new AbortController();
  const waiting = room.wait(1, ending.signal, 60_000);
  ending.abort();
  await expect(waiting).rejects.toThrow();
  await expect(room.wait(1, ending.signal)).rejects.toThrow();
  expect(room.size()).toBe(0);
});
