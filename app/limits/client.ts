// The client behind a request: the other end of the connection, or the address that a trusted proxy names.
import { openNetworks, readAddress } from "./address.ts";

/** A client's address in canonical form, empty when unknown; near: on this machine or in a private network. */
export type Client = { address: string; isNear: boolean };

/** Returns the address at the other end of a request's connection; Bun's server has this method. */
export type Peer = { requestIP(request: Request): { address: string } | null };

/** Headers that proxies add: a request with one of them may come from another machine than the peer. */
const PROXY_HEADERS = ["x-forwarded-for", "forwarded", "x-real-ip", "via"];
const UNKNOWN: Client = { address: "", isNear: false };

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
  const near = openNetworks(["loopback", "private"]);
  const peers = new WeakMap<Request, string>();

  /** Reads X-Forwarded-For from the right, where the nearest proxy appends; an untrusted address may have forged those left of it. */
  const firstUntrusted = (forwarded: string | null, peer: string): string => {
    let nearest = peer;
    for (const text of forwarded?.split(",").reverse() ?? []) {
      const address = readAddress(text);
      if (address === null) return nearest;
      nearest = address;
      if (!proxies.has(address)) return nearest;
    }
    return nearest;
  };

  return {
    keep: (request, peerAddress) => void peers.set(request, peerAddress ?? ""),
    of(request) {
      const { headers } = request;
      const peer = readAddress(peers.get(request) ?? "");
      if (peer === null) return UNKNOWN;
      const isProxy = proxies.has(peer);
      const address = isProxy ? firstUntrusted(headers.get("x-forwarded-for"), peer) : peer;
      // Behind an untrusted proxy in a private network every client would seem near.
      const isHidden = !isProxy && PROXY_HEADERS.some((name) => headers.has(name));
      return { address, isNear: !isHidden && near.has(address) };
    },
    asGet(request) {
      const get = new Request(request.url, { method: "GET", headers: request.headers });
      peers.set(get, peers.get(request) ?? "");
      return get;
    },
  };
}
