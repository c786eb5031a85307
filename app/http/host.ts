// Names of hosts: those in the Host header that no other page's server can have, and the address of this machine.
import { isIP } from "node:net";

/** A name or address and an optional port (RFC 9110, 7.2), which may be empty; the URL's parser bounds its number. */
const HOST = /^(?:([\w-]+(?:\.[\w-]+)*)\.?|\[([\da-fA-F:.]+)\])(?::\d{0,5})?$/;
const NAME_LENGTH_MAX = 253;

/**
 * Endings that public DNS does not have, so that no stranger can own a name below them. Reserved: localhost and test
 * (RFC 6761), local (RFC 6762), home.arpa (RFC 8375), internal (ICANN, 2024). In use in private networks and refused by
 * ICANN or never given away: the others (RFC 6762, appendix G).
 */
const PRIVATE_ENDINGS = [
  "localhost",
  "test",
  "local",
  "home.arpa",
  "internal",
  "localdomain",
  "lan",
  "home",
  "corp",
  "intranet",
  "private",
];

/** Whether a request's Host is a name of this shop or of a private network, or an address. */
export type HostCheck = (request: Request) => boolean;

/** The name in a Host header, in lower case and without its last dot, or its address; `null` when it names no host. */
export function readHost(header: string): string | null {
  const [, name, ipv6] = HOST.exec(header) ?? [];
  if (ipv6 !== undefined) return isIP(ipv6) === 6 ? ipv6 : null;
  return name === undefined || name.length > NAME_LENGTH_MAX ? null : name.toLowerCase();
}

/**
 * Opens the check. A page of a stranger can let its own name point at this machine (DNS rebinding), and a browser then
 * takes the shop for that page's server; but the browser sends that name. These names are not a stranger's: addresses,
 * names without a dot, those with an ending that public DNS does not have, and `own` ones.
 */
export function openHostCheck(own: readonly string[]): HostCheck {
  const ownNames = new Set(own.map((name) => name.toLowerCase()));
  return ({ headers }) => {
    const name = readHost(headers.get("host") ?? "");
    if (name === null) return false;
    if (isIP(name) !== 0 || !name.includes(".") || ownNames.has(name)) return true;
    return PRIVATE_ENDINGS.some((ending) => name.endsWith(`.${ending}`));
  };
}

/** The own names of a shop: the host of its public URL, and its machine's. */
export const ownNames = (publicUrl: string, hostname: string): string[] =>
  publicUrl === "" ? [hostname] : [new URL(publicUrl).hostname, hostname];

/** What a server listens at when it takes every address of its machine. */
const WILDCARDS = ["0.0.0.0", "[::]"];

/** The address, without a slash at the end, by which this machine reaches a server that listens at a host and port. */
export function localAddress({ host, port }: { host: string; port: number }): string {
  const url = URL.parse(`http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`);
  return url === null || WILDCARDS.includes(url.hostname) ? `http://localhost:${port}` : url.origin;
}
