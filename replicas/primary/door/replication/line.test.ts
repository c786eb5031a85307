// The line: so many at once, in order, and a place that is left early or twice is not lost.
import { expect, test } from "bun:test";
import { openLine } from "./line.ts";

const never = new AbortController().signal;

test("lets so many in, and the next when one leaves", async () => {
  const line = openLine(2);
  const [leaveFirst] = [await line.enter(never), await line.enter(never)];
  const entered: string[] = [];
  const third = line.enter(never).then(() => entered.push("third"));
  const fourth = line.enter(never).then(() => entered.push("fourth"));
  await Bun.sleep(0);
  expect([line.running(), line.waiting(), entered]).toEqual([2, 2, []]);
  leaveFirst();
  leaveFirst();
  await third;
  expect([line.running(), line.waiting(), entered]).toEqual([2, 1, ["third"]]);
  void fourth;
});

test("forgets one that goes while it waits, also in the moment in which a place becomes free", async () => {
  const line = openLine(1);
  const leave = await line.enter(never);
  const going = new AbortController();
  const gone = line.enter(going.signal).catch(() => "gone");
  const next = line.enter(never);
  going.abort();
  leave();
  expect(await gone).toBe("gone");
  (await next)();
  expect([line.running(), line.waiting()]).toEqual([0, 0]);
});

test("refuses one that has gone before it came", async () => {
  const line = openLine(1);
  await expect(line.enter(AbortSignal.abort())).rejects.toThrow();
  expect(line.running()).toBe(0);
});
