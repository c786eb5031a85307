// Counters of responses, cheap enough for every request; `metrics.ts` exposes them.
import { must } from "../../db/must.ts";
import type { RouteEvent, RouteFacts } from "../http/routing.ts";
import { CLIENT_CLOSED } from "./hang-up.ts";

/** Upper ends of the histogram's buckets, in seconds. */
export const BUCKET_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const;

type CacheKind = "hit" | "miss" | "not-modified" | "missing";
/**
 * Where a read with a version found it: in this process at once, there after a wait, at the primary, or nowhere in time, and then
 * its response is older than the version.
 */
type VersionedSource = "here" | "waited" | "primary" | "behind";
type EventName = "registrations" | "logins" | "login_failures" | "likes" | "orders";

/**
 * The responses of one route, method and class of status, `499` for those that no client waited for; `buckets` are not
 * cumulative, the last has no upper end.
 */
export type Series = {
  route: string;
  method: string;
  status: string;
  count: number;
  sumSeconds: number;
  buckets: number[];
};

/** All counts since the start. */
export type Counts = {
  /** Responses from the memory cache, which no route computed. */
  memory: { answered: number; notModified: number };
  /** Responses of public routes by their source, including those of `memory`. */
  cache: Record<CacheKind, number>;
  versioned: Record<VersionedSource, number>;
  events: Record<EventName, number>;
  series: Series[];
};

export type Counters = {
  /** Counts a response from the memory cache, and returns it. */
  fromMemory(response: Response): Response;
  /**
   * Counts any other response with the milliseconds that it took, under the status of `statusOf`. What the request did is
   * counted by the response, whether or not the client received it.
   */
  add(method: string, route: RouteFacts, response: Response, ms: number, status?: number): void;
  /** Counts a read with a version. */
  addVersioned(source: VersionedSource): void;
  /** A copy of the counts so far. */
  state(): Counts;
};

const EVENT_NAMES = {
  registration: "registrations",
  login: "logins",
  like: "likes",
  order: "orders",
} as const;
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];

/** Opens counters at zero. */
export function openCounters(): Counters {
  const series = new Map<string, Series>();
  const cache: Record<CacheKind, number> = { hit: 0, miss: 0, "not-modified": 0, missing: 0 };
  const versioned: Record<VersionedSource, number> = { here: 0, waited: 0, primary: 0, behind: 0 };
  const events: Record<EventName, number> = {
    registrations: 0,
    logins: 0,
    login_failures: 0,
    likes: 0,
    orders: 0,
  };
  const memory = { answered: 0, notModified: 0 };

  const seriesOf = (route: string, method: string, status: string): Series => {
    const key = `${method} ${status} ${route}`;
    let found = series.get(key);
    if (!found) {
      const buckets = Array.from({ length: BUCKET_SECONDS.length + 1 }, () => 0);
      found = { route, method, status, count: 0, sumSeconds: 0, buckets };
      series.set(key, found);
    }
    return found;
  };

  return {
    fromMemory(response) {
      if (response.status === 304) memory.notModified += 1;
      else memory.answered += 1;
      return response;
    },
    add(requestMethod, { name: route, isPublic, event }, { status, headers }, ms, logged = status) {
      const method = METHODS.includes(requestMethod) ? requestMethod : "other";
      const found = seriesOf(route, method, classOf(logged));
      const seconds = ms / 1_000;
      found.count += 1;
      found.sumSeconds += seconds;
      const index = BUCKET_SECONDS.findIndex((end) => seconds <= end);
      const bucket = index === -1 ? BUCKET_SECONDS.length : index;
      found.buckets[bucket] = must(found.buckets[bucket], "a bucket") + 1;
      const kind = isPublic ? cacheKindOf(status, headers.get("cache-status")) : null;
      if (kind !== null) cache[kind] += 1;
      const name = event === null ? null : outcomeOf(event, status);
      if (name !== null) events[name] += 1;
    },
    addVersioned(source) {
      versioned[source] += 1;
    },
    state: () => ({
      memory: { ...memory },
      cache: {
        ...cache,
        hit: cache.hit + memory.answered,
        "not-modified": cache["not-modified"] + memory.notModified,
      },
      versioned: { ...versioned },
      events: { ...events },
      series: [...series.values()],
    }),
  };
}

/** A class of its own for hang-ups: an alarm on the share of `4xx` or `5xx` does not hear them. */
const classOf = (status: number): string =>
  status === CLIENT_CLOSED ? `${status}` : `${Math.floor(status / 100)}xx`;

function cacheKindOf(status: number, cacheStatus: string | null): CacheKind | null {
  if (status === 404) return "missing";
  if (cacheStatus === null) return null;
  // A 304 after a computation did not come from memory.
  if (!cacheStatus.includes("hit")) return "miss";
  return status === 304 ? "not-modified" : "hit";
}

function outcomeOf(event: RouteEvent, status: number): EventName | null {
  if (event === "login" && status === 401) return "login_failures";
  return status < 300 ? EVENT_NAMES[event] : null;
}
