// The address of this machine: one that a browser on it opens, whatever the server listens at.
import { expect, test } from "bun:test";
import { localAddress } from "./host.ts";

test.each([
  ["127.0.0.1", "http://127.0.0.1:3000"],
  ["shop.internal", "http://shop.internal:3000"],
  ["0.0.0.0", "http://localhost:3000"],
  ["0", "http://localhost:3000"],
  ["::", "http://localhost:3000"],
  ["0:0:0:0:0:0:0:0", "http://localhost:3000"],
  ["::1", "http://[::1]:3000"],
  ["[::1]", "http://[::1]:3000"],
  ["fe80::1%eth0", "http://localhost:3000"],
])("of a server that listens at %s: %s", (host, address) => {
  expect(localAddress({ host, port: 3_000 })).toBe(address);
});
