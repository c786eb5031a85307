// Free ports are free, different, and none that another server has.
import { expect, test } from "bun:test";
import { must } from "./must.ts";
import { freePort, freePorts, isFree } from "./ports.ts";

test("ports are free, different, and none that is in use", () => {
  const [first, ...more] = freePorts(3, () => 0.5);
  const taken = must(first, "the first port");
  expect(new Set([taken, ...more]).size).toBe(3);
  const holder = Bun.listen({ hostname: "127.0.0.1", port: taken, socket: { data() {} } });
  try {
    expect(isFree(taken)).toBe(false);
    expect(freePorts(3, () => 0.5)).not.toContain(taken);
  } finally {
    holder.stop(true);
  }
  expect(isFree(taken)).toBe(true);
});

test("a port lies below the range of outgoing connections", () => {
  expect(freePort()).toBeWithin(20_000, 30_000);
});
