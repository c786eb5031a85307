// Insole-Version: the signed position of the change feed after a write; a read that sends it back is at least as new.
import type { Database, Position } from "../../db/database.ts";
import type { Topology } from "../../db/topology.ts";
import { cookieName, setCookie } from "./cookie.ts";
import { openMacs } from "./macs.ts";

const HEADER = "insole-version";
const COOKIE = "insole_version";
const COOKIE_AGE_SECONDS = 10;
const MAC_BYTES = 12;
/** How long a read waits for the change that its client has seen before the primary answers it. */
const WAIT_MS = 250;
const TEXT = /^([0-9a-f]{1,32})\.(\d{1,15})\.([\w-]{16})$/;
/** Both names are read, the one of TLS first: the edge and its clients may know either, and a version is signed. */
const IN_COOKIES = [true, false].map(
  (isSecure) => new RegExp(`(?:^|;\\s*)${cookieName(COOKIE, isSecure)}=([\\w.-]{1,80})`),
);

/** The versions that responses to writes carry and requests send back. */
export type Versions = {
  /** The newest change of the feed that this process has applied. */
  position(): number;
  /** Waits until this process's copy contains this change; `false` when it does not within `ms`. Never rejects. */
  catchUp(seq: number, ms?: number): Promise<boolean>;
  /** The headers of a response to a write: the version, and its cookie for browsers. Never throws. */
  headers(): [string, string][];
  /** The oldest change that a request must see; 0 without a version and for one that is forged or of another generation. */
  sinceOf(headers: Headers): number;
};

type VersionOptions = {
  /** The first signs; all verify. */
  secrets: readonly string[];
  generation(): string;
  position(): number;
  /** Whether the cookie is for https only. */
  isSecure: boolean;
  topology: { db: Pick<Database, "written">; reach: Topology["reach"] };
};

/** Opens the issuing and reading of versions. */
export function openVersions({
  secrets,
  generation,
  position,
  isSecure,
  topology,
}: VersionOptions): Versions {
  const macs = openMacs(secrets, HEADER, MAC_BYTES);
  let issued = { generation: "", seq: -1, headers: [] as [string, string][] };
  let verified = { text: "", seq: 0 };

  const verify = (text: string): number => {
    const [, signedGeneration = "", seq = "", mac = ""] = TEXT.exec(text) ?? [];
    if (signedGeneration === "" || signedGeneration !== generation()) return 0;
    const isValid = macs.isOf(Buffer.from(mac, "base64url"), `${signedGeneration}.${seq}`);
    return isValid ? Number(seq) : 0;
  };

  /** The feed's position, or that of this process's own writes where the feed lags behind them. */
  const newest = (): Position => {
    const written = topology.db.written();
    const read = { generation: generation(), seq: position() };
    if (written === null) return read;
    return written.generation === read.generation && written.seq < read.seq ? read : written;
  };

  return {
    position,
    catchUp: (seq, ms = WAIT_MS) => topology.reach({ generation: generation(), seq }, ms),
    headers() {
      const now = newest();
      if (issued.seq !== now.seq || issued.generation !== now.generation) {
        const text = `${now.generation}.${now.seq}`;
        const version = `${text}.${macs.of(text).toString("base64url")}`;
        const headers: [string, string][] = [
          [HEADER, version],
          ["set-cookie", setCookie(COOKIE, version, COOKIE_AGE_SECONDS, isSecure)],
        ];
        issued = { ...now, headers };
      }
      return issued.headers;
    },
    sinceOf(headers) {
      const text = headers.get(HEADER) ?? cookieIn(headers.get("cookie"));
      if (text === null) return 0;
      if (text !== verified.text) verified = { text, seq: verify(text) };
      return verified.seq;
    },
  };
}

function cookieIn(cookies: string | null): string | null {
  if (cookies === null || !cookies.includes(COOKIE)) return null;
  for (const pattern of IN_COOKIES) {
    const found = pattern.exec(cookies)?.[1];
    if (found !== undefined) return found;
  }
  return null;
}
