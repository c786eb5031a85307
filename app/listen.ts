// The shop's port: opens it, and drains it before closing so that no running request is lost.
import type { Peer } from "./limits/client.ts";

/** Answers a request; `peer` knows the address at the other end of its connection. */
export type Walk = (request: Request, peer: Peer) => Response | Promise<Response>;

type Listener = {
  /** The URL of the shop, without a slash at the end. */
  url: string;
  /**
   * Refuses new connections and resolves when every running request is answered, after 10 s at most. Behind the edge it
   * first answers with `Connection: close` for a second.
   */
  drain(isBehindEdge: boolean): Promise<void>;
  /** Closes the remaining connections. */
  close(): Promise<void>;
};

/** Bound of the wait for running requests. */
const DRAIN_MS = 10_000;
const DRAIN_POLL_MS = 10;
/** Long enough for NGINX to use each of its connections once more. */
const GOODBYE_MS = 1_000;
/** Longer than NGINX keeps idle connections, so that it never sends on one that the server is closing. */
const IDLE_TIMEOUT_SECONDS = 75;
/** Above the walk's own bound, whose refusal has a body that explains it. */
const REQUEST_BYTES_MAX = 1024 * 1024;

/** Opens the port; throws an error of one sentence when the port is taken or not allowed. */
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
      // Bun's development error page shows source code.
      development: false,
      fetch: walk,
    });
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    if (code === "EADDRINUSE")
      throw new Error(`port ${port} on ${host} is taken: stop the program that uses it or set PORT`);
    if (code === "EACCES") throw new Error(`this user may not open port ${port}: set PORT above 1023`);
    throw thrown;
  }
}

/** Answers `Connection: close`, so that NGINX reuses no connection that is about to be closed: it would lose the request. */
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
  // Stopping from within a request: the server has then accepted every connection that was made before it.
  await fetch(new URL(knock, server.url)).catch(() => undefined);
}

/** Accepts no connection and waits for running requests, not for idle connections. */
async function drain(server: Server): Promise<void> {
  const end = Date.now() + DRAIN_MS;
  const stopped = server.stop().then(() => true);
  while (server.pendingRequests > 0 && Date.now() < end)
    if (await Promise.race([stopped, Bun.sleep(DRAIN_POLL_MS)])) return;
}
