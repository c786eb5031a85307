// Rate limits: fixed windows per account or address, in bounded memory.
import { LRUCache } from "lru-cache";
import { Problem } from "../http/problems.ts";
import type { Counting } from "../http/routing.ts";

/** The count of a request: the client's remaining requests in its window, and whether this one is over the limit. */
export type Count = { limit: number; remaining: number; resetsAtMs: number; isOver: boolean };

/** Sign-ins have their own count and a lower limit. */
export type Kind = Exclude<Counting, "free">;

type LimitOptions = {
  /** Requests of one client in a window; 0: no limit. */
  requestsMax: number;
  signInsMax: number;
  windowSeconds: number;
  now(): number;
  /** Bound of the clients with a window; the least recently active one is dropped first. */
  clientsMax?: number;
};

/** Each takes about 150 bytes. */
const CLIENTS_MAX = 100_000;

type Window = { count: number; endsAtMs: number };

export type Limits = {
  /** Whether the settings have this limit. */
  isOn(kind: Kind): boolean;
  /** Counts a request of this client, unless it is over the limit; only for a limit that is on. */
  count(kind: Kind, client: string): Count;
  /** Clients with a window, and requests over a limit since the start. */
  state(): { clients: number; refused: number };
};

/** Opens the limits; a window begins with its client's first request. */
export function openLimits(options: LimitOptions): Limits {
  const { requestsMax, signInsMax, windowSeconds, now, clientsMax = CLIENTS_MAX } = options;
  // The cache allocates its 3 MB at once, so it is opened with the first counted request.
  let windows: LRUCache<string, Window> | undefined;
  const limits: Record<Kind, number> = { request: requestsMax, "sign-in": signInsMax };
  let refused = 0;

  return {
    isOn: (kind) => limits[kind] > 0,
    count(kind, client) {
      const limit = limits[kind];
      windows ??= new LRUCache({ max: clientsMax });
      const key = `${kind} ${client}`;
      let window = windows.get(key);
      if (window === undefined || window.endsAtMs <= now()) {
        window = { count: 0, endsAtMs: now() + windowSeconds * 1_000 };
        windows.set(key, window);
      }
      const isOver = window.count >= limit;
      if (isOver) refused += 1;
      else window.count += 1;
      return { limit, remaining: limit - window.count, resetsAtMs: window.endsAtMs, isOver };
    },
    state: () => ({ clients: windows?.size ?? 0, refused }),
  };
}

/** Throws the `Problem` 429 for a request that is over its limit. */
export function refuseOver(count: Count | null, nowMs: number): void {
  if (!count?.isOver) return;
  const { limit, resetsAtMs } = count;
  throw new Problem("too-many-requests", `the limit of ${limit} requests per window is reached`, [], {
    "retry-after": String(Math.max(1, Math.ceil((resetsAtMs - nowMs) / 1_000))),
  });
}

/** Sets the rate limit headers of a response; none for a request that was not counted. */
export function setLimitHeaders(headers: Headers, count: Count | null): void {
  if (count === null) return;
  headers.set("x-ratelimit-limit", String(count.limit));
  headers.set("x-ratelimit-remaining", String(count.remaining));
  headers.set("x-ratelimit-reset", String(Math.ceil(count.resetsAtMs / 1_000)));
}
