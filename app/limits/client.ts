// Who is on the other side of a connection, as far as proxies that are trusted tell.
import { openNetworks, readAddress } from "./address.ts";

/** A client's address in its one spelling, empty when unknown; near: on this machine or in a private network. */
export type Client = { address: string; isNear: boolean };

/** What tells the address at the other end of a request's connection: Bun's server. */
export type Peer = { requestIP(request: Request): { address: string } | null };

/** Whose address it is, is only known behind proxies that say so. */
const PROXY_HEADERS = ["x-forwarded-for", "forwarded", "x-real-ip", "via"];
const UNKNOWN: Client = { address: "", isNear: false };

export type Clients = ReturnType<typeof openClients>;

/** Opens the finder of clients; only proxies in these networks are believed about whom they speak for. */
export function openClients(trusted: readonly string[]) {
  const proxies = openNetworks(trusted);
  const near = openNetworks(["loopback", "private"]);
  const peers = new WeakMap<Request, string>();

  /** From the right, where the nearest proxy writes: what lies left of an untrusted one is what that one claims. */
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
    /** Keeps the address at the other end, which an answered request does not know any more. */
    keep: (request: Request, peerAddress: string | undefined): void =>
      void peers.set(request, peerAddress ?? ""),
    /** The client behind a request that was kept. */
    of(request: Request): Client {
      const { headers } = request;
      const peer = readAddress(peers.get(request) ?? "");
      if (peer === null) return UNKNOWN;
      const isProxy = proxies.has(peer);
      const address = isProxy ? firstUntrusted(headers.get("x-forwarded-for"), peer) : peer;
      // A proxy that is not trusted must not make the whole world look like its neighbour.
      const isHidden = !isProxy && PROXY_HEADERS.some((name) => headers.has(name));
      return { address, isNear: !isHidden && near.has(address) };
    },
    /** The same request as a GET, from the same client. */
    asGet(request: Request): Request {
      const get = new Request(request.url, { method: "GET", headers: request.headers });
      peers.set(get, peers.get(request) ?? "");
      return get;
    },
  };
}
