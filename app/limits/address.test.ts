// Canonical addresses, the networks of settings, and the client behind proxies.
import { describe, expect, test } from "bun:test";
import { blockOf, isNetwork, openNetworks, readAddress, readForwarded } from "./address.ts";
import { openClients } from "./client.ts";

test.each<[string, string | null]>([
  ["203.0.113.7", "203.0.113.7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["::FFFF:cb00:7107", "203.0.113.7"],
  ["2001:DB8:0:0::1", "2001:db8::1"],
  ["fe80::1%eth0", "fe80::1"],
  ["203.0.113.256", null],
  ["203.0.113", null],
  ["2001:db8::1::2", null],
  ["", null],
])("%p is the address %p", (text, address) => {
  expect(readAddress(text)).toBe(address);
});

test.each([
  [" 203.0.113.7:4711 ", "203.0.113.7"],
  ["\t203.0.113.7", "203.0.113.7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["[2001:db8::1]:443", "2001:db8::1"],
  ["[::1]", "::1"],
  ["127.0.0.1", "127.0.0.1"],
])("a proxy may write %p for %s", (text, address) => {
  expect(readForwarded(text)).toBe(address);
});

/** What a proxy may write that names no address of a client. */
// biome-ignore format: one line reads as one table
const UNREADABLE = [
  "unknown", "unix:", "_hidden", "", " ", "\t", "localhost", "null", "-", "for=127.0.0.1", '"127.0.0.1"', "127.0.0.1;",
  "010.0.0.1", "127.0.0.01", "0x7f.0.0.1", "0x7f.1", "127.1", "127.0.1", "2130706433", "0177.0.0.1", "127.0.0.1.",
  "1.2.3.4.5", "127.0.0.256", "127.0.0.-1", "+127.0.0.1", "127.0.0.1/8", "127.0.0.1 10.0.0.1", "127.0.0.1:99999",
  "127.0.0.1:65536", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:80:80", ":80", "[127.0.0.1]", "[::1", "::1]", "[::1]x",
  "[::1]:99999", "[[::1]]", "[]", "::1:", "::g", ":::1", "1::2::3", "fe80::1%eth0", "[fe80::1%eth0]:80", "::1%lo",
  "::ffff:0:127.0.0.1", "::127.0.0.1", "::7f00:1", "::", "::ffff:127.0.0.1.5", "0.0.0.0", "0.0.0.1", "224.0.0.1",
  "255.255.255.255", "ff02::1", "\u0661\u0662\u0667.0.0.1", "\uff11\uff12\uff17.0.0.1", "127。0。0。1", "127.0.0.1\u00a0",
  "127.0.0.1\0", "http://127.0.0.1", "loopback", "private",
];

test.each(UNREADABLE)("%p names no client", (text) => {
  expect(readForwarded(text)).toBeNull();
});

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["2001:db8:1:2:3::", "2001:db8:1:2::/64"],
])("%s counts as %s", (address, block) => {
  expect(blockOf(address)).toBe(block);
});

test.each<[string, string[], string[]]>([
  ["loopback", ["127.0.0.1", "127.9.9.9", "::1"], ["128.0.0.1", "::2", "10.0.0.1"]],
  [
    "private",
    ["10.1.2.3", "172.31.0.1", "192.168.7.7", "169.254.1.1", "fd00::1", "fe80::1"],
    ["127.0.0.1", "172.32.0.1", "11.0.0.1", "2001:db8::1"],
  ],
  ["203.0.113.0/30", ["203.0.113.0", "203.0.113.3"], ["203.0.113.4"]],
  ["203.0.113.7", ["203.0.113.7"], ["203.0.113.8"]],
  ["2001:db8::/32", ["2001:db8:ffff::1"], ["2001:db9::1", "203.0.113.7"]],
  ["0.0.0.0/0", ["203.0.113.7"], ["2001:db8::1"]],
])("%s holds what it says", (network, inside, outside) => {
  expect(isNetwork(network)).toBe(true);
  const networks = openNetworks([network]);
  expect([...inside, ...outside].filter(networks.has)).toEqual(inside);
});

test.each([
  "everyone",
  "toString",
  "10.0.0.0/33",
  "10.0.0.0/-1",
  "10.0.0.0/",
  "10.0.0/8",
  "::/129",
  "1.1.1.1/8/8",
  "1.2.3.4:80",
  "",
  "*",
  "::ffff:10.0.0.0/104",
])("%p is no network", (text) => {
  expect(isNetwork(text)).toBe(false);
});

test("an empty list of networks has no address", () => {
  expect(openNetworks([]).has("127.0.0.1")).toBe(false);
});

describe("the client", () => {
  const clientOf = (trusted: string[], peer: string | undefined, headers: Headers) => {
    const clients = openClients(trusted);
    const request = new Request("http://shop.example/", { headers });
    clients.keep(request, peer);
    return clients.of(request);
  };
  /** No header of HTTP has these characters. */
  const sendable = UNREADABLE.filter((text) => /^[\t -\xff]*$/.test(text));

  test.each(["loopback", "private"])(
    "of a trusted proxy (%s) that writes what names no client is unknown, not near, and not the proxy",
    (trusted) => {
      const peer = trusted === "loopback" ? "127.0.0.1" : "10.0.0.1";
      for (const text of sendable)
        for (const forwarded of [text, `127.0.0.1, ${text}`, `203.0.113.7,${text}`])
          expect([
            forwarded,
            clientOf([trusted], peer, new Headers({ "x-forwarded-for": forwarded })),
          ]).toEqual([forwarded, { address: "", isNear: false }]);
    },
  );

  type Row = [why: string, trusted: string[], peer: string | undefined, forwarded: string | null, is: string];
  test.each<Row>([
    ["no proxy is trusted", [], "10.0.0.1", "203.0.113.7", "10.0.0.1"],
    ["its proxy is trusted", ["10.0.0.1"], "10.0.0.1", "203.0.113.7", "203.0.113.7"],
    ["a proxy that came as IPv6", ["10.0.0.1"], "::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"],
    ["another is trusted", ["10.0.0.2"], "10.0.0.1", "203.0.113.7", "10.0.0.1"],
    ["it claims to be another", ["loopback"], "127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"],
    ["two proxies", ["private"], "10.0.0.1", "198.51.100.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"],
    [
      "it claims to be a proxy",
      ["private"],
      "10.0.0.1",
      "198.51.100.1, 10.9.9.9, 203.0.113.7",
      "203.0.113.7",
    ],
    ["inside the network", ["private"], "10.0.0.1", "10.0.0.9, 10.0.0.2", "10.0.0.9"],
    ["nonsense left of it", ["loopback"], "127.0.0.1", "nonsense, 203.0.113.7", "203.0.113.7"],
    ["nonsense only", ["loopback"], "127.0.0.1", "nonsense", ""],
    ["nothing in the header", ["loopback"], "127.0.0.1", "", ""],
    ["nothing after the last comma", ["loopback"], "127.0.0.1", "203.0.113.7,", ""],
    ["nonsense behind a proxy", ["private"], "10.0.0.1", "nonsense, 10.0.0.2", ""],
    ["proxies only", ["private"], "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"],
    ["more proxies than there are", ["private"], "10.0.0.1", `${"10.0.0.2,".repeat(500)}10.0.0.3`, ""],
    [
      "a long list left of it",
      ["private"],
      "10.0.0.1",
      `${"10.0.0.2,".repeat(500)}203.0.113.7`,
      "203.0.113.7",
    ],
    ["nothing forwarded", ["loopback"], "127.0.0.1", null, "127.0.0.1"],
    ["no address at all", ["loopback"], undefined, "203.0.113.7", ""],
  ])("%s", (_why, trusted, peer, forwarded, address) => {
    const headers = new Headers(forwarded === null ? {} : { "x-forwarded-for": forwarded });
    expect(clientOf(trusted, peer, headers).address).toBe(address);
  });

  test.each<[string, string[], string, Record<string, string>, boolean]>([
    ["this machine", [], "127.0.0.1", {}, true],
    ["a private network", [], "192.168.1.1", {}, true],
    ["the world", [], "203.0.113.7", {}, false],
    ["the world by a trusted proxy", ["loopback"], "127.0.0.1", { "x-forwarded-for": "203.0.113.7" }, false],
    ["this machine by its trusted proxy", ["loopback"], "::1", { "x-forwarded-for": "127.0.0.1" }, true],
    ["this machine beside its trusted proxy", ["loopback"], "::1", {}, true],
    ["this machine, its proxy elsewhere", ["10.0.0.1"], "127.0.0.1", {}, true],
    ["a neighbour by a trusted proxy", ["loopback"], "::1", { "x-forwarded-for": "10.0.0.7" }, false],
    ["a neighbour, a proxy is trusted", ["loopback"], "10.0.0.7", {}, false],
    ["a trusted proxy elsewhere", ["10.0.0.1"], "10.0.0.1", {}, false],
    ["the machine of a proxy elsewhere", ["10.0.0.1"], "10.0.0.1", { "x-forwarded-for": "127.0.0.1" }, false],
    [
      "a trusted proxy with another header",
      ["loopback"],
      "127.0.0.1",
      { forwarded: "for=203.0.113.7" },
      false,
    ],
    ["the same with a third", ["loopback"], "127.0.0.1", { "x-real-ip": "203.0.113.7" }, false],
    ["any client behind an untrusted proxy", [], "127.0.0.1", { "x-forwarded-for": "10.0.0.7" }, false],
    ["the same in another way", [], "10.0.0.1", { forwarded: "for=203.0.113.7" }, false],
  ])("%s: near or not", (_who, trusted, peer, headers, isNear) => {
    expect(clientOf(trusted, peer, new Headers(headers)).isNear).toBe(isNear);
  });
});
