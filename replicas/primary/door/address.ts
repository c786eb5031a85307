// The address that the door listens on, and which clients are on its machine.
import { networkInterfaces } from "node:os";

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;
const MAPPED = /^::ffff:/;

/** Reads `host:port`, an IPv6 address in brackets. Throws one sentence where it is neither. */
export function readAddress(listen: string): { hostname: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(listen) ?? [];
  const hostname = bracketed ?? plain;
  if (hostname === undefined || Number(port) > 65_535)
    throw new Error(
      `the door cannot listen on ${listen}: it must be an address and a port such as 10.0.0.5:8080`,
    );
  return { hostname, port: Number(port) };
}

/**
 * Whether a client with this address is on this machine: who asks a door at a private address from the door's own machine comes
 * from that address, too.
 */
export const isOfThisMachine = (address: string, interfaces = networkInterfaces()): boolean =>
  LOOPBACK.test(address) ||
  Object.values(interfaces).some((each) => each?.some((own) => own.address === address.replace(MAPPED, "")));
