// IP addresses in canonical form, and the networks in settings.
import { BlockList, isIP } from "node:net";

/** Networks by their names in settings. */
const NAMED: Record<string, readonly string[]> = {
  loopback: ["127.0.0.0/8", "::1/128"],
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"],
};
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
/** Some proxies write addresses with a port: `1.2.3.4:5678`, `[2001:db8::1]:5678`, and some brackets without one. */
const WITH_PORT = /^(?:([\d.]+)|\[([\da-fA-F:.]+)\])(?::(\d{1,5}))?$/;
const PORT_MAX = 65_535;
/** Addresses that no client has: unspecified, multicast and reserved ones, and the low block of IPv6 except `::1`. */
const NO_CLIENTS = { ipv4: ["0.0.0.0/8", "224.0.0.0/3"], ipv6: ["::/32", "ff00::/8"] };
const IPV6_LOOPBACK = "::1";
/** A client with IPv6 can use all addresses of its /64. */
const CLIENT_GROUPS = 4;
const GROUPS = 8;

type Networks = { has(address: string): boolean };

// Apart, because an IPv6 network also has the IPv4 addresses that are mapped into it.
const noClients = { ipv4: openNetworks(NO_CLIENTS.ipv4), ipv6: openNetworks(NO_CLIENTS.ipv6) };

/** The canonical form of an address, IPv4 for an IPv4-mapped one; `null` when the text is not an address. */
export function readAddress(text: string): string | null {
  // A socket's link-local address names its interface.
  const bare = text.trim().replace(/%.*$/, "");
  const family = isIP(bare);
  if (family !== 6) return family === 4 ? bare : null;
  const address = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join(".");
}

/** As `readAddress`, for what a proxy wrote: with or without a port, and `null` for an address that no client has. */
export function readForwarded(text: string): string | null {
  const written = text.replace(/^[ \t]+|[ \t]+$/g, "");
  const [, v4, v6, port = "0"] = WITH_PORT.exec(written) ?? [];
  const bare = v4 ?? v6 ?? written;
  const isOdd = bare.includes("%") || (v4 === undefined) !== bare.includes(":") || Number(port) > PORT_MAX;
  const address = isOdd ? null : readAddress(bare);
  if (address === null || address === IPV6_LOOPBACK) return address;
  return noClients[familyOf(address)].has(address) ? null : address;
}

/** The block of addresses that counts as one client: an IPv4 address, or the /64 of a canonical IPv6 address. */
export function blockOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : GROUPS - first.length - last.length;
  const groups = [...first, ...Array.from({ length: zeros }, () => "0"), ...last];
  return `${groups.slice(0, CLIENT_GROUPS).join(":")}::/64`;
}

/** Whether a text is an address, a network (`10.0.0.0/8`), `loopback` or `private`. */
export const isNetwork = (text: string): boolean => Object.hasOwn(NAMED, text) || readNetwork(text) !== null;

/** Opens a list of networks; `has` takes canonical addresses. */
export function openNetworks(list: readonly string[]): Networks {
  const networks = new BlockList();
  for (const text of list.flatMap((each) => NAMED[each] ?? [each])) {
    const network = readNetwork(text);
    if (network) networks.addSubnet(network.address, network.bits, network.family);
  }
  return { has: (address) => list.length > 0 && networks.check(address, familyOf(address)) };
}

function readNetwork(text: string) {
  const [base = "", bits, more] = text.split("/");
  // An IPv4-mapped network is refused: its prefix length counts IPv6 bits.
  const address = isIP(base) === 0 ? null : readAddress(base);
  if (address === null || more !== undefined || (bits !== undefined && isIP(base) !== isIP(address)))
    return null;
  const bitsMax = isIP(address) === 4 ? 32 : 128;
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > bitsMax)) return null;
  return { address, bits: bits === undefined ? bitsMax : Number(bits), family: familyOf(address) };
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}
