// Visitors: the address that counts as one client, and the end of what they wait for.
import { expect, test } from "bun:test";
import { Problem } from "../http/problems.ts";
import { openClients } from "../limits/client.ts";
import type { Visitor } from "./places.ts";
import { openVisits, patienceOf } from "./visitors.ts";

/** A request from an address, with a timer that a test ends. */
function openVisit(address: string) {
  const clients = openClients([]);
  const hangUp = new AbortController();
  const request = new Request("http://shop.example/", { signal: hangUp.signal });
  clients.keep(request, address);
  const timers: { ms: number; act(): void }[] = [];
  const timer = (ms: number, act: () => void) => {
    timers.push({ ms, act });
    return () => void timers.pop();
  };
  const open = openVisits({ clients, patienceMs: 7 }, timer);
  const visit = <T>(work: (visitor: Visitor) => Promise<T>) => open(request, work);
  return { visit, hangUp, timers };
}

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["unknown", ""],
])("%s counts as %p", async (address, block) => {
  const { visit } = openVisit(address);
  expect(await visit(async (visitor) => visitor)).toMatchObject({
    address: block,
    isKnown: false,
    hasFailures: false,
  });
});

test("a client that hangs up ends the wait with a problem of its own, one without patience with none", async () => {
  const left = openVisit("203.0.113.7");
  await left.visit(async ({ signal }) => {
    expect(signal?.aborted).toBe(false);
    left.hangUp.abort();
    expect(signal?.reason).toBeInstanceOf(Problem);
  });
  const late = openVisit("203.0.113.7");
  await late.visit(async ({ signal }) => {
    expect(late.timers.map(({ ms }) => ms)).toEqual([7]);
    late.timers[0]?.act();
    expect([signal?.aborted, signal?.reason instanceof Problem]).toEqual([true, false]);
  });
  expect(late.timers).toEqual([]);
});

test("a client that was gone before is", async () => {
  const { visit, hangUp } = openVisit("203.0.113.7");
  hangUp.abort();
  expect(await visit(async ({ signal }) => signal?.reason instanceof Problem)).toBe(true);
});

test("the timer ends with the work, also where that throws", async () => {
  const { visit, timers } = openVisit("203.0.113.7");
  await expect(visit(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(timers).toEqual([]);
});

test("a refusal comes before the edge stops waiting, 10 s, and before the server closes the connection, 75 s", () => {
  // A slow primary takes 1.5 s to be read, and 3 s to commit; a file 6 s.
  expect(patienceOf(true) + 1_500 + 3_000).toBeLessThan(10_000);
  expect(patienceOf(false) + 6_000).toBeLessThan(75_000);
});
