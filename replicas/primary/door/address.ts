// The address that the door listens on.

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
