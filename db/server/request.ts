// A request to a server: with its token and certificates, within a time, and what a failure says about whether it arrived.
import { DatabaseError } from "../errors.ts";
import { messageOf } from "../message.ts";

/** Where a server is: `url` begins with http; `ca` is the PEM text of the only certificates that sign its own. */
export type Address = { url: string; authToken: string; ca?: string | undefined };

type Sent = { method: "GET" | "POST"; body?: unknown; signal: AbortSignal };

/** Error codes of a connection that could not be made. */
const NEVER_CONNECTED = /^(ConnectionRefused|ECONNREFUSED|FailedToOpenSocket|ENOTFOUND)$/;
/** Error codes of a certificate that was refused before anything was sent. */
const REFUSED_CERTIFICATE = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|ERR_TLS_CERT)/;

/** What the codes of a refused certificate mean; any other is of an unknown signer. */
const CERTIFICATE_TROUBLE: Record<string, string> = {
  CERT_HAS_EXPIRED: "has expired",
  CERT_NOT_YET_VALID: "is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "does not name the host of DATABASE_URL",
};

/**
 * Sends the body as JSON; resolves with the answer of any status. Throws `unreachable` when it cannot have arrived, and
 * `uncertain` when no answer came before `signal`.
 */
export async function sendTo(
  address: Address,
  path: string,
  { method, body, signal }: Sent,
): Promise<Response> {
  const { url, authToken, ca } = address;
  const headers = {
    "content-type": "application/json",
    authorization: `Bearer ${authToken}`,
    // A server would compress, which costs both sides more than it saves.
    "accept-encoding": "identity",
  };
  try {
    return await fetch(url.replace(/\/+$/, "") + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(ca === undefined ? {} : { tls: { ca } }),
      signal,
    });
  } catch (thrown) {
    const code = codeOf(thrown);
    const isSent = !NEVER_CONNECTED.test(code) && !REFUSED_CERTIFICATE.test(code);
    throw new DatabaseError(isSent ? "uncertain" : "unreachable", connectionTrouble(thrown));
  }
}

/** Why a connection failed, in one sentence. */
export function connectionTrouble(thrown: unknown): string {
  const code = codeOf(thrown);
  if (!REFUSED_CERTIFICATE.test(code)) return messageOf(thrown);
  return `the primary's certificate ${CERTIFICATE_TROUBLE[code] ?? "is not signed by a trusted one (DATABASE_CA_FILE)"}`;
}

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";

/** The server does not know the path that a request was sent to, so it did nothing. */
export class UnknownPath extends DatabaseError {
  constructor() {
    super("unreachable", "neither a door nor a libSQL server stands at the primary's address");
  }
}

/** The error of an answer whose status alone says that the request was not read; `null` for any other status. */
export function refusalOfStatus(status: number): DatabaseError | null {
  if (status === 404) return new UnknownPath();
  if (status === 429 || status === 503) return new DatabaseError("busy", `the primary answered ${status}`);
  if (status === 401 || status === 403)
    return new DatabaseError("unreachable", `the primary refuses this token (${status})`);
  return null;
}
