// The client behind a request: the other end of the connection, or the address that a trusted proxy names.
import { openNetworks, readAddress, readForwarded } from "./address.ts";

/**
 * A client's address in canonical form, empty when unknown: all unknown ones are one client of the limits. Near: on this
 * machine or, without trusted proxies, in a private network.
 */
export type Client = { address: string; isNear: boolean };

/** Returns the address at the other end of a request's connection; Bun's server has this method. */
export type Peer = { requestIP(request: Request): { address: string } | null };

/** Headers that proxies add: a request with one of them may come from another machine than the peer. */
const PROXY_HEADERS = ["x-forwarded-for", "forwarded", "x-real-ip", "via"];
const UNKNOWN: Client = { address: "", isNear: false };
/** More proxies behind each other than any network has; a longer list is not read on. */
const PROXIES_MAX = 16;

export type Clients = {
  /** Remembers the peer's address for `of`; Bun forgets it once the request is answered. */
  keep(request: Request, peerAddress: string | undefined): void;
  /** The client of a request that was passed to `keep`; unknown and not near for any other. */
  of(request: Request): Client;
  /** The same request as a GET, from the same client. */
  asGet(request: Request): Request;
};

/** Opens the look-up of clients; only proxies in these networks may name the client that they forward. */
export function openClients(trusted: readonly string[]): Clients {
  const proxies = openNetworks(trusted);
  // Behind an edge a private address may be that of a load balancer, so everyone's.
  const near = openNetworks(trusted.length === 0 ? ["loopback", "private"] : ["loopback"]);
  const peers = new WeakMap<Request, string>();

  /**
   * Reads X-Forwarded-For from the right, where the nearest proxy appends: an untrusted address may have forged those
   * left of it. `null` when what a trusted proxy wrote is no address, never that of the proxy itself.
   */
  const firstUntrusted = (forwarded: string): string | null => {
    let end = forwarded.length;
    for (let proxy = 0; proxy < PROXIES_MAX; proxy += 1) {
      const comma = forwarded.lastIndexOf(",", end - 1);
      const address = readForwarded(forwarded.slice(comma + 1, end));
      if (address === null || comma === -1 || !proxies.has(address)) return address;
      end = comma;
    }
    return null;
  };

  /** The client of a trusted proxy. One that adds no header at all asks for itself: a program on its machine. */
  const behind = (headers: Headers, proxy: string): string | null => {
    const forwarded = headers.get("x-forwarded-for");
    if (forwarded !== null) return firstUntrusted(forwarded);
    return isForwarded(headers) ? null : proxy;
  };

  return {
    keep: (request, peerAddress) => void peers.set(request, peerAddress ?? ""),
    of(request) {
      const { headers } = request;
      const peer = readAddress(peers.get(request) ?? "");
      if (peer === null) return UNKNOWN;
      const isProxy = proxies.has(peer);
      const address = isProxy ? behind(headers, peer) : peer;
      if (address === null) return UNKNOWN;
      // Behind an untrusted proxy in a private network every client would seem near.
      const isHidden = !isProxy && isForwarded(headers);
      // The loopback address of another machine's proxy is not this machine.
      return { address, isNear: !isHidden && near.has(peer) && near.has(address) };
    },
    asGet(request) {
      const { url, headers, signal } = request;
      const get = new Request(url, { method: "GET", headers, signal });
      peers.set(get, peers.get(request) ?? "");
      return get;
    },
  };
}

const isForwarded = (headers: Headers): boolean => PROXY_HEADERS.some((name) => headers.has(name));
