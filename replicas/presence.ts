// A connection that says nothing: it ends when the process on its other side does, whoever takes the address then.
import { connect } from "node:net";

export type Presence = { isThere(): boolean; leave(): void };

/** Connects to the host and port of a URL; rejects when that takes longer than `ms`. */
export function openPresence(url: string, ms: number): Promise<Presence> {
  const { hostname, port, protocol } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) || (protocol === "https:" ? 443 : 80) });
  let isThere = true;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error("the primary does not take connections")), ms);
    const fail = (reason: Error) => {
      isThere = false;
      clearTimeout(timer);
      socket.destroy();
      reject(reason);
    };
    socket.once("error", fail);
    socket.once("close", () => fail(new Error("the primary ended the connection")));
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve({ isThere: () => isThere, leave: () => socket.destroy() });
    });
  });
}
