// Requests as a replica sends them (gRPC-web), made by hand: one that asks for the session, and ones that wait for news.
import type { Socket } from "node:net";
import { must } from "../../../db/must.ts";
import { until } from "../../../db/until.ts";
import { bytesOf, connectTo, type RawRequest } from "./raw.ts";

const SERVICE = "/wal_log.ReplicationLog";
/** The flag byte and the length of a message. */
const PREFIX_BYTES = 5;
/** In the reply to Hello. */
const SESSION_FIELD = 4;
const VARINT = 0;
/** No log has so many frames, so there is no news about them. */
const LATER_FRAME = 2 ** 31;

const framed = (message: Uint8Array): Buffer => {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};

const headersOf = (token: string): [string, string][] => [
  ["content-type", "application/grpc-web+proto"],
  ["x-authorization", `Bearer ${token}`],
  ["x-namespace-bin", Buffer.from("default").toString("base64")],
];

/** Says Hello; returns the session of this life of sqld. Throws unless the door lets the token in. */
export async function sessionOf(base: string, token: string): Promise<string> {
  const response = await fetch(`${base}${SERVICE}/Hello`, {
    method: "POST",
    headers: headersOf(token),
    body: framed(new Uint8Array()),
  });
  const reply = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`Hello got ${response.status}`);
  return sessionIn(reply.subarray(PREFIX_BYTES, PREFIX_BYTES + reply.readUInt32BE(1)));
}

function sessionIn(message: Buffer): string {
  let at = 0;
  const varint = (): number => {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = must(message[at], "a byte of the message");
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const [tag, value] = [varint(), varint()];
    if ((tag & 7) === VARINT) continue;
    if (tag >> 3 === SESSION_FIELD) return message.toString("utf8", at, at + value);
    at += value;
  }
  throw new Error("the reply to Hello names no session");
}

/** Asks for frames that do not exist yet, which the door holds until there is news. */
export function newsRequest(token: string, session: string): RawRequest {
  const offset = [0x08];
  for (let rest = LATER_FRAME; ; rest = Math.floor(rest / 128)) {
    offset.push(rest < 128 ? rest : (rest % 128) | 0x80);
    if (rest < 128) break;
  }
  const headers: [string, string][] = [...headersOf(token), ["x-session-token", session]];
  return { method: "POST", target: `${SERVICE}/BatchLogEntries`, headers, body: framed(Buffer.from(offset)) };
}

export type HeldRequests = {
  /** Those that were answered at least once and are held now. */
  held(): number;
  /** Resolves when every one is refused or closed, with the milliseconds since this call. Throws after `msMax`. */
  untilAllEnd(msMax: number): Promise<number>;
  close(): void;
};

/** Holds so many requests, each on a connection of its own: whatever is answered is asked again at once. */
export function openHeldRequests(base: string, sent: RawRequest, count: number): HeldRequests {
  const bytes = bytesOf({ ...sent, headers: [["host", new URL(base).host], ...sent.headers] });
  const open = new Set<Socket>();
  const answered = new Set<Socket>();
  for (let number = 0; number < count; number += 1) {
    const socket = connectTo(base);
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      answered.delete(socket);
    });
    let rest = "";
    socket.on("data", (chunk: Buffer) => {
      rest += chunk.toString("latin1");
      const status = /^HTTP\/1\.1 (\d{3})/.exec(rest)?.[1];
      // An answer without news ends with its trailers.
      if (status === "200" && !/grpc-status: ?\d/.test(rest)) return;
      rest = "";
      if (status === "200") {
        answered.add(socket);
        socket.write(bytes);
      } else socket.destroy();
    });
    socket.write(bytes);
  }
  return {
    held: () => answered.size,
    untilAllEnd: (msMax) => until("all held requests end", () => open.size === 0, msMax),
    close() {
      for (const socket of open) socket.destroy();
    },
  };
}
