// The port of the shop: opened, drained and closed, so that no request under way is lost.
import type { Peer } from "./limits/client.ts";

/** What answers a request; `peer` knows the other end of its connection. */
export type Walk = (request: Request, peer: Peer) => Response | Promise<Response>;

export type Listener = {
  /** Where the shop is, without a slash at the end. */
  url: string;
  /**
   * Refuses new connections and resolves when every request under way has its answer, at most after 10 s. Behind the edge it
   * first answers for a second with `Connection: close`.
   */
  drain(isBehindEdge: boolean): Promise<void>;
  /** Closes every connection that is left. */
  close(): Promise<void>;
};

/** Requests under way have this long to finish. */
const DRAIN_MS = 10_000;
const DRAIN_POLL_MS = 10;
/** Long enough for NGINX to use each of its connections once more. */
const GOODBYE_MS = 1_000;
/** Longer than NGINX keeps its connections, so that it never sends on one that we are closing. */
const IDLE_TIMEOUT_SECONDS = 75;
/** The server's own bound lies above the one in the walk, whose refusal explains itself. */
const REQUEST_BYTES_MAX = 1024 * 1024;

/** Opens the port; throws one sentence when it is taken or not allowed. */
export function listen(address: { host: string; port: number }, walk: Walk): Listener {
  const server = serve(address, walk);
  return {
    url: server.url.href.replace(/\/$/, ""),
    async drain(isBehindEdge) {
      if (isBehindEdge) await sayGoodbye(server, walk);
      await drain(server);
    },
    close: () => server.stop(true),
  };
}

type Server = ReturnType<typeof serve>;

function serve({ host, port }: { host: string; port: number }, walk: Walk) {
  try {
    return Bun.serve({
      hostname: host,
      port,
      reusePort: false,
      idleTimeout: IDLE_TIMEOUT_SECONDS,
      maxRequestBodySize: REQUEST_BYTES_MAX,
      // Bun's own page for a failure shows the code.
      development: false,
      fetch: walk,
    });
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    if (code === "EADDRINUSE")
      throw new Error(`port ${port} on ${host} is taken: stop what uses it or set PORT`);
    if (code === "EACCES")
      throw new Error(`port ${port} may not be opened by this user: set PORT above 1023`);
    throw thrown;
  }
}

/** Answers `Connection: close`: NGINX loses a request that it sends on a kept connection while that is closed. */
async function sayGoodbye(server: Server, walk: Walk): Promise<void> {
  const knock = `/${crypto.randomUUID()}`;
  server.reload({
    fetch: async (request, peer) => {
      if (request.url.endsWith(knock)) void server.stop();
      const response = await walk(request, peer);
      const headers = new Headers(response.headers);
      headers.set("connection", "close");
      return new Response(response.body, { status: response.status, headers });
    },
  });
  await Bun.sleep(GOODBYE_MS);
  // A request of our own closes the port: connections made before it have been accepted, and hardly one is made after it.
  await fetch(new URL(knock, server.url)).catch(() => undefined);
}

/** Accepts no connection and waits for the requests under way, not for connections that are silent. */
async function drain(server: Server): Promise<void> {
  const end = Date.now() + DRAIN_MS;
  const stopped = server.stop().then(() => true);
  while (server.pendingRequests > 0 && Date.now() < end)
    if (await Promise.race([stopped, Bun.sleep(DRAIN_POLL_MS)])) return;
}
