// The client behind a request that needs a password checked: where it comes from, and how long it can wait.
import { Problem } from "../http/problems.ts";
import { blockOf } from "../limits/address.ts";
import type { Clients } from "../limits/client.ts";
import { realTimer, type Timer, type Visitor } from "./places.ts";

type Services = {
  clients: Clients;
  /** How long a request may wait before its work begins, in ms: less than the patience of a proxy or a connection. */
  patienceMs: number;
};

/** An edge waits 10 s; reading at a slow primary takes up to 1.5 s of it, the commit up to 3 s. */
const PATIENCE_BEHIND_EDGE_MS = 5_000;
/** The server closes a connection after 75 s without a byte; a slow commit takes up to 6 s of it. */
const PATIENCE_MS = 65_000;

/** How long a request may wait in all, behind an edge or without one. */
export const patienceOf = (isBehindEdge: boolean): number =>
  isBehindEdge ? PATIENCE_BEHIND_EDGE_MS : PATIENCE_MS;

/** Runs `work` for the client of a request. What it waits for ends when the client hangs up or its patience does. */
export type Visit = <T>(request: Request, work: (visitor: Visitor) => Promise<T>) => Promise<T>;

/** Opens the visits of a shop. */
export function openVisits({ clients, patienceMs }: Services, timer: Timer = realTimer): Visit {
  return async (request, work) => {
    const end = new AbortController();
    const hangUp = () => end.abort(new Problem("invalid-request", "the client closed the connection"));
    const cancel = timer(patienceMs, () => end.abort());
    request.signal.addEventListener("abort", hangUp);
    if (request.signal.aborted) hangUp();
    const address = blockOf(clients.of(request).address);
    try {
      return await work({ address, isKnown: false, hasFailures: false, signal: end.signal });
    } finally {
      cancel();
      request.signal.removeEventListener("abort", hangUp);
    }
  };
}
