// IP addresses in canonical form, and the networks in settings.
import { BlockList, isIP } from "node:net";

/** Networks by their names in settings. */
const NAMED: Record<string, readonly string[]> = {
  loopback: ["127.0.0.0/8", "::1/128"],
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"],
};
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
/** Some proxies write addresses with a port: `1.2.3.4:5678`, `[2001:db8::1]:5678`. */
const WITH_PORT = /^(?:([\d.]+)|\[([^\]]+)\])(?::\d{1,5})?$/;
/** A client with IPv6 can use all addresses of its /64. */
const CLIENT_GROUPS = 4;
const GROUPS = 8;

type Networks = { has(address: string): boolean };

/** The canonical form of an address, IPv4 for an IPv4-mapped one; `null` when the text is not an address. */
export function readAddress(text: string): string | null {
  const [, v4, v6] = WITH_PORT.exec(text.trim()) ?? [];
  const bare = (v4 ?? v6 ?? text.trim()).replace(/%.*$/, "");
  const family = isIP(bare);
  if (family !== 6) return family === 4 ? bare : null;
  const address = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join(".");
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

const familyOf = (address: string): "ipv4" | "ipv6" => (address.includes(":") ? "ipv6" : "ipv4");
