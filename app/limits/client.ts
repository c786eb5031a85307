// Who is on the other side of a connection, as far as proxies that are trusted tell.
import { openNetworks, readAddress } from "./address.ts";

/** A client's address in its one spelling, empty when unknown; near: on this machine or in a private network. */
export type Client = { address: string; isNear: boolean };

/** What tells the address at the other end of a request's connection: Bun's server. */
export type Peer = { requestIP(request: Request): { address: string } | null };

/** Whose address it is, is only known behind proxies that say so. */
const PROXY_HEADERS = ["x-forwarded-for", "forwarded", "x-real-ip", "via"];
const UNKNOWN: Client = { address: "", isNear: false };

const clients = new WeakMap<Request, Client>();

export type ClientFinder = (headers: Headers, peerAddress: string | undefined) => Client;

/** Opens the finder of clients; only proxies in these networks are believed about whom they speak for. */
export function openClientFinder(trusted: readonly string[]): ClientFinder {
  const proxies = openNetworks(trusted);
  const near = openNetworks(["loopback", "private"]);

  return (headers, peerAddress) => {
    const peer = readAddress(peerAddress ?? "");
    if (peer === null) return UNKNOWN;
    const isProxy = proxies.has(peer);
    const address = isProxy ? firstUntrusted(headers.get("x-forwarded-for"), peer) : peer;
    // A proxy that is not trusted must not make the whole world look like its neighbour.
    const isHidden = !isProxy && PROXY_HEADERS.some((name) => headers.has(name));
    return { address, isNear: !isHidden && near.has(address) };
  };

  /** From the right, where the nearest proxy writes: what lies left of an untrusted one is what that one claims. */
  function firstUntrusted(forwarded: string | null, peer: string): string {
    let nearest = peer;
    for (const text of forwarded?.split(",").reverse() ?? []) {
      const address = readAddress(text);
      if (address === null) return nearest;
      nearest = address;
      if (!proxies.has(address)) return nearest;
    }
    return nearest;
  }
}

export const keepClient = (request: Request, client: Client): void => void clients.set(request, client);

/** The client that was kept for this request. */
export const clientOf = (request: Request): Client => clients.get(request) ?? UNKNOWN;
