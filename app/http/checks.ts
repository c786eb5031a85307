// Checks of every request before its route runs: host and address are well-formed, address and body not too long.
import { BODY_BYTES_MAX } from "./body.ts";
import { readHost } from "./host.ts";
import { Problem } from "./problems.ts";

/** Bound of an address with its query, in characters. */
export const URL_LENGTH_MAX = 8_192;

/** The path of a request's address; `/` where the address is not a URL. */
export type Address = { isUrl: boolean; pathname: string };

/** Parses the address of a request; never throws. */
export function readAddress(url: string): Address {
  const parsed = URL.parse(url);
  return { isUrl: parsed !== null, pathname: parsed?.pathname ?? "/" };
}

/** Throws the `Problem` 400 for a bad Host or a malformed or long address, 413 for a body that declares too many bytes. */
export function checkRequest({ url, headers }: Request, { isUrl, pathname }: Address): void {
  // Bun builds the address from the first Host header without checking it, and joins several by a comma.
  const host = headers.get("host");
  if (host?.includes(","))
    throw new Problem("invalid-request", "there must be one Host header, with one host");
  if (!isUrl || (host !== null && readHost(host) === null))
    throw new Problem("invalid-request", "the Host header must be a host name or an IP address");
  if (url.length > URL_LENGTH_MAX)
    throw new Problem("invalid-request", `an address must have at most ${URL_LENGTH_MAX} characters`);
  if (!isWellFormed(pathname)) throw new Problem("invalid-request", "the address is not well-formed UTF-8");
  if (Number(headers.get("content-length") ?? 0) > BODY_BYTES_MAX)
    throw new Problem("payload-too-large", `a body must have at most ${BODY_BYTES_MAX} bytes`);
}

function isWellFormed(pathname: string): boolean {
  try {
    decodeURIComponent(pathname);
    return true;
  } catch {
    return false;
  }
}
