// A server between a test's database and a real libSQL server: it notes each batch, and forwards, refuses or holds it;
// questions for what stands there (GET) are forwarded.
import type { Server } from "../server/pipeline.ts";

/** What happens with a batch: it reaches the server, gets an answer with this status, or gets none. */
type Treatment = "forward" | "hold" | number;

type Relay = Server & {
  /** The batches that came, in order, each as its JSON text. */
  batches: string[];
  /** Decides what happens with the batches that come from now on. */
  treat(decide: (batch: string) => Treatment): void;
  /** Ends the connections, also those of the batches that are held, which never reach the server. */
  close(): Promise<void>;
};

/** Opens a relay in front of the server; it forwards until `treat` says otherwise. */
export function openRelay({ url, authToken }: Server): Relay {
  const batches: string[] = [];
  let decide: (batch: string) => Treatment = () => "forward";
  const closed = Promise.withResolvers<Response>();
  const listener = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    // A held batch is given up by its client alone.
    idleTimeout: 0,
    async fetch(request) {
      const { method, headers } = request;
      const address = url + new URL(request.url).pathname;
      if (method === "GET") return fetch(address, { headers });
      const body = await request.text();
      batches.push(body);
      const treatment = decide(body);
      if (treatment === "hold") return closed.promise;
      if (treatment !== "forward") return new Response(null, { status: treatment });
      const answer = await fetch(address, { method, headers, body });
      return new Response(await answer.text(), { status: answer.status });
    },
  });
  return {
    url: `http://127.0.0.1:${listener.port}`,
    authToken,
    batches,
    treat(next) {
      decide = next;
    },
    async close() {
      closed.resolve(new Response(null, { status: 503 }));
      await listener.stop(true);
    },
  };
}
