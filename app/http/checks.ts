// What is refused of any request before a route is asked: an address or a body that no route could take.
import { BODY_BYTES_MAX } from "./body.ts";
import { Problem } from "./problems.ts";

/** Addresses with their query; longer ones are refused. */
export const URL_LENGTH_MAX = 8_192;

/** The path of a request's address; `/` where the address is none. */
export type Address = { isUrl: boolean; pathname: string };

export function readAddress(url: string): Address {
  const parsed = URL.parse(url);
  return { isUrl: parsed !== null, pathname: parsed?.pathname ?? "/" };
}

/** Throws the `Problem` 400 or 413. */
export function checkRequest({ url, headers }: Request, { isUrl, pathname }: Address): void {
  // The server makes the address from the Host header, whatever stands in that.
  if (!isUrl) throw new Problem("invalid-request", "the Host header is not the name of a host");
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
