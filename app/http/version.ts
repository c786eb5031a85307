// Insole-Version: how new the shop was after a write, signed, so that a read can ask to be at least as new.
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Database, Position } from "../../db/database.ts";
import type { Topology } from "../../db/topology.ts";

const HEADER = "insole-version";
const COOKIE = "insole_version";
const COOKIE_AGE_SECONDS = 10;
const MAC_BYTES = 12;
/** A read waits so long for what its client has seen; then the primary answers it. */
const WAIT_MS = 250;
const TEXT = /^([0-9a-f]{1,32})\.(\d{1,15})\.([\w-]{16})$/;
const IN_COOKIES = /(?:^|;\s*)insole_version=([\w.-]{1,80})/;

export type Versions = ReturnType<typeof openVersions>;

export type VersionOptions = {
  /** The first signs, all verify. */
  secrets: readonly string[];
  generation(): string;
  /** How far the change feed has been read. */
  position(): number;
  isSecure: boolean;
  place: { db: Pick<Database, "written">; reach: Topology["reach"] };
};

/** Issues versions and reads those that come back. */
export function openVersions({ secrets, generation, position, isSecure, place }: VersionOptions) {
  const keys = secrets.map((secret) => Buffer.from(hkdfSync("sha256", secret, "", HEADER, 32)));
  const macOf = (key: Buffer, text: string) =>
    createHmac("sha256", key).update(text).digest().subarray(0, MAC_BYTES);
  let issued = { life: "", seq: -1, headers: [] as [string, string][] };
  let verified = { text: "", seq: 0 };

  const verify = (text: string): number => {
    const [, madeIn = "", seq = "", mac = ""] = TEXT.exec(text) ?? [];
    if (madeIn === "" || madeIn !== generation()) return 0;
    const given = Buffer.from(mac, "base64url");
    const isOurs = keys.some((key) => timingSafeEqual(macOf(key, `${madeIn}.${seq}`), given));
    return isOurs ? Number(seq) : 0;
  };

  /** How new the shop is: as the feed tells, or as our own writes made it where the feed lags behind them. */
  const newest = (): Position => {
    const written = place.db.written();
    const here = { generation: generation(), seq: position() };
    if (written === null) return here;
    return written.generation === here.generation && written.seq < here.seq ? here : written;
  };

  return {
    position,
    /** Whether the feed may come this far within so many milliseconds. */
    catchUp: (seq: number, ms = WAIT_MS): Promise<boolean> =>
      place.reach({ generation: generation(), seq }, ms),
    /** The headers that an answer to a write carries. */
    headers(): [string, string][] {
      const { generation: life, seq } = newest();
      if (issued.seq !== seq || issued.life !== life) {
        const text = `${life}.${seq}`;
        const version = `${text}.${macOf(keys[0] ?? Buffer.alloc(0), text).toString("base64url")}`;
        const cookie = `${COOKIE}=${version}; Max-Age=${COOKIE_AGE_SECONDS}; Path=/; HttpOnly; SameSite=Lax`;
        const headers: [string, string][] = [
          [HEADER, version],
          ["set-cookie", isSecure ? `${cookie}; Secure` : cookie],
        ];
        issued = { life, seq, headers };
      }
      return issued.headers;
    },
    /** The `seq` that a request asks for at least; 0 where it asks for none, or by a version that is not ours. */
    sinceOf(headers: Headers): number {
      const text = headers.get(HEADER) ?? cookieIn(headers.get("cookie"));
      if (text === null) return 0;
      if (text !== verified.text) verified = { text, seq: verify(text) };
      return verified.seq;
    },
  };
}

function cookieIn(cookies: string | null): string | null {
  return cookies === null || !cookies.includes(COOKIE) ? null : (IN_COOKIES.exec(cookies)?.[1] ?? null);
}
