// A proxy on this machine between the syncing handle and the primary. It forwards to the node's own dataset and to no other.
import { connect, createServer, isIP, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { messageOf } from "../../db/message.ts";
import type { ServerKind } from "../../db/server/kind.ts";
import type { Server } from "../../db/server/pipeline.ts";
import { datasetOfServer } from "../dataset.ts";
import { type Exchange, openExchange } from "./exchange.ts";

/**
 * What a probe of the primary found: the node's own dataset, behind a door or on a bare server, no answer, or another dataset
 * (`null`: an empty database).
 */
export type ProbeResult =
  | { kind: "own"; server: ServerKind }
  | { kind: "gone"; why: string }
  | { kind: "foreign"; found: string | null };

export type PrimaryProxy = {
  /** The address that the syncing handle uses as the primary's. */
  url: string;
  /** Probes the primary until it answers with the node's own dataset. */
  probe(): void;
  /** Ends the requests for the log, also those that come from now on. Others are still forwarded. */
  endRequests(): void;
  close(): void;
};

const REACH_MS = 1_000;
/** The pause between two probes, which doubles up to the maximum. */
const PROBE_PAUSE_MS = 50;
const PROBE_PAUSE_MS_MAX = 1_000;
const KEEP_ALIVE_MS = 5_000;

/**
 * Opens the proxy and begins to probe. `onProbe` gets each result of a probe, also of those that follow when a connection through
 * the proxy ends. `dataset` is the node's own, `null` to take the first one found.
 */
export async function openProxy(
  server: Server,
  dataset: string | null,
  onProbe: (result: ProbeResult) => void,
): Promise<PrimaryProxy> {
  const probeOnce = openProbe(server, dataset);
  const open = new Set<Socket>();
  const exchanges = new Set<Exchange>();
  let isEnding = false;
  const probing = openProbing(probeOnce, onProbe);

  const forward = (client: Socket, firstBytes: Buffer) => {
    const primary = connectTo(server);
    track(primary, open);
    const exchange = openExchange(client, primary);
    exchanges.add(exchange);
    if (isEnding) exchange.refuseLog();
    client.once("close", () => {
      exchanges.delete(exchange);
      primary.destroy();
    });
    primary.once("close", () => {
      exchange.refuse();
      probing.start();
    });
    // Probed after connecting: a server that takes over the address later does not get this connection.
    primary.once(primary.isSecure ? "secureConnect" : "connect", async () => {
      const result = await probeOnce();
      if (result.kind === "own") return exchange.begin(firstBytes);
      onProbe(result);
      primary.destroy();
    });
  };

  const listener = createServer((client) => {
    track(client, open);
    // A spare connection of the handle's pool stays here: sqld cannot end while one waits for its first request.
    client.once("data", (firstBytes: Buffer) => {
      client.pause();
      forward(client, firstBytes);
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const bound = listener.address();
  if (bound === null || typeof bound === "string") throw new Error("the proxy has no port");
  probing.start();
  return {
    url: `http://127.0.0.1:${bound.port}`,
    probe: probing.start,
    endRequests() {
      isEnding = true;
      for (const exchange of exchanges) exchange.refuseLog();
    },
    close() {
      probing.stop();
      listener.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** Probes until the node's own dataset is found, from each `start` on; `onProbe` gets each result. */
function openProbing(probeOnce: () => Promise<ProbeResult>, onProbe: (result: ProbeResult) => void) {
  let isStopped = false;
  let isProbing = false;
  const probe = async () => {
    if (isProbing) return;
    isProbing = true;
    for (let pause = PROBE_PAUSE_MS; !isStopped; pause = Math.min(2 * pause, PROBE_PAUSE_MS_MAX)) {
      const result = await probeOnce();
      if (result.kind === "own") isProbing = false;
      if (!isStopped) onProbe(result);
      if (result.kind === "own") return;
      await Bun.sleep(pause);
    }
  };
  return {
    start: () => void probe(),
    stop() {
      isStopped = true;
    },
  };
}

/** Returns a function that asks the server for its dataset; without a known dataset the first answer decides. */
function openProbe(server: Server, dataset: string | null): () => Promise<ProbeResult> {
  let expected = dataset;
  return async () => {
    try {
      const { kind, id } = await datasetOfServer(server, REACH_MS);
      if (id === null || (expected !== null && id !== expected)) return { kind: "foreign", found: id };
      expected = id;
      return { kind: "own", server: kind };
    } catch (thrown) {
      return { kind: "gone", why: messageOf(thrown) };
    }
  };
}

/** Keeps the socket in the set until it is closed. */
function track(socket: Socket, open: Set<Socket>): void {
  open.add(socket);
  // An error is followed by the end of the socket.
  socket.on("error", () => {});
  socket.once("close", () => open.delete(socket));
}

function connectTo({ url, ca }: Server): Socket & { isSecure: boolean } {
  const { hostname, port, protocol } = new URL(url);
  const isSecure = protocol === "https:";
  const host = hostname.replace(/^\[|\]$/g, "");
  const address = { host, port: Number(port) || (isSecure ? 443 : 80) };
  // An address is checked by the certificate too, but is no name that a server could be asked for.
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = isSecure
    ? connectSecurely({ ...address, ...name, ...(ca === undefined ? {} : { ca }) })
    : connect(address);
  // A held request is silent: only so is a primary noticed whose machine is gone.
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return Object.assign(socket, { isSecure });
}
