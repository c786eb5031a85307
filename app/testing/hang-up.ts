// Clients that hang up: raw bytes on a socket, and how the client leaves.
import { connect } from "node:net";

/** How a client leaves: closes, resets, says that it sends no more, or stays until the server closes. */
export type Leaving = "close" | "reset" | "half-close" | "stay";

/** A connection of a client that will hang up. */
export type Caller = {
  send(bytes: string): Promise<void>;
  /** Reads nothing more, so that the answer stays in the kernel's buffers. */
  stopReading(): void;
  leave(how: Leaving): void;
  /** Resolves with everything received once the connection has ended. */
  received: Promise<string>;
};

/** Connects to the port of a shop. */
export async function openCaller(shopUrl: string): Promise<Caller> {
  const { hostname, port } = new URL(shopUrl);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
  // The server's end of an answered or refused connection.
  socket.on("end", () => socket.end());
  socket.on("error", () => undefined);
  const ended = Promise.withResolvers<string>();
  socket.on("close", () => ended.resolve(Buffer.concat(chunks).toString("latin1")));
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  return {
    send: (bytes) => new Promise((resolve) => socket.write(bytes, "latin1", () => resolve())),
    stopReading: () => void socket.pause(),
    leave(how) {
      if (how === "close") socket.destroy();
      else if (how === "reset") socket.resetAndDestroy();
      else if (how === "half-close") socket.end();
    },
    received: ended.promise,
  };
}
