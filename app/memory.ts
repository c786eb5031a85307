// Responses from the memory cache, found by a request's address alone.
import { keyOfUrl } from "./cache/key.ts";
import { respond } from "./cache/respond.ts";
import { maskAddress } from "./http/mask.ts";
import type { Services } from "./services.ts";

type MemoryServices = Pick<Services, "cache" | "log" | "logSample" | "edge" | "counters">;

/** Opens the look-up: returns the cached response of a GET if it contains every change up to `since`, else undefined. */
export function openMemory({ cache, log, logSample, edge, counters }: MemoryServices) {
  return (request: Request, requestId: string, since: number): Response | undefined => {
    const entry = request.method === "GET" ? cache.find(keyOfUrl(request.url), since) : undefined;
    if (entry === undefined) return undefined;
    if (logSample > 0 && Math.random() < logSample)
      log.info("hit", { url: maskAddress(request.url), requestId });
    const response = respond(entry, request, "hit", requestId);
    if (edge !== null) edge.limit(response.headers);
    return counters.fromMemory(response);
  };
}
