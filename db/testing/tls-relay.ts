// A server with a certificate before a plain one, for tests: it forwards the bytes of each connection.
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer } from "node:tls";
import type { Certificate } from "./certificates.ts";

type TlsRelay = { url: string; close(): void };

/** Listens on this host, an address or a name, with this certificate. */
export async function openTlsRelay(url: string, certificate: Certificate, host: string): Promise<TlsRelay> {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  const relay = createServer(certificate, (client) => {
    const server = connect(Number(port), hostname);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(one);
      one.on("error", () => {});
      one.once("close", () => {
        open.delete(one);
        other.destroy();
      });
    }
    client.pipe(server);
    server.pipe(client);
  });
  relay.on("tlsClientError", () => {});
  await once(relay.listen(0, host), "listening");
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: `https://${name}:${(relay.address() as AddressInfo).port}`,
    close() {
      relay.close();
      for (const socket of open) socket.destroy();
    },
  };
}
